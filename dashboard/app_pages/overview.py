"""Overview: six drills, the latest runs, the parts of the stack."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from chaos.evidence.course import RunState
from chaos.evidence.growing import Run
from dashboard import evidence, markup, scorecard, sources, words
from dashboard.markup import Cell
from dashboard.parts import away, moving
from dashboard.stack import Stack

SHOWN_RUNS = 12
REFRESH = "10s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A run in the table, whoever told of it. `broken` names the checks that were violated."""

    run_id: str
    title: str
    variant: str
    seed: int | None
    sign: words.Sign
    started_unix_s: float | None
    duration_s: float | None
    broken: tuple[str, ...] = ()


def main() -> None:
    st.title("Overview")
    moving(block, every=REFRESH)


def block() -> None:
    running()
    stack, stack_away = sources.attempt(sources.stack)
    if stack_away is not None:
        away(stack_away)
    else:
        st.header("Drills")
        drills, drills_away = sources.attempt(lambda: sources.scores().drills())
        if drills_away is not None:
            away(drills_away)
        cards(drills or [])
    st.header("Latest runs")
    latest(rows())
    if stack is not None:
        st.header("Stack")
        health(stack)


def rows() -> list[Row]:
    """The newest runs as the scorecard has them, and those that it doesn't know (yet) from their folders."""
    indexed_runs, _ = sources.attempt(lambda: sources.scores().runs())
    found, folder_away = sources.attempt(partial(sources.latest_runs, sources.evidence_dir(), SHOWN_RUNS))
    if folder_away is not None:
        away(folder_away)
    listed = [indexed(run) for run in indexed_runs or []]
    known = {row.run_id for row in listed}
    listed += [from_folder(run) for run in found or [] if run.run_id not in known]
    return sorted(listed, key=lambda row: row.run_id[:15], reverse=True)[:SHOWN_RUNS]


def running() -> None:
    run_id, error = sources.attempt(lambda: sources.running_run_id(sources.evidence_dir()))
    if run_id is None or error is not None:
        return
    run, _ = sources.attempt(lambda: sources.run(sources.evidence_dir(), run_id))
    if run is not None:
        follow = markup.link("live", "Watch it live", run=run.run_id)
        st.html(
            markup.banner(
                [f"<b>A run is going on:</b> {markup.text(run.title)} on {markup.text(run.variant)}. {follow}"]
            )
        )


def cards(drills: Sequence[scorecard.Drill]) -> None:
    for start in range(0, len(drills), 3):
        for column, drill in zip(st.columns(3), drills[start : start + 3], strict=False):
            with column, st.container(border=True, height="stretch", key=f"drill-{drill.number}"):
                focus = drill.competency_focus or ", ".join(each.name for each in drill.dimensions)
                st.html(markup.card(f"{drill.number} · {drill.title}", focus, facts(drill)))
                with st.container(horizontal=True):
                    for page, label in (("drill", "Open"), ("scores", "Record")):
                        st.page_link(
                            f"app_pages/{page}.py", label=f"{label} drill {drill.number}",
                            query_params={"drill": drill.key},
                        )  # fmt: skip


def facts(drill: scorecard.Drill) -> list[tuple[str, str]]:
    stands = drill.standing
    gap = f" {markup.sign(words.Sign(words.WARN, f'score is {stands.gap} above', 'warn'))}" if stands.overclaim else ""
    regressed = f" {markup.sign(words.Sign(words.BAD, 'regression', 'bad'))}" if stands.regressed else ""
    ceiling = '<span class="fd-quiet">no evidence</span>' if stands.ceiling is None else str(stands.ceiling)
    listed = [
        ("Status", markup.sign(words.status_sign(drill.score.value))),
        ("Self-score", markup.text(words.score_text(drill.score.value))),
        ("Ceiling", f"{ceiling}{gap}{regressed}"),
    ]
    for run in sorted(drill.latest_runs, key=lambda run: _variant_order(run.variant)):
        listed.append((run.variant, f"{result_link(run)} <span class='fd-quiet'>{_age(run.started_unix_s)}</span>"))
    if not drill.latest_runs:
        listed.append(("Runs", "<span class='fd-quiet'>no evidence yet</span>"))
    return listed


def result_link(run: scorecard.Run) -> str:
    return f"{markup.sign(words.verdict_sign(run.verdict))} {markup.link('run', 'open', run=run.run_id)}"


def _variant_order(variant: str) -> int:
    return words.VARIANTS.index(variant) if variant in words.VARIANTS else len(words.VARIANTS)


def _age(started_unix_s: float | None) -> str:
    return words.UNKNOWN if started_unix_s is None else words.age_text(time.time() - started_unix_s)


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
    )  # fmt: skip


def latest(rows: Sequence[Row]) -> None:
    if not rows:
        st.info(f"No runs yet. {evidence.RUN_WAY_ON}")
        return
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
                + f"<span class='fd-narrow'>{markup.name(row.variant or words.UNKNOWN)}</span>"
            ),
            Cell(html=markup.text(row.variant or words.UNKNOWN), tight=True, wide_only=True),
            Cell(html=markup.sign(row.sign), tight=True),
            Cell(html=markup.name(", ".join(row.broken) or words.UNKNOWN), wide_only=True),
            Cell(html=words.duration_text(row.duration_s), tight=True, wide_only=True),
            Cell(html=_age(row.started_unix_s), tight=True),
        ]
        for row in rows
    ]
    st.html(markup.table(head, body, label="Latest runs, newest first"))
    if any(row.variant == "naive" and row.sign.word == "violated" for row in rows):
        st.html(markup.quiet("naive is the positive control: violated is what is expected of it."))


def _seed(seed: int | None) -> str:
    return "" if seed is None else f' <span class="fd-quiet">seed {seed}</span>'


def health(stack: Stack) -> None:
    found = sources.parts(stack, repr(stack.urls))
    st.html(markup.strip([(part.name, part.sign) for part in found], label="Parts of the stack"))
    if stack.urls.prometheus is None:
        st.html(
            markup.quiet(
                "Without Prometheus runs are judged as ever, and Live draws them from their own history. "
                "<code>make doctor</code> says how to get it."
            )
        )


main()
