"""A small TCP proxy that can swallow everything, as a black hole on the way does."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress


class TcpProxy:
    """Forwards 127.0.0.1:`port` to 127.0.0.1:*upstream*.

    `swallow` keeps connections open and reads what comes, but passes nothing on, in either direction; new connections
    are accepted, too. `heal` closes the swallowed connections and forwards new ones.
    """

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._swallowing = threading.Event()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self) -> None:
        """Become a black hole."""
        self._swallowing.set()

    def heal(self) -> None:
        """Work again; what was open is closed."""
        self._close_all()
        self._swallowing.clear()

    def close(self) -> None:
        """End."""
        self._closing.set()
        self._listener.close()
        self._close_all()

    def _close_all(self) -> None:
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._upstream))
        except OSError:
            client.close()
            return
        pairs = {client: server, server: client}
        with self._lock:
            self._sockets |= pairs.keys()
        with client, server, selectors.DefaultSelector() as selector, suppress(OSError):
            for each in pairs:
                selector.register(each, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    assert isinstance(key.fileobj, socket.socket)
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    if not self._swallowing.is_set():
                        pairs[key.fileobj].sendall(data)
        # Leaving the `with` closes both.
