"""report.md: the verdict for a pull request, or for a mentor who has ten minutes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from chaos.model.counterexamples import Race
from chaos.model.text import visible
from chaos.model.verdict import FaultRecord, Finding, VerdictDocument, worst_first
from chaos.report.explain import MOMENT_COLUMNS, moment_rows, operation
from chaos.report.samples import body, during_faults, request_line, status_line, telling_headers
from chaos.report.words import (
    OPERATION_COLUMNS,
    Shown,
    event_rows,
    headline,
    isolation,
    operation_rows,
    run_by,
    signed,
    some,
    what_to_do,
)


def render(shown: Shown) -> str:
    """The whole report, verdict first."""
    return "\n".join(_lines(shown)) + "\n"


def _lines(shown: Shown) -> Iterator[str]:
    document = shown.document
    yield f"# {headline(document)}: {cell(document.title)} on {code(document.variant)}"
    yield ""
    yield f"**{cell(document.summary)}**"
    yield ""
    yield cell(what_to_do(document))
    yield ""
    yield f"> {cell(document.hypothesis)}"
    yield ""
    yield (
        f"Run {code(document.run_id)} · scenario {code(document.scenario)} · drill {document.drill} · "
        f"seed {document.seed} · scale {document.scale:g} · {document.started_at} · "
        f"{document.duration_s:.0f} s{_by(document)}"
    )
    yield ""
    yield f"Isolation: {isolation(document.isolation)}"
    checks = worst_first(document.checks)
    yield from _section("Checks", ("verdict", "check", "expected", "measured", "where"), map(_check, checks))
    yield from _reasons(worst_first([*checks, *document.about_run]))
    yield from _counterexamples(shown)
    faults = [(f.id, f.kind, f.on, _seconds(f.injected_s), _seconds(f.lifted_s), _met(f)) for f in document.faults]
    if faults:
        yield from _section("Faults", ("fault", "kind", "on", "from", "to", "proof"), faults)
    yield from _section("Operations", OPERATION_COLUMNS, operation_rows(document), right_from=2)
    yield ""
    yield (
        "Latency counts from the intended start. *no answer*: the operation at that rank got no promised answer. "
        "*refused* is a documented refusal such as sold out; *unknown* may have happened (timeout, reset, 5xx)."
    )
    yield from _samples(shown)
    about = ((signed(f.verdict), f.check, f.expected, f.measured) for f in worst_first(document.about_run))
    yield from _section("The run itself", ("verdict", "check", "expected", "measured"), about)
    yield from _section("Events", ("at", "event", "details"), event_rows(shown.events))


def _check(finding: Finding) -> tuple[str, ...]:
    check = code(finding.check)
    return (signed(finding.verdict), check, finding.expected, finding.measured, finding.where)


def _reasons(findings: Iterable[Finding]) -> Iterator[str]:
    told = [f for f in findings if f.reason]
    if told:
        yield ""
        yield "## Why"
        yield ""
    for finding in told:
        yield f"- **{cell(finding.check)}**: {cell(finding.why)}"
        if finding.examples:
            examples, more = some(finding.examples)
            yield f"  Examples: {', '.join(map(code, examples))}{more}"


def _counterexamples(shown: Shown) -> Iterator[str]:
    """Each as a list of operations and one time line."""
    if shown.counterexamples:
        yield ""
        yield "## Counterexamples"
    for explained in shown.counterexamples:
        yield ""
        yield f"### {code(explained.check)}"
        yield ""
        yield f"{cell(explained.says)}."
        yield ""
        for op in explained.operations:
            yield f"- **{op.label}** {cell(operation(op))}"
        if explained.race is not None:
            yield from _race(explained.race)
        if explained.moments:
            yield from table(MOMENT_COLUMNS, moment_rows(explained))
        if explained.left_out:
            yield f"\n… and {explained.left_out} more moments; reads were left out first."
        yield from (f"\nNot known: {cell(what)}." for what in explained.unknown)


def _race(race: Race) -> Iterator[str]:
    """The pair that raced: a list of the two, and a time line of their own."""
    yield ""
    yield f"**{cell(race.counted)}.** {cell(race.says)}."
    yield ""
    for op in race.operations:
        yield f"- **{op.label}** {cell(operation(op))}"
    yield from (f"- In the code, {cell(line)}" for line in race.lines)
    yield from table(MOMENT_COLUMNS, moment_rows(race))
    yield ""
    yield "What the operations above did:"


def _samples(shown: Shown) -> Iterator[str]:
    rows = [
        (
            f"{sample.ended:.2f} s",
            sample.phase,
            request_line(sample),
            status_line(sample),
            "; ".join(f"{name}: {value}" for name, value in telling_headers(sample)),
            body(sample),
        )
        for sample in during_faults(shown.document, shown.samples)
    ]
    if rows:
        during = "while a fault was there" if shown.document.faults else "of the run"
        yield from _section(f"Sampled answers {during}", ("at", "phase", "request", "answer", "headers", "body"), rows)


def _section(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, right_from: int | None = None
) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield from table(columns, rows, right_from=right_from)


def cell(text: object) -> str:
    """*text* escaped so that it stays in its cell, and becomes no tag, link or picture."""
    return _flat(text).replace("](", "]\\(").replace("![", "!\\[").replace("][", "]\\[")


def _flat(text: object) -> str:
    """On one line, without a tag or the end of a cell."""
    plain = " ".join(visible(str(text)).split())
    return plain.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") or "–"


def code(text: object) -> str:
    """*text* as code; a backtick in it does not end the code."""
    plain = " ".join(visible(str(text)).split())
    return f"`` {plain.replace('``', '` `').replace('``', '` `')} ``" if "`" in plain else f"`{plain or ' '}`"


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right_from: int | None = None,
    escape: Callable[[str], str] = cell,
) -> Iterator[str]:
    """An empty line, then a table whose columns from *right_from* on are aligned to the right."""
    yield ""
    yield f"| {' | '.join(columns)} |"
    right = len(columns) if right_from is None else right_from
    yield f"|{'|'.join('---:' if position >= right else '---' for position in range(len(columns)))}|"
    for row in rows:
        yield f"| {' | '.join(map(escape, row))} |"


def inline(text: object) -> str:
    """Text that a person typed, shown literally: no link, no picture, no emphasis."""
    return re.sub(r"([`*_\[\]#~!])", r"\\\1", _flat(text))


def _by(document: VerdictDocument) -> str:
    return f" {inline(said)}" if (said := run_by(document)) else ""


def _seconds(at_s: float | None) -> str:
    return "never" if at_s is None else f"{at_s:.1f} s"


def _met(fault: FaultRecord) -> str:
    return fault.problem or f"proven, met by {fault.exposure}"
