"""The list of runs on Overview, from the scorecard or the evidence folder, filtered by the address."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from chaos.evidence.course import RunState
from chaos.evidence.growing import Run
from chaos.evidence.stamps import oldest_first
from dashboard import markup, scorecard, words
from dashboard.markup import Cell

ANY = "any"
DRILLS = (ANY, "1", "2", "3", "4", "5", "6")
VARIANTS = (ANY, *words.VARIANTS)
VERDICTS = (ANY, "violated", "inconclusive", "held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The filters that a reader set; an empty text filters nothing."""

    drill: str = ""
    scenario: str = ""
    variant: str = ""
    verdict: str = ""
    label: str = ""
    text: str = ""

    @property
    def everything(self) -> bool:
        return not (self.drill or self.scenario or self.variant or self.verdict or self.label or self.text)

    def fits(self, row: Row) -> bool:
        said = f"{row.title} {row.scenario} {row.run_id} {row.label}".lower()
        return (
            (not self.drill or str(row.drill) == self.drill)
            and (not self.scenario or row.scenario == self.scenario)
            and (not self.variant or row.variant == self.variant)
            and (not self.verdict or row.verdict == self.verdict)
            and (not self.label or row.label == self.label)
            and self.text.lower() in said
        )

    def named(self, labels: Mapping[str, str]) -> list[str]:
        """The runs that a label alone may find, newest first: they may be older than all that a page reads."""
        if not (self.label or self.text):
            return []
        found = [
            run for run, label in labels.items() if self.label in ("", label) and self.text.lower() in label.lower()
        ]
        return oldest_first(found)[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A run in the table, from either source. `broken` names the checks that were violated."""

    run_id: str
    title: str
    variant: str
    seed: int | None
    sign: words.Sign
    started_unix_s: float | None
    duration_s: float | None
    broken: tuple[str, ...] = ()
    scenario: str = ""
    drill: int | str | None = None
    verdict: str = ""
    label: str = ""


def asked(scenarios: Sequence[str], labels: Iterable[str]) -> Wanted:
    """A row of boxes, each bound to the address."""
    with st.container(key="filters"):
        text = st.text_input(
            "Search runs", key="q", bind="query-params", placeholder="Title, scenario, label or run id", max_chars=100
        )
        # Not `drill`, which Streamlit would take from the address of the page that a link leads to. Without a format:
        # the address holds what a box shows, and `?verdict=violated` is to be typed by hand, too.
        chosen = [
            st.selectbox(label, list(options), key=key, bind="query-params")
            for label, key, options in (
                ("Drill", "of_drill", DRILLS),
                ("Scenario", "scenario", (ANY, *scenarios)),
                ("Variant", "variant", VARIANTS),
                ("Verdict", "verdict", VERDICTS),
                ("Label", "label", (ANY, *sorted(set(labels) - {ANY}, key=str.lower))),
            )
        ]
    drill, scenario, variant, verdict, label = ("" if each in (None, ANY) else str(each) for each in chosen)
    return Wanted(
        drill=drill, scenario=scenario, variant=variant, verdict=verdict, label=label, text=(text or "").strip()
    )


def indexed(run: scorecard.Run) -> Row:
    return Row(
        run_id=run.run_id,
        title=run.title or run.scenario,
        variant=run.variant,
        seed=run.seed,
        sign=words.verdict_sign(run.verdict),
        started_unix_s=run.started_unix_s,
        duration_s=run.duration_s,
        broken=run.broken,
        scenario=run.scenario,
        drill=run.drill,
        verdict=run.verdict,
    )


def from_folder(run: Run) -> Row:
    sign = words.verdict_sign(run.verdict)
    if run.state is RunState.RUNNING:
        sign = words.Sign("▶", "running", "none")
    elif run.unreadable_verdict:
        sign = words.UNREADABLE
    elif not run.verdict:
        sign = words.Sign(words.WARN, run.state.value, "warn")
    return Row(
        run_id=run.run_id, title=run.title, variant=run.variant, seed=run.seed, sign=sign,
        started_unix_s=run.started_unix_s, duration_s=run.duration_s, broken=run.broken,
        scenario=run.scenario, drill=run.drill, verdict=run.verdict,
    )  # fmt: skip


def together(
    known: Iterable[Row], folders: Iterable[Row], wanted: Wanted, *, most: int, labels: Mapping[str, str] | None = None
) -> list[Row]:
    """The newest that fit; what the index has of a run stands before what its folder says."""
    rows = {row.run_id: replace(row, label=(labels or {}).get(row.run_id, "")) for row in (*folders, *known)}
    fitting = (row for row in rows.values() if wanted.fits(row))
    return sorted(fitting, key=lambda row: row.run_id[:15], reverse=True)[:most]


def table(rows: Sequence[Row]) -> str:
    head = [
        Cell(html="Run"), Cell(html="Variant", tight=True, wide_only=True), Cell(html="Verdict", tight=True),
        Cell(html="Violated checks", wide_only=True), Cell(html="Took", tight=True, wide_only=True),
        Cell(html="When", tight=True),
    ]  # fmt: skip
    body = [
        [
            Cell(
                html=markup.link("live" if row.sign.word == "running" else "run", row.title, run=row.run_id)
                + _seed(row.seed)
                + _label(row.label)
                + f"<span class='fd-narrow'>{markup.name(row.variant or words.UNKNOWN)}</span>"
            ),
            Cell(html=markup.text(row.variant or words.UNKNOWN), tight=True, wide_only=True),
            Cell(html=markup.sign(row.sign), tight=True),
            Cell(html=markup.name(", ".join(row.broken) or words.UNKNOWN), wide_only=True),
            Cell(html=words.duration_text(row.duration_s), tight=True, wide_only=True),
            Cell(html=age(row.started_unix_s), tight=True),
        ]
        for row in rows
    ]
    return markup.table(head, body, label="Runs, newest first")


def _seed(seed: int | None) -> str:
    return "" if seed is None else f' <span class="fd-quiet">seed {seed}</span>'


def _label(label: str) -> str:
    return f" {markup.label(label)}" if label else ""


def age(started_unix_s: float | None) -> str:
    return words.UNKNOWN if started_unix_s is None else words.age_text(time.time() - started_unix_s)
