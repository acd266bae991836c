"""Some of a section's cases, with every case that they need."""

from __future__ import annotations

from typing import Any

from chaos.errors import LabBroken
from chaos.exchanges._source import Ground, Source
from chaos.model.exchange import PLACE, Case


def chosen(source: Source, params: Any, ground: Ground) -> list[Case]:
    """Those of the section's cases that `params.ids` names, in their order; all when it names none.

    Added are what is judged together with them, those whose answers they use, and what of the section before them may
    have made the state that they expect: every write that is to succeed, and every earlier sending of the same write.
    An operation of which nothing else is sent than what has to be refused gets a success, too: a shop that refuses
    everything would look right.

    Raises: LabBroken for an id that no case has.
    """
    cases = list(source.cases(params, ground))
    if not params.ids:
        return cases
    by_id = {case.id: case for case in cases}
    if unknown := [id_ for id_ in params.ids if id_ not in by_id]:
        raise LabBroken(f"{params.section}: ids: got {unknown[0]}, expected one of {cases[0].id} to {cases[-1].id}")
    kinds = {source.together(by_id[id_]) for id_ in params.ids}
    kept = {case.id for case in cases if source.together(case) in kinds}
    alike = {_request(by_id[id_]) for id_ in kept if by_id[id_].method != "GET"}
    last = max(number for number, case in enumerate(cases) if case.id in kept)
    kept |= {case.id for case in cases[:last] if _request(case) in alike or _makes_state(case)}
    kept |= {case.id for case in cases if case.about.get("closes")}
    for operation in {by_id[id_].operation for id_ in kept}:
        own = [case for case in cases if case.operation == operation and case.about.get("success", True)]
        if own and not any(case.id in kept for case in own):
            kept.add(min(own, key=lambda case: case.wait_s).id)
    todo = list(kept)
    while todo:
        needed = _uses(by_id[todo.pop()]) & by_id.keys() - kept
        kept |= needed
        todo += needed
    return [case for case in cases if case.id in kept]


def _request(case: Case) -> tuple[str, str, str, str | None]:
    return case.identity, case.method, case.path, case.body


def _makes_state(case: Case) -> bool:
    return case.method != "GET" and bool(case.about.get("success"))


def _uses(case: Case) -> set[str]:
    """Ids of the cases whose answers *case* uses."""
    texts = (case.path, case.body or "", *case.headers.values())
    return {found["case"] for text in texts for found in PLACE.finditer(text)}
