"""`host:port` addresses, written as Go writes them."""

from __future__ import annotations

import asyncio
import socket

from services.toxiproxy.errors import ApiError, cannot_listen

LOOPBACK = "127.0.0.1"
_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104  # only compared with; a proxy listens there only if a client asks for it


def split(address: str) -> tuple[str, str]:
    """Host (without brackets, may be empty) and port. Raises: ValueError in Go's words."""
    host, colon, port = address.rpartition(":")
    if not colon or (host.startswith("[") and not host.endswith("]")):
        raise ValueError(f"address {address}: missing port in address")
    if host.startswith("["):
        return host[1:-1], port
    if ":" in host:
        raise ValueError(f"address {address}: too many colons in address")
    return host, port


def join(host: str, port: int) -> str:
    """`host:port`, with brackets around an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def resolve(address: str) -> str:
    """*address* with its host as an IP address and its port as a number; an empty host stays empty.

    Raises: ApiError 500.
    """
    host, family_port = await _lookup(address)
    return join(host, family_port[1])


async def _lookup(address: str) -> tuple[str, tuple[socket.AddressFamily, int]]:
    if not address:
        return "", (socket.AF_INET, 0)
    try:
        host, port = split(address)
    except ValueError as error:
        raise cannot_listen(str(error)) from None
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            host or LOOPBACK, port or 0, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except (OSError, UnicodeError, OverflowError) as error:
        reason = "no such host" if isinstance(error, socket.gaierror) else str(error)
        raise cannot_listen(f"lookup {address}: {reason}") from None
    family, _, _, _, where = sorted(found, key=lambda item: item[0] != socket.AF_INET)[0]
    return (str(where[0]) if host else ""), (family, int(where[1]))


async def listener(address: str) -> socket.socket:
    """A listening socket. Without a host it is bound to 127.0.0.1 only. Raises: ApiError 500."""
    try:
        host, (family, port) = await _lookup(address)
    except ApiError as error:
        raise cannot_listen(f"listen tcp: {error}") from None
    everywhere = host in _WILDCARDS and socket.has_dualstack_ipv6()
    if everywhere:
        host, family = "::", socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if everywhere:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind((host or LOOPBACK, port))
        sock.listen(4096)
    except OSError as error:
        sock.close()
        reason = (error.strerror or str(error)).lower()
        raise cannot_listen(f"listen tcp {join(host or LOOPBACK, port)}: bind: {reason}") from None
    return sock


def of(sock: socket.socket) -> str:
    """The address on which *sock* listens."""
    name = sock.getsockname()
    return join(str(name[0]), int(name[1]))
