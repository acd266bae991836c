"""The listening socket."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing

from services.listen import listen


def test_answers_do_not_wait_for_acknowledgements() -> None:
    nodelay: list[int] = []

    async def serve_one() -> None:
        seen = asyncio.Event()

        def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = writer.get_extra_info("socket")
            nodelay.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()
            seen.set()

        with closing(listen("127.0.0.1", 0)) as listener:
            async with await asyncio.start_server(accepted, sock=listener):
                with socket.create_connection(listener.getsockname()):
                    await seen.wait()

    asyncio.run(serve_one())
    assert nodelay != [0]
    assert len(nodelay) == 1
