"""Whether the record of an exchange run is complete; its sections take the place of phases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from chaos.checks import Judged
from chaos.judge.record import self_check
from chaos.model.bounds import second
from chaos.model.exchange import Exchanged
from chaos.model.folder import File
from chaos.model.history import Outcome
from chaos.model.journal import Event, EventKind
from chaos.model.span import Span
from chaos.model.verdict import Finding

WITNESS_OF: Mapping[str, str] = {
    File.CASES: "cases", File.EXCHANGES: "exchanges", File.QUERIES: "queries", File.PLANS: "plans",
    File.CONTRACT: "contract", File.REVIEW: "review", File.AUDIT: "audit",
}  # fmt: skip
"""File → its name as a witness of checks."""


def with_sections(scenario: Judged, events: Sequence[Event]) -> Judged:
    """*scenario* with its sections, at the times on record, as its phases; one that never ended has no length."""
    starts: dict[str, float] = {}
    ends: dict[str, float] = {}
    for event in events:
        name = str(event.data.get("phase"))
        if event.event is EventKind.PHASE_STARTED and (at_s := second(event.data.get("start_s"))) is not None:
            starts.setdefault(name, at_s)
        elif event.event is EventKind.PHASE_ENDED and (at_s := second(event.data.get("end_s"))) is not None:
            ends[name] = at_s
    latest_s = 0.0
    spans = []
    for name in scenario.sections:
        start_s = starts.get(name, latest_s)
        latest_s = max(start_s, ends.get(name, start_s))
        spans.append(Span(name=name, start_s=start_s, end_s=latest_s))
    return replace(scenario, phases=tuple(spans))


def player_findings(exchanged: Exchanged, events: Sequence[Event]) -> Iterator[Finding]:
    """Whether every case was sent, the log of statements is there, and each operation succeeded at least once."""
    unread = "; ".join(exchanged.unread[name] for name in (File.CASES, File.EXCHANGES) if name in exchanged.unread)
    yield self_check(
        "exchanges",
        "every case was sent, and every exchange is on record",
        unread or _unsent(exchanged, events),
        measured=f"{len(exchanged.exchanges)} exchanges of {len(exchanged.cases)} cases",
        figures={"cases": len(exchanged.cases), "exchanges": len(exchanged.exchanges)},
    )
    yield self_check(
        "queries",
        "the database's log of statements is on record",
        exchanged.unread.get(File.QUERIES, ""),
        measured=f"{len(exchanged.queries)} statements",
    )
    if not unread:
        yield self_check(
            "succeeded", "each operation got its documented success at least once", _never_succeeded(exchanged)
        )


def _unsent(exchanged: Exchanged, events: Sequence[Event]) -> str:
    told = next((event.data.get("cases") for event in events if event.event is EventKind.LOAD_STARTED), None)
    # `more`: what a section sent because of the answers that it got, to find the smallest request of each deviation.
    more = [event.data.get("more", 0) for event in events if event.event is EventKind.PHASE_ENDED]
    if isinstance(told, int) and all(isinstance(number, int) for number in more):
        told += sum(more)
    if told is not None and told != len(exchanged.cases):
        return f"{File.CASES} has {len(exchanged.cases)} cases, the journal says {told}"
    if not exchanged.cases and told is None:
        return "there was no case at all"
    missing = [case.id for case in exchanged.cases if case.id not in exchanged.by_case]
    unknown = [exchange.id for exchange in exchanged.exchanges if exchange.case not in exchanged.case_of]
    twice = len(exchanged.exchanges) - len({exchange.id for exchange in exchanged.exchanges})
    unsent = [exchange for exchange in exchanged.exchanges if exchange.sent is None]
    if missing:
        return f"{len(missing)} cases were never sent: {', '.join(missing[:3])}"
    if unknown or twice:
        return f"{len(unknown) + twice} exchanges are of no case, or twice on record"
    if unsent:
        return f"{len(unsent)} cases could not be sent: {unsent[0].id}: {unsent[0].error}"
    return ""


def _never_succeeded(exchanged: Exchanged) -> str:
    """An operation that was answered an error only shows nothing of what it does: no data is never a pass.

    Where cases say who is promised a success, each of those identities needs one.
    """
    answers: dict[tuple[str, str], set[str]] = {}
    for exchange in exchanged.exchanges:
        case = exchanged.case_of.get(exchange.case)
        promised = case.about.get("success") if case else None
        if promised is not False:
            said = "ok" if exchange.outcome is Outcome.OK else str(exchange.status or exchange.error or "no answer")
            answers.setdefault((exchange.operation, exchange.identity if promised else ""), set()).add(said)
    tried = {operation for operation, _ in answers}
    for exchange in exchanged.exchanges:
        if exchange.operation not in tried:
            answers[exchange.operation, ""] = {"nothing"}
    return "; ".join(
        f"{operation} never succeeded{f' as {who}' if who else ''}: it was answered {', '.join(sorted(got))}"
        for (operation, who), got in sorted(answers.items())
        if "ok" not in got
    )


def missing_witnesses(unread: Mapping[str, str]) -> dict[str, str]:
    """Witness → why it is missing, for checks that name it; *unread* is by file, of any run."""
    return {WITNESS_OF[name]: why for name, why in unread.items() if name in WITNESS_OF}
