"""The HTTP API: which request does what to the proxies, and how it is answered."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from services.hosts import LOOPBACK, is_known
from services.toxiproxy import VERSION, request_id
from services.toxiproxy.collection import ProxyCollection
from services.toxiproxy.errors import ApiError
from services.toxiproxy.http_server import Request, Response

_LOG = logging.getLogger(__name__)
NAME = "{name}"
ANY_METHOD = "*"
Endpoint = Callable[[Request, tuple[str, ...]], Awaitable[Response]]


class Api:
    """Routes requests to *proxies*.

    Args:
        metrics: Whether `/metrics` exists.
        hostnames: Host names with which a request is answered.
    """

    def __init__(self, proxies: ProxyCollection, *, metrics: bool = False, hostnames: Iterable[str] = LOOPBACK) -> None:
        self._proxies, self._hostnames = proxies, frozenset(hostnames)
        update, update_toxic = self._update, self._update_toxic
        self._routes: dict[tuple[str, ...], Mapping[str, Endpoint]] = {
            ("version",): {"GET": self._version},
            ("reset",): {"POST": self._reset},
            ("populate",): {"POST": self._populate},
            ("proxies",): {"GET": self._list, "POST": self._create},
            ("proxies", NAME): {"GET": self._show, "POST": update, "PATCH": update, "DELETE": self._delete},
            ("proxies", NAME, "toxics"): {"GET": self._list_toxics, "POST": self._add_toxic},
            ("proxies", NAME, "toxics", NAME): {
                "GET": self._show_toxic,
                "POST": update_toxic,
                "PATCH": update_toxic,
                "DELETE": self._remove_toxic,
            },
        }
        if metrics:
            self._routes["metrics",] = {ANY_METHOD: self._show_metrics}

    async def handle(self, request: Request) -> Response:
        """Answer one request; errors become answers. The answer of a known route has an id, as in the real server."""
        if not is_known(request.headers.get("host"), self._hostnames):
            return _plain("Host not allowed", 403)
        found = self._route(request.path)
        if found is None:
            return _plain("404 page not found", 404)
        methods, names = found
        endpoint = methods.get(request.method) or methods.get(ANY_METHOD)
        if endpoint is None:
            return Response(status=405)
        answer = await self._answer(endpoint, request, names)
        _log(request, answer)
        return replace(answer, headers={**answer.headers, **request_id.fresh()})

    async def _answer(self, endpoint: Endpoint, request: Request, names: tuple[str, ...]) -> Response:
        if request.headers.get("user-agent", "").startswith("Mozilla/"):
            return _plain("User agent not allowed", 403)
        try:
            return await endpoint(request, names)
        except ApiError as error:
            return _plain(_dump({"error": error.message, "status": error.status}), error.status)

    def _route(self, path: str) -> tuple[Mapping[str, Endpoint], tuple[str, ...]] | None:
        """The endpoints of *path* by method, and the names in it; None for an unknown path."""
        parts = tuple(path.split("/")[1:])
        for pattern, methods in self._routes.items():
            if len(pattern) != len(parts):
                continue
            pairs = list(zip(pattern, parts, strict=True))
            if all(got and want in (NAME, got) for want, got in pairs):
                return methods, tuple(got for want, got in pairs if want == NAME)
        return None

    async def _version(self, request: Request, names: tuple[str, ...]) -> Response:
        body = f'{{"version": "{VERSION}"}}\n'.encode()
        return Response(status=200, body=body, headers={"Content-Type": "application/json;charset=utf-8"})

    async def _show_metrics(self, request: Request, names: tuple[str, ...]) -> Response:
        body = self._proxies.counters.render().encode()
        return Response(status=200, body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def _reset(self, request: Request, names: tuple[str, ...]) -> Response:
        await self._proxies.reset()
        return Response(status=204)

    async def _list(self, request: Request, names: tuple[str, ...]) -> Response:
        return _json({proxy.name: await proxy.describe() for proxy in await self._proxies.all()})

    async def _create(self, request: Request, names: tuple[str, ...]) -> Response:
        return _json(await (await self._proxies.add(request.body)).describe(), 201)

    async def _populate(self, request: Request, names: tuple[str, ...]) -> Response:
        proxies, error = await self._proxies.populate(request.body)
        answer: dict[str, Any] = {} if error is None else {"error": error.message, "status": error.status}
        answer["proxies"] = [await proxy.describe() for proxy in proxies] or None
        return _json(answer, 201 if error is None else error.status)

    async def _show(self, request: Request, names: tuple[str, ...]) -> Response:
        return _json(await (await self._proxies.get(names[0])).describe())

    async def _update(self, request: Request, names: tuple[str, ...]) -> Response:
        proxy = await self._proxies.get(names[0])
        await proxy.update(request.body)
        return _json(await proxy.describe())

    async def _delete(self, request: Request, names: tuple[str, ...]) -> Response:
        await self._proxies.remove(names[0])
        return Response(status=204)

    async def _list_toxics(self, request: Request, names: tuple[str, ...]) -> Response:
        return _json(await (await self._proxies.get(names[0])).toxics.describe())

    async def _add_toxic(self, request: Request, names: tuple[str, ...]) -> Response:
        return _json(await (await self._proxies.get(names[0])).toxics.add(request.body))

    async def _show_toxic(self, request: Request, names: tuple[str, ...]) -> Response:
        return _json(await (await self._proxies.get(names[0])).toxics.get(names[1]))

    async def _update_toxic(self, request: Request, names: tuple[str, ...]) -> Response:
        return _json(await (await self._proxies.get(names[0])).toxics.update(names[1], request.body))

    async def _remove_toxic(self, request: Request, names: tuple[str, ...]) -> Response:
        await (await self._proxies.get(names[0])).toxics.remove(names[1])
        return Response(status=204)


def _log(request: Request, answer: Response) -> None:
    """In the real server's form: the watch reads in the log of either who asked."""
    told = {"client": request.client, "method": request.method, "url": request.url}
    told |= {"user_agent": request.headers.get("user-agent", ""), "status": str(answer.status)}
    _LOG.info("%s", _dump(told))


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _json(value: Any, status: int = 200) -> Response:
    return Response(status=status, body=_dump(value).encode(), headers={"Content-Type": "application/json"})


def _plain(text: str, status: int) -> Response:
    headers = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    return Response(status=status, body=f"{text}\n".encode(), headers=headers)
