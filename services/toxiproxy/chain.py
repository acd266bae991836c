"""The toxics of one proxy and the links that they apply to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from services.toxiproxy.connection import Side
from services.toxiproxy.decode import INT64_MAX, INT64_MIN, Fields, first_value, mismatch, shortest_float32
from services.toxiproxy.errors import (
    bad_request_body,
    dangerous,
    invalid_stream,
    invalid_toxic_type,
    toxic_already_exists,
    toxic_not_found,
)
from services.toxiproxy.link import Link
from services.toxiproxy.stage import ToxicEntry
from services.toxiproxy.toxics import KINDS
from services.toxiproxy.toxics.base import Toxic

_DIRECTIONS = {"upstream": True, "downstream": False}


class ToxicChain:
    """See the module. One lock serialises changes and reads: while a change waits for a connection, readers wait, too.

    Args:
        on_link_end: Called with every link whose socket has been closed.
    """

    def __init__(self, on_link_end: Callable[[Link], None]) -> None:
        self._on_link_end = on_link_end
        self._lock = asyncio.Lock()
        self._upstream: list[ToxicEntry] = []
        self._downstream: list[ToxicEntry] = []
        self._links: set[Link] = set()

    @property
    def link_count(self) -> int:
        """Links that are open, two per connection."""
        return len(self._links)

    async def start_links(self, client: Side, server: Side) -> None:
        """Connect both directions of a new connection through the toxics."""
        async with self._lock:
            to_server = Link(client, server, upstream=True, on_end=self._forget)
            to_client = Link(server, client, upstream=False, on_end=self._forget)
            if any(entry.behaviour.resets_when_closed for entry in (*self._upstream, *self._downstream)):
                client.reset_when_closed()
                server.reset_when_closed()
            self._links |= {to_server, to_client}
            to_server.begin(self._upstream)
            to_client.begin(self._downstream)
            client.attach(outgoing=to_server, incoming=to_client)
            server.attach(outgoing=to_client, incoming=to_server)

    def _forget(self, link: Link) -> None:
        self._links.discard(link)
        self._on_link_end(link)

    async def describe(self) -> list[dict[str, Any]]:
        """All toxics as JSON, upstream first."""
        async with self._lock:
            return [describe(entry) for entry in (*self._upstream, *self._downstream)]

    async def get(self, name: str) -> dict[str, Any]:
        """One toxic as JSON. Raises: ApiError 404."""
        async with self._lock:
            return describe(self._find(name))

    async def add(self, body: bytes) -> dict[str, Any]:
        """Add the toxic that *body* describes. Raises: ApiError 400, 409."""
        async with self._lock:
            entry = self._parse(body)
            chain = self._chain(entry)
            chain.append(entry)
            await self._each(entry, lambda link: link.add(entry))
            return describe(entry)

    async def update(self, name: str, body: bytes) -> dict[str, Any]:
        """Merge attributes and toxicity. Raises: ApiError 404, 400; as in the real server the valid part of the
        attributes is then in effect."""
        async with self._lock:
            entry = self._find(name)
            values = Fields(first_value(body), "toxic")
            problem = _merge(entry.behaviour, values.raw("attributes"))
            toxicity = values.float32("toxicity", entry.toxicity)
            if problem:
                raise bad_request_body(problem)
            entry.toxicity = toxicity
            await self._each(entry, lambda link: link.update(entry))
            return describe(entry)

    async def remove(self, name: str) -> None:
        """Take the toxic out of every connection. Raises: ApiError 404."""
        async with self._lock:
            await self._remove(self._find(name))

    async def reset(self) -> None:
        """Remove all."""
        async with self._lock:
            for entry in (*self._upstream, *self._downstream):
                await self._remove(entry)

    async def _remove(self, entry: ToxicEntry) -> None:
        self._chain(entry).remove(entry)
        await self._each(entry, lambda link: link.remove(entry))

    async def _each(self, entry: ToxicEntry, change: Callable[[Link], Any]) -> None:
        await asyncio.gather(*(change(link) for link in list(self._links) if link.upstream == entry.upstream))

    def _chain(self, entry: ToxicEntry) -> list[ToxicEntry]:
        return self._upstream if entry.upstream else self._downstream

    def _find(self, name: str) -> ToxicEntry:
        for entry in (*self._upstream, *self._downstream):
            if entry.name == name:
                return entry
        raise toxic_not_found()

    def _parse(self, body: bytes) -> ToxicEntry:
        values = Fields(first_value(body), "toxics.ToxicWrapper")
        kind, name = values.text("type", ""), values.text("name", "")
        stream = values.text("stream", "downstream")
        toxicity = values.float32("toxicity", 1.0)
        if stream.lower() not in _DIRECTIONS:
            raise invalid_stream()
        if kind not in KINDS:
            raise invalid_toxic_type()
        name = name or f"{kind}_{stream}"
        if any(entry.name == name for entry in (*self._upstream, *self._downstream)):
            raise toxic_already_exists()
        behaviour = KINDS[kind]()
        if problem := _merge(behaviour, values.raw("attributes")):
            raise bad_request_body(problem)
        return ToxicEntry(name, stream, _DIRECTIONS[stream.lower()], toxicity, behaviour)


def describe(entry: ToxicEntry) -> dict[str, Any]:
    """A toxic as the API shows it."""
    return {
        "attributes": _attributes(entry.behaviour),
        "name": entry.name,
        "type": entry.behaviour.type,
        "stream": entry.stream,
        "toxicity": shortest_float32(entry.toxicity),
    }


def _attributes(behaviour: Toxic) -> dict[str, int]:
    return {field.name: getattr(behaviour, field.name) for field in fields(behaviour)}  # type: ignore[arg-type]


def _merge(behaviour: Toxic, given: Any) -> str:
    """Set the valid attributes in *given*. Returns the problem of the first invalid one, or an empty string.

    Raises: ApiError 400 when the real server would crash on the result; then nothing is changed.
    """
    wanted, problem = Fields(given, "attributes"), ""
    merged = _attributes(behaviour)
    for name in merged:
        value = wanted.raw(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not INT64_MIN <= value <= INT64_MAX:
            problem = problem or mismatch(value, f"attributes.{name}", "int64")
        else:
            merged[name] = value
    if danger := type(behaviour)(**merged).danger():
        raise dangerous(danger)
    for name, value in merged.items():
        setattr(behaviour, name, value)
    return problem
