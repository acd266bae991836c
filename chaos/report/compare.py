"""Two runs side by side, check by check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from chaos.report.words import ABOUT_RUN, SIGNS, checks, signed

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


def compared(documents: Sequence[Mapping[str, Any]]) -> list[ComparedCheck]:
    """Checks about the API of several verdict.json documents; about the run only what isn't held somewhere."""
    found = [{f["check"]: f for f in document["findings"]} for document in documents]
    shown = {f["check"]: f for document in documents for f in checks(document)}
    for document in documents:
        shown |= {f["check"]: f for f in document["findings"] if f["kind"] in ABOUT_RUN and f["verdict"] != "held"}
    return [
        ComparedCheck(
            check=check, expected=finding["expected"], sides=tuple(_side(findings.get(check)) for findings in found)
        )
        for check, finding in shown.items()
    ]


def _side(finding: Mapping[str, Any] | None) -> Side:
    if finding is None:
        return Side()
    text = finding["measured"] or finding["reason"]
    if finding["verdict"] == "inconclusive":
        text = finding["reason"] or text
    return Side(verdict=finding["verdict"], text=text)


def comparison_table(documents: Sequence[Mapping[str, Any]]) -> Table:
    """For a terminal: one column per run, its verdict in the foot."""
    table = Table(
        title=f"{documents[0]['title']} (seed {documents[0]['seed']})", title_justify="left", show_footer=True
    )
    table.add_column("check", footer="verdict", overflow="fold", ratio=2)
    table.add_column("expected", ratio=3)
    for document in documents:
        verdict = document["verdict"]
        table.add_column(document["variant"], footer=Text(signed(verdict), style=STYLES[verdict]), ratio=3)
    for row in compared(documents):
        table.add_row(Text(row.check), Text(row.expected), *(_styled(side) for side in row.sides))
    return table


def _styled(side: Side) -> Text:
    if not side.verdict:
        return Text("–", style="dim")
    text = Text(signed(side.verdict), style=STYLES[side.verdict])
    return text.append(f"\n{side.text}", style="default") if side.text else text


def comparison_text(documents: Sequence[Mapping[str, Any]]) -> str:
    """For a pipe or a log: plain lines."""
    lines = [f"{documents[0]['title']} (seed {documents[0]['seed']})"]
    for row in compared(documents):
        lines.append(f"{row.check}: {row.expected}")
        for document, side in zip(documents, row.sides, strict=True):
            said = f"{SIGNS[side.verdict]} {side.verdict}: {side.text}" if side.verdict else "– not checked"
            lines.append(f"  {document['variant']:<10} {said.rstrip(': ')}")
    lines += [f"verdict {document['variant']}: {signed(document['verdict'])}" for document in documents]
    return "\n".join(lines) + "\n"


def findings_table(document: Mapping[str, Any]) -> Table:
    """For a terminal: one run's checks, and what spoiled it."""
    return comparison_table([document])
