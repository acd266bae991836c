"""What a run's drawn requests showed, as a pytest for the learner's own suite: it needs the API, and no engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pprint import pformat

from chaos.errors import InvalidInput
from chaos.evidence.exchanged import read_exchanged
from chaos.evidence.files import Unreadable, is_regular, read_json
from chaos.invariants._drawn import smallest
from chaos.load.contract import reference
from chaos.model.conform import Contract
from chaos.model.deviation import Deviation
from chaos.model.exchange import Case, Exchange
from chaos.model.folder import File
from chaos.model.text import one_line
from chaos.model.world import SeededWorld

TEMPLATE = Path(__file__).parent / "starter" / "drawn.py.txt"
WIDTH = 116
_OWN = frozenset({"x-request-id", "content-type", "content-length"})
"""Headers that a client adds itself; a content type that is not JSON is kept."""


@dataclass(frozen=True, slots=True)
class _Shown:
    case: Case
    exchange: Exchange
    deviations: tuple[Deviation, ...]


def test_of(folder: Path) -> str:
    """Its source. Raises: InvalidInput for a run whose drawn requests show nothing."""
    contract = Contract(reference())
    try:
        exchanged = read_exchanged(folder, t0_unix_s=0.0)
        if not is_regular(folder / File.WORLD) or exchanged.unread.keys() & {File.CASES, File.EXCHANGES}:
            raise Unreadable("got no requests on record, expected those of contract/drawn")
        world = read_json(folder / File.WORLD, SeededWorld)
    except Unreadable as error:
        raise InvalidInput(f"{one_line(folder.name)}: {error}") from None
    by: dict[str, list[Deviation]] = {}
    for exchange, seen in smallest(contract, exchanged).values():
        by.setdefault(exchange.id, []).append(seen)
    if not by:
        raise InvalidInput(
            f"{one_line(folder.name)}: got no drawn request that was answered otherwise than promised,"
            " expected a run of contract/drawn that is violated"
        )
    sent = {one.id: one for one in exchanged.exchanges}
    shown = [_Shown(exchanged.case_of[sent[id_].case], sent[id_], tuple(seen)) for id_, seen in by.items()]
    promised, schemas = contract.promised(list(dict.fromkeys(one.deviations[0].operation for one in shown)))
    return (
        TEMPLATE.read_text(encoding="utf-8")
        .replace("@TITLE@", f"What {folder.name} showed.")
        .replace("@SCHEMAS@", _literal(schemas))
        .replace("@PROMISED@", _literal(promised))
        .replace("@TESTS@", "".join(_tests(shown, world)))
    )


def _literal(value: object) -> str:
    return pformat(value, width=WIDTH, compact=True, sort_dicts=False)


def _tests(shown: Sequence[_Shown], world: SeededWorld) -> Iterator[str]:
    taken: set[str] = set()
    for one in shown:
        first = one.deviations[0]
        name = _name(f"{one.case.operation}_{first.place}_{first.family}", taken)
        path, body = _about(one, world)
        headers = {
            name: value for name, value in one.exchange.request_headers.items()
            if name not in _OWN or (name == "content-type" and value != "application/json")
        }  # fmt: skip
        asked = ", ".join(repr(each) for each in (one.case.identity, one.case.method, path, headers, body))
        refused = ", refused=True" if any(seen.place.part == "request" for seen in one.deviations) else ""
        yield f"\n\ndef test_{name}(ask: Any) -> None:\n"
        for seen in one.deviations:
            yield f"    # {one_line(str(seen.place))}: {one_line(seen.says)}\n"
        yield f"    answer = ask({asked})\n    as_promised(answer, {first.operation!r}{refused})\n"


def _name(words: str, taken: set[str]) -> str:
    name = stem = re.sub(r"\W+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", words)).strip("_").lower()
    number = 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}"
    taken.add(name)
    return name


def _about(one: _Shown, world: SeededWorld) -> tuple[str, str | None]:
    """Path and body with `<<slug>>` and the like for what the lab put in: another run has other ids."""
    path, body = one.exchange.path, one.exchange.request_body
    if one.case.about.get("exists"):
        tier = world.tiers[0]
        for name, value in (("slug", tier.event_slug), ("tier", tier.tier_id), ("order", world.cast["customer"].order)):
            path = path.replace(f"/{value}/", f"/<<{name}>>/")
        body = body and body.replace(f'"tier": {tier.tier_id}', '"tier": <<tier>>')
    return path, body
