"""What an exchange run needs before anything in it can hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chaos.judge.exchanged import player_findings
from chaos.model.exchange import Case, Exchange, Exchanged, Identity
from chaos.model.journal import Event, EventKind


def case(id_: str, identity: Identity, about: Mapping[str, Any]) -> Case:
    return Case(
        id=id_, section="walk", operation="getMe", identity=identity, method="GET", path="/api/me/", about=dict(about)
    )


def exchange(of: Case, status: int) -> Exchange:
    return Exchange(
        id=f"{of.id}-0", case=of.id, section="walk", operation="getMe", identity=of.identity, method="GET",
        path="/api/me/", intended=0.0, sent=0.0, ended=0.1, status=status,
    )  # fmt: skip


def succeeded(*asked: tuple[Identity, Mapping[str, Any], int]) -> str:
    cases = [case(f"walk-{number}", identity, about) for number, (identity, about, _) in enumerate(asked)]
    exchanges = [exchange(one, status) for one, (_, _, status) in zip(cases, asked, strict=True)]
    found = {one.check: one for one in player_findings(Exchanged(cases=tuple(cases), exchanges=tuple(exchanges)), [])}
    return found["self_check:succeeded"].reason


GOOD, REFUSED = {"success": True}, {"success": False}


def test_who_is_promised_a_success_needs_one_of_their_own() -> None:
    assert succeeded(("customer", GOOD, 200), ("admin", GOOD, 200), ("anonymous", REFUSED, 401)) == ""
    assert succeeded(("customer", GOOD, 200), ("admin", GOOD, 500), ("admin", GOOD, 200)) == ""
    assert succeeded(("customer", GOOD, 200), ("admin", GOOD, 500)) == (
        "getMe never succeeded as admin: it was answered 500"
    )


def test_where_nobody_says_who_is_promised_what_one_success_is_enough() -> None:
    assert succeeded(("customer", {}, 200), ("other", {}, 404)) == ""
    assert succeeded(("customer", {}, 404), ("other", {}, 500)) == "getMe never succeeded: it was answered 404, 500"


def test_one_that_was_only_refused_is_named() -> None:
    assert succeeded(("anonymous", REFUSED, 401)) == "getMe never succeeded: it was answered nothing"


def unsent(number: int, *events: Event) -> str:
    cases = [case(f"walk-{each}", "customer", GOOD) for each in range(number)]
    exchanged = Exchanged(cases=tuple(cases), exchanges=tuple(exchange(one, 200) for one in cases))
    return {one.check: one.reason for one in player_findings(exchanged, events)}["self_check:exchanges"]


def event(kind: EventKind, **data: Any) -> Event:
    return Event(seq=1, at_unix_s=1.0, event=kind, data=data)


def test_what_a_section_added_counts_with_what_was_meant_at_first() -> None:
    begun, ended = event(EventKind.LOAD_STARTED, cases=2), event(EventKind.PHASE_ENDED, phase="walk", more=1)
    assert unsent(3, begun, ended) == ""
    assert unsent(2, begun) == ""
    assert unsent(2, begun, ended) == "cases.jsonl has 2 cases, the journal says 3"
    assert unsent(3, begun) == "cases.jsonl has 3 cases, the journal says 2"
    assert unsent(3, begun, event(EventKind.PHASE_ENDED, phase="walk", more="1")) == (
        "cases.jsonl has 3 cases, the journal says 2"
    )
