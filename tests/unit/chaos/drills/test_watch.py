"""Which scenario is watched, when a save counts, and that a look never says more than it looked at."""

from __future__ import annotations

import time
from pathlib import Path

from chaos.cli.watch_text import looked
from chaos.drills.catalogue import Drill, drills
from chaos.drills.latest import Latest
from chaos.drills.quick_look import Cut, cut
from chaos.drills.watch import Looked, await_save, files_of, saved_at_s, telling
from chaos.load import find_scenario, load_scenario
from chaos.model.verdict import Finding, FindingKind, Verdict
from chaos.scenario import Scenario

ONE = Drill(
    key="concurrency",
    number=3,
    title="",
    core=("concurrency/flash-sale", "interleaving/last-seats"),
    stretch=("interleaving/same-key",),
)


def of(name: str) -> Scenario:
    return load_scenario(find_scenario(name))


def ran(scenario: str, *failed: str) -> Latest:
    verdict = Verdict.VIOLATED if failed else Verdict.HELD
    findings = tuple(Finding(check=check, kind=FindingKind.INVARIANT, verdict=verdict, expected="") for check in failed)
    return Latest(
        name="run", scenario=scenario, seed=1, verdict=verdict, started_at="", summary="", advice="", failed=findings
    )


def test_the_scenario_that_failed_last_else_the_quickest() -> None:
    assert telling(ONE, {}, {}, of)[0].name == "interleaving/last-seats"
    assert telling(ONE, {}, {"interleaving/last-seats": 900.0}, of)[0].name == "concurrency/flash-sale"
    stretch, core = ran("interleaving/same-key", "same_key_same_order"), ran("concurrency/flash-sale", "no_oversell")
    assert telling(ONE, {"interleaving/same-key": stretch}, {}, of)[1] is stretch
    runs = {"interleaving/same-key": stretch, "concurrency/flash-sale": core}
    assert telling(ONE, runs, {}, of)[1] is core
    assert telling(ONE, {"concurrency/flash-sale": ran("concurrency/flash-sale")}, {}, of)[1] is None


def test_what_grades_a_list_is_not_watched() -> None:
    audit = next(one for one in drills() if one.key == "api-contract")
    failed = ran("contract/audit", "discrepancies_are_told")
    assert telling(audit, {"contract/audit": failed}, {"contract/promises": 900.0}, of)[0].name == "contract/promises"


def test_files_of_an_attempt(tmp_path: Path) -> None:
    for name in ("views.py", "tests/test_x.py", "__pycache__/views.pyc", ".base", "migrations/0001.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert set(files_of(tmp_path)) == {"views.py", "migrations/0001.py"}


def test_a_save_counts_when_the_files_are_calm(tmp_path: Path) -> None:
    views = tmp_path / "views.py"
    views.write_text("a")
    before, slept = files_of(tmp_path), list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) in (2, 3):  # while nothing had changed, and while the first save was still settling
            views.write_text("b" * (len(slept) + 1))

    now = await_save(before, lambda: files_of(tmp_path), stopped=lambda: False, sleep=sleep)
    assert now == files_of(tmp_path) != before
    assert len(slept) == 4
    assert await_save(now, lambda: files_of(tmp_path), stopped=lambda: True) is None


def test_seconds_count_from_the_save(tmp_path: Path) -> None:
    before = {"views.py": (time.time_ns() - 9_000_000_000, 1)}
    now = {"views.py": (time.time_ns() - 2_000_000_000, 1)}
    assert 1.9 < time.monotonic() - saved_at_s(before, now) < 2.5
    assert time.monotonic() - saved_at_s(before, {}) < 0.5


def look(verdict: Verdict | None, of_what: Cut, *, problem: str = "") -> list[str]:
    found = Finding(
        check="no_oversell", kind=FindingKind.INVARIANT, verdict=verdict or Verdict.HELD, expected="", measured="2 of 2"
    )
    return looked(
        Looked(
            cut=of_what,
            verdict=verdict,
            findings=() if verdict is None else (found,),
            looked_at="" if verdict is None else "16 schedules",
            took_s=7.25,
            folder=Path("looks/x"),
            problem=problem,
        )
    )


def test_a_look_that_found_nothing_says_so_and_no_more() -> None:
    scenario = of("interleaving/last-seats")
    told = look(Verdict.HELD, cut(scenario, ran(scenario.name, "no_oversell")))
    assert told[0] == "● nothing found in a quick look (16 schedules; 7.2 s after the save)"
    assert told[1] == "  ● no_oversell: nothing found: 2 of 2"
    assert told[2].startswith("  not evidence: without ")
    assert told[2].endswith("The run: firedrill run interleaving/last-seats --variant attempt")
    assert "held" not in " ".join(told)


def test_what_was_found_can_be_explained() -> None:
    scenario = of("interleaving/last-seats")
    told = look(Verdict.VIOLATED, cut(scenario, None))
    assert told[0].startswith("■ violated in a quick look")
    assert told[-1] == "  firedrill explain looks/x"
    assert look(Verdict.INCONCLUSIVE, cut(scenario, None))[0].startswith("▲ can't tell after a quick look")


def test_code_that_does_not_start() -> None:
    scenario = of("interleaving/last-seats")
    told = look(None, cut(scenario, None), problem="services/shop/attempt/views.py:3: SyntaxError")
    assert told == ["■ does not start (7.2 s after the save): services/shop/attempt/views.py:3: SyntaxError"]


def test_what_the_lab_can_t_do() -> None:
    told = look(Verdict.INCONCLUSIVE, cut(of("interleaving/last-seats"), None), problem="stack prepare: got nothing")
    assert told == ["▲ can't tell (7.2 s after the save): stack prepare: got nothing"]


def test_what_can_t_be_told_has_one_reason() -> None:
    scenario = of("interleaving/last-seats")
    undecided = [
        Finding(
            check=name, kind=FindingKind.INVARIANT, verdict=Verdict.INCONCLUSIVE, expected="", reason="aborted: why"
        )
        for name in ("no_oversell", "served_when_calm")
    ]
    one = Looked(
        cut=cut(scenario, None), verdict=Verdict.INCONCLUSIVE, findings=tuple(undecided), looked_at="", took_s=1.0,
        why="Inconclusive: aborted: why. Run it again.",
    )  # fmt: skip
    told = "\n".join(looked(one))
    assert told.count("aborted: why") == 1
    assert "  Inconclusive: aborted: why. Run it again.\n" in told
