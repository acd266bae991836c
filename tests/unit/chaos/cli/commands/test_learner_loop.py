"""`firedrill` alone, `drill`, `hint` and `score`: with and without a stack, a lab with and without runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from chaos.config import CHECKOUT
from tests.unit.chaos.adapters.servers import Http
from tests.unit.chaos.cli.shell import Shell, finished

CORE = "interleaving/last-seats"


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop without an attempt."""
    monkeypatch.setattr("chaos.cli.learner.SHOP", tmp_path)
    return tmp_path


@pytest.fixture
def violated(shell: Shell, shop: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run of the attempt that sold too much, as if it were one of drill 3."""
    import json  # noqa: PLC0415

    (shop / "attempt").mkdir()
    result = finished(shell.evidence, "attempt", oversold=True)
    folder = result.folder.rename(result.folder.with_name("20261123-101502-last-seats-attempt-s7"))
    verdict = json.loads((folder / "verdict.json").read_text())
    (folder / "verdict.json").write_text(json.dumps({**verdict, "scenario": CORE}))
    return folder.name


def card(server: Http, *, value: int | None = None, ceiling: int | None = None, opened: tuple[str, ...] = ()) -> None:
    drill: dict[str, Any] = {
        "key": "concurrency",
        "number": 3,
        "score": {"value": value, "notes": "as it was", "version": 4},
        "standing": {
            "ceiling": ceiling,
            "reason": "Core passed.",
            "gap": max(0, (value or 0) - (ceiling or 0)),
            "overclaim": (value or 0) > (ceiling or 0),
        },
    }
    server.json("GET /api/drills/", [drill])
    server.json("GET /api/drills/concurrency/", drill)
    hints = [{"key": key, "used_at": "2026-11-28T00:00:00Z"} for key in opened]
    server.json("GET /api/drills/concurrency/brief/", {"hints": hints})
    server.json("PUT /api/drills/concurrency/score/", {"value": value, "notes": "", "version": 5})
    for key in ("two-requests", "one-statement", "seats-solution"):
        server.json(f"PUT /api/drills/concurrency/hints/{key}/", {})


def test_alone_in_an_empty_lab_without_a_stack(shell: Shell) -> None:
    said = shell()
    assert said.code == 0
    assert said.out.startswith("Your attempt: none yet. Stack: down")
    assert "3 Async tasks and concurrency" in said.out
    assert "can't be asked: the stack is down (make up)\n" in said.out
    assert "\nNext, drill 3: make scenario\n" in said.out
    document = shell("standing", "--json").json
    assert (document["current"], document["next"]["command"]) == (3, "make scenario")
    assert [one["drill"] for one in document["drills"]] == [1, 2, 3, 4, 5, 6]


def test_alone_with_runs_and_a_scorecard(shell: Shell, violated: str, scorecard: Http) -> None:
    card(scorecard, value=2, ceiling=0)
    said = shell()
    assert said.code == 0
    assert "■ 1 violated of 8" in said.out
    assert "2 (gap of 2)" in said.out
    assert re.search(rf"^Next, drill 3: \S*firedrill explain {violated} no_oversell$", said.out, re.MULTILINE)
    assert re.search(r"^  or  \S*firedrill hint 3 ", said.out, re.MULTILINE)


def test_a_drill(shell: Shell, violated: str, scorecard: Http) -> None:
    card(scorecard, ceiling=0, opened=("two-requests",))
    said = shell("drill", "3")
    assert said.code == 0
    for line in ("Drill 3: Async tasks", "Steps", "Core, each held on 3 seeds in a row", "Stretch", "not run yet"):
        assert line in said.out
    assert "■ violated" in said.out
    assert "failing checks are about (1): services.py, models.py\n" in said.out
    assert "Hints: 1 of " in said.out
    assert re.search(rf"^Next: \S*firedrill explain {violated} no_oversell$", said.out, re.MULTILINE)
    document = shell("drill", "concurrency", "--json").json
    assert document["parts"]["core"][0] == {
        "scenario": CORE,
        "verdict": "violated",
        "run": violated,
        "failed": ["no_oversell"],
    }


@pytest.mark.parametrize("number", range(1, 7))
def test_a_drill_names_the_page_that_explains_it(shell: Shell, number: int) -> None:
    (page,) = re.findall(r"^Read more: (\S+)$", shell("drill", str(number)).out, re.MULTILINE)
    assert (CHECKOUT / page).is_file()


def test_a_drill_without_a_stack_and_one_that_there_is_not(shell: Shell) -> None:
    said = shell("drill", "5")
    assert said.code == 0
    assert "Hints: ? of " in said.out
    assert "Not known: the stack is down (make up)" in said.out
    assert shell("drill", "7").code == 2


def test_a_hint_is_on_record_before_it_is_told(shell: Shell, violated: str, scorecard: Http) -> None:
    card(scorecard)
    said = shell("hint", "3")
    assert said.code == 0
    assert scorecard.paths()[-1] == "PUT /api/drills/concurrency/hints/two-requests/"
    assert "Hint 1 of 3 (nudge): Think of two requests\n" in said.out
    assert f"failed last in {violated}\n" in said.out
    assert "Still stuck: firedrill hint 3 (opens the direction)\n" in said.out
    assert "Files in services/shop/attempt that this check is about: services.py, models.py\n" in said.out
    assert "On record, as the first hint of this drill: its stretch counts only for runs before now.\n" in said.out
    scorecard.answers["PUT /api/drills/concurrency/hints/two-requests/"] = (500, b"")
    said = shell("hint", "3")
    assert (said.code, said.out) == (4, "")
    assert "told only when that is on record" in said.err


def test_only_the_first_hint_warns_of_the_stretch(shell: Shell, violated: str, scorecard: Http) -> None:
    card(scorecard, opened=("two-requests",))
    said = shell("hint", "3")
    assert "Hint 2 of 3 (direction)" in said.out
    assert "On record.\n" in said.out
    assert "stretch" not in said.out


def test_a_solution_asks_first(shell: Shell, violated: str, scorecard: Http) -> None:
    card(scorecard, opened=("two-requests", "one-statement"))
    said = shell("hint", "3")
    assert (said.code, said.out) == (2, "")
    assert "expected --yes: this gives the solution away: it caps the ceiling of drill 3 at 1" in said.err
    assert not any(path.startswith("PUT") for path in scorecard.paths())
    said = shell("hint", "3", "--yes")
    assert "Hint 3 of 3 (solution)" in said.out
    assert scorecard.paths()[-1] == "PUT /api/drills/concurrency/hints/seats-solution/"


def test_a_solution_that_is_open_already_is_told_again(shell: Shell, violated: str, scorecard: Http) -> None:
    card(scorecard, opened=("two-requests", "one-statement", "seats-solution"))
    assert "Hint 3 of 3 (solution)" in shell("hint", "3").out


def test_hints_for_a_check_by_name_and_without_one(shell: Shell, scorecard: Http) -> None:
    card(scorecard)
    assert shell("hint", "3", "--check", "no_oversell", "--json").json["hint"] == "two-requests"
    assert (
        "firedrill hint 3 --check no_oversell (opens the direction)\n"
        in shell("hint", "3", "--check", "no_oversell").out
    )
    said = shell("hint", "3", "--check", "dance")
    assert (said.code, said.out) == (2, "")
    assert "check: got 'dance', expected one of " in said.err
    said = shell("hint", "3")
    assert said.code == 2
    assert "got no failed check of drill 3 on your attempt" in said.err


def test_a_hint_without_a_stack(shell: Shell) -> None:
    said = shell("hint", "3", "--check", "no_oversell")
    assert (said.code, said.out) == (4, "")
    assert said.err.endswith("expected it up (make up)\n")


def test_a_score_tells_ceiling_and_overclaim(shell: Shell, scorecard: Http) -> None:
    card(scorecard, value=3, ceiling=2)
    said = shell("score", "3", "3", "--notes", "measure first")
    assert said.code == 0
    saved = next(each for each in scorecard.asked if each[0] == "PUT")
    assert saved[3] == {"value": 3, "notes": "measure first", "version": 4}
    assert said.out.startswith("drill 3: recorded 3 Owner\nceiling: 2 Independent. Core passed.\noverclaim: your score")
    assert "Next, drill 3: " in said.out


def test_a_score_keeps_the_notes_that_are_there(shell: Shell, scorecard: Http) -> None:
    card(scorecard, value=2, ceiling=2)
    assert "overclaim" not in shell("score", "concurrency", "2").out
    assert next(each for each in scorecard.asked if each[0] == "PUT")[3]["notes"] == "as it was"
    scorecard.json("PUT /api/drills/concurrency/score/", {"detail": "stale"}, 409)
    said = shell("score", "3", "2")
    assert (said.code, said.out) == (2, "")
    assert "changed elsewhere" in said.err


@pytest.mark.parametrize("given", [("3", "4"), ("3", "-1"), ("7", "2"), ("3",), ("3", "2", "--notes", "x" * 10_001)])
def test_scores_that_are_none(shell: Shell, scorecard: Http, given: tuple[str, ...]) -> None:
    assert shell("score", *given).code == 2
    assert scorecard.asked == []


def test_a_score_without_a_stack_says_what_to_do(shell: Shell) -> None:
    said = shell("score", "3", "2")
    assert (said.code, said.out) == (4, "")
    assert said.err.endswith("expected it up (make up)\n")


def test_a_scorecard_that_does_not_answer(shell: Shell) -> None:
    shell.stack()
    said = shell("score", "3", "2")
    assert said.code == 4
    assert said.err.startswith("firedrill: scorecard: got ConnectError, expected the drill (make status, make up)")
    assert "can't be asked: scorecard: got ConnectError" in shell().out
