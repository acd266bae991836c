"""Two runs side by side, check by check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from chaos.evidence.comparable import axis, problems
from chaos.model.verdict import Finding, Verdict, VerdictDocument
from chaos.report.words import SIGNS, headline, signed

STYLES = {"held": "green", "inconclusive": "yellow", "violated": "red"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one run says about a check; `verdict` is empty when it has no such check."""

    verdict: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedCheck:
    """One check in all runs, in their order."""

    check: str
    expected: str
    sides: tuple[Side, ...]


def compared(documents: Sequence[VerdictDocument]) -> list[ComparedCheck]:
    """Checks about the API of several runs; about the run only what isn't held somewhere."""
    found = [{f.check: f for f in document.findings} for document in documents]
    shown = {f.check: f for document in documents for f in document.checks}
    for document in documents:
        shown |= {f.check: f for f in document.findings if f.kind.about_run and f.verdict is not Verdict.HELD}
    return [
        ComparedCheck(
            check=check, expected=finding.expected, sides=tuple(_side(findings.get(check)) for findings in found)
        )
        for check, finding in shown.items()
    ]


def _side(finding: Finding | None) -> Side:
    if finding is None:
        return Side()
    text = finding.measured or finding.reason
    if finding.verdict is Verdict.INCONCLUSIVE:
        text = finding.why or text
    return Side(verdict=finding.verdict, text=text)


def comparison_table(documents: Sequence[VerdictDocument]) -> Table:
    """For a terminal: one column per run, its verdict in the foot."""
    table = Table(
        title=Text(f"{documents[0].title} (seed {documents[0].seed})"), title_justify="left", show_footer=True
    )
    table.add_column("check", footer="verdict", overflow="fold", ratio=2)
    table.add_column("expected", ratio=3)
    for document in documents:
        verdict = document.verdict
        table.add_column(Text(document.variant), footer=Text(headline(document), style=STYLES[verdict]), ratio=3)
    for row in compared(documents):
        table.add_row(Text(row.check), Text(row.expected), *(_styled(side) for side in row.sides))
    if said := _cautions(documents):
        table.caption, table.caption_justify = Text(said), "left"
    return table


def _cautions(documents: Sequence[VerdictDocument]) -> str:
    """What has to be said beside two comparable runs; empty for others."""
    if len(documents) != 2 or problems(*documents):
        return ""
    return " ".join(axis(*documents).cautions)


def _styled(side: Side) -> Text:
    if not side.verdict:
        return Text("–", style="dim")
    text = Text(signed(side.verdict), style=STYLES[side.verdict])
    return text.append(f"\n{side.text}", style="default") if side.text else text


def comparison_text(documents: Sequence[VerdictDocument]) -> str:
    """For a pipe or a log: plain lines."""
    lines = [f"{documents[0].title} (seed {documents[0].seed})"]
    for row in compared(documents):
        lines.append(f"{row.check}: {row.expected}")
        for document, side in zip(documents, row.sides, strict=True):
            said = f"{SIGNS[side.verdict]} {side.verdict}: {side.text}" if side.verdict else "– not checked"
            lines.append(f"  {document.variant:<10} {said.rstrip(': ')}")
    lines += [said] if (said := _cautions(documents)) else []
    lines += [f"verdict {document.variant}: {headline(document)}" for document in documents]
    return "\n".join(lines) + "\n"
