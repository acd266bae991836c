"""Exchanges of the source `exploits`, grouped by exploit or by use."""

from __future__ import annotations

from collections.abc import Iterator

from chaos.exploits._exploit import Scene
from chaos.model.exchange import Exchange, Exchanged


def grouped(exchanged: Exchanged, what: str) -> Iterator[tuple[str, list[Exchange], Scene]]:
    """The name, the exchanges in the order of their steps, and the scene of each *what* (`exploit` or `use`)."""
    found: dict[str, tuple[list[Exchange], list[Scene]]] = {}
    for exchange in exchanged.exchanges:
        case = exchanged.case_of.get(exchange.case)
        name = case.about.get(what) if case is not None else None
        if case is None or name is None:
            continue
        exchanges, scenes = found.setdefault(name, ([], []))
        exchanges.append(exchange)
        if "scene" in case.about:
            scenes.append(Scene.of(case.about["scene"]))
    yield from ((name, exchanges, scenes[0]) for name, (exchanges, scenes) in found.items() if scenes)
