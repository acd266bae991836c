from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from chaos.evidence.course import RunState
from chaos.evidence.growing import Run
from chaos.model.counterexamples import Explained, Moment, Shown
from dashboard import notice
from dashboard.lanes import lanes

A = Shown(label="A", id="1", op="buy", phase="spike", sent_s=2.0, ended_s=2.1, answer="202")
B = Shown(label="B", id="2", op="buy", phase="spike", sent_s=2.05, answer="no answer: <b>timeout</b>")
POLL = Shown(label="C", id="3", op="poll", phase="spike", sent_s=9.0, ended_s=9.1, answer="200")
READ = Moment(at_s=2.02, until_s=2.04, lane="database", kind="statement", who="1", label="A", text="SELECT sold")
WRITE = Moment(at_s=2.06, until_s=2.07, lane="database", kind="statement", who="1", label="A", text="UPDATE sold")
FOUND = Explained(
    check="no_oversell", says="s", expected="e", measured="m", operations=(A, B, POLL), moments=(READ, WRITE)
)


def bars(html: str) -> list[tuple[str, float, float]]:
    found = re.findall(r"fd-bar fd-(\w+)' style='left:([\d.]+)%;width:([\d.]+)%", html)
    return [(kind, float(left), float(width)) for kind, left, width in found]


def test_overlapping_operations_lie_over_one_another_with_what_they_read_and_wrote() -> None:
    html = lanes(FOUND)
    assert bars(html) == [("op", 0.0, 100.0), ("read", 20.0, 20.0), ("write", 60.0, 10.0), ("op", 50.0, 50.0)]
    assert "<b>timeout" not in html
    assert "2 operations in 100 ms: A buy sent at +0 ms, answered at +100 ms; B buy sent at +50 ms, without" in html


def test_nothing_to_show_is_nothing() -> None:
    assert lanes(Explained(check="c", says="s", expected="e", measured="m")) == ""


RUN = Run(run_id="r", folder=Path(), state=RunState.RUNNING, stage="phase spike", title="Flash sale")


def test_the_tab_names_the_stage_and_the_end_of_the_run_that_it_saw() -> None:
    assert notice.title_of(RUN, seen="r") == "▶ phase spike · Flash sale · Firedrill"
    over = replace(RUN, state=RunState.ENDED)
    assert notice.title_of(over, seen="r") == "▲ ended: Flash sale · Firedrill"
    assert notice.title_of(over, seen="another") == "Firedrill"
