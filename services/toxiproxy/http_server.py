"""A small HTTP/1.1 server: keep-alive, Content-Length and chunked bodies, one handler for all requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from services.toxiproxy import SERVER, address, request_id

_LOG = logging.getLogger(__name__)
READ_TIMEOUT_S = 15.0
IDLE_TIMEOUT_S = 60.0
LARGEST_BODY_BYTES = 4 * 1024 * 1024
LARGEST_HEADER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as far as the API needs it: *path* is decoded, header names are in lower case.

    Attributes:
        url, client: As they came, for the log.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    url: str = ""
    client: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer. `Content-Length`, `Date` and `Server` are added."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Response]]


class _Malformed(Exception):
    """The request is not valid HTTP/1, or too large."""


class HttpServer:
    """Serves *handler*. A handler that takes too long is left running while its caller gets a 503.

    Args:
        handler_timeout_s: Seconds after which the caller gets the 503.
    """

    def __init__(self, handler: Handler, *, handler_timeout_s: float = 25.0) -> None:
        self._handler = handler
        self._handler_timeout_s = handler_timeout_s
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._handling: set[asyncio.Task[Response]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port. Raises: OSError."""
        self._server = await asyncio.start_server(self._serve, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """End at once, requests under way included."""
        if self._server is not None:
            self._server.close()
        tasks: list[asyncio.Task[None] | asyncio.Task[Response]] = [*self._tasks, *self._handling]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # the client has gone, sends nothing, or sends too much: the connection is closed without an answer
        except asyncio.CancelledError:
            pass  # the server stops; a task that ends as cancelled would be logged by asyncio.streams
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether the connection may be used again."""
        try:
            async with asyncio.timeout(IDLE_TIMEOUT_S):
                line = await reader.readline()
            if not line:
                return False
            async with asyncio.timeout(READ_TIMEOUT_S):
                request, keep = await _read(line, reader, writer)
        except (_Malformed, ValueError):
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return False
        response = await self._handle(request)
        writer.write(_render(response, head=request.method == "HEAD", keep=keep))
        await writer.drain()
        return keep

    async def _handle(self, request: Request) -> Response:
        task = asyncio.ensure_future(self._handler(request))
        self._handling.add(task)
        task.add_done_callback(self._handling.discard)
        done, _ = await asyncio.wait({task}, timeout=self._handler_timeout_s)
        if not done:
            page = b"<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>"
            headers = {"Content-Type": "text/html; charset=utf-8", **request_id.fresh()}
            return Response(status=503, body=page, headers=headers)
        if (error := task.exception()) is not None:
            _LOG.error("%s %s: the handler crashed", request.method, request.path, exc_info=error)
            return Response(status=500)
        return task.result()


async def _read(line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[Request, bool]:
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise _Malformed
    headers: dict[str, str] = {}
    left_bytes = LARGEST_HEADER_BYTES
    while (row := await reader.readline()) not in (b"\r\n", b"\n"):
        left_bytes -= len(row)
        name, colon, value = row.decode("latin-1").partition(":")
        if not colon or left_bytes < 0:
            raise _Malformed
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = await _read_body(headers, reader)
    keep = headers.get("connection", "").lower() != "close" and words[2] != "HTTP/1.0"
    peer = writer.get_extra_info("peername") or ("?", 0)
    request = Request(
        method=words[0], path=unquote(urlsplit(words[1]).path), headers=headers, body=body, url=words[1],
        client=address.join(str(peer[0]), int(peer[1])),
    )  # fmt: skip
    return request, keep


async def _read_body(headers: Mapping[str, str], reader: asyncio.StreamReader) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= LARGEST_BODY_BYTES:
            raise _Malformed
        return await reader.readexactly(length)
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        if size < 0 or len(body) + size > LARGEST_BODY_BYTES:
            raise _Malformed
        body += await reader.readexactly(size)
        await reader.readline()
    while (await reader.readline()).strip():
        pass  # trailers
    return body


def _render(response: Response, *, head: bool, keep: bool) -> bytes:
    rows = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    rows += [f"{name}: {value}" for name, value in response.headers.items()]
    rows += [f"Server: {SERVER}", f"Date: {formatdate(usegmt=True)}"]
    if response.status != HTTPStatus.NO_CONTENT:
        rows.append(f"Content-Length: {len(response.body)}")
    if not keep:
        rows.append("Connection: close")
    return "\r\n".join([*rows, "", ""]).encode("latin-1") + (b"" if head else response.body)
