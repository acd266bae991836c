"""The watchdog heals when the lease has run out, and only then."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from chaos.agent.watchdog import MAX_TTL_S, Watchdog
from chaos.errors import InvalidInput


class Lab:
    """Counts heals and says what is left after each; the last answer stays."""

    def __init__(self, evidence: Path) -> None:
        self.evidence = evidence
        self.now_s = 100.0
        self.heals = 0
        self.left: list[Sequence[str]] = [()]
        self.while_healing: Callable[[], Any] = lambda: None
        (evidence / "r1").mkdir(parents=True)
        (evidence / "r2").mkdir()
        self.watchdog = Watchdog(
            heal=self.heal,
            roots=(evidence, evidence.parent / "looks"),
            monotonic_s=lambda: self.now_s,
            now_unix_s=lambda: 1700000000.25,
        )

    def heal(self) -> tuple[Sequence[str], Sequence[str]]:
        self.heals += 1
        self.while_healing()
        return ["toxic x"], self.left.pop(0) if len(self.left) > 1 else self.left[0]

    def renew(self, run_id: str = "r1", ttl_s: float = 5.0) -> None:
        self.watchdog.renew(run_id, str(self.evidence / run_id), ttl_s)

    def notes(self, run_id: str = "r1") -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.evidence / run_id / "watchdog.jsonl").read_text().splitlines()]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "evidence")


def test_without_a_lease_nothing_is_healed(lab: Lab) -> None:
    lab.now_s += 1e6
    assert lab.watchdog.look() is False
    assert lab.heals == 0


def test_it_heals_when_the_lease_runs_out_and_once(lab: Lab) -> None:
    lab.renew()
    assert lab.watchdog.run_id == "r1"
    lab.now_s += 4.999
    assert lab.watchdog.look() is False
    assert lab.heals == 0
    lab.now_s += 0.001
    assert lab.watchdog.look() is True
    assert lab.watchdog.look() is False
    assert lab.heals == 1
    assert lab.watchdog.run_id is None


def test_a_renewed_lease_lasts(lab: Lab) -> None:
    for _ in range(10):
        lab.renew()
        lab.now_s += 4.0
        assert lab.watchdog.look() is False
    assert lab.heals == 0


def test_a_released_lease_does_not_run_out(lab: Lab) -> None:
    lab.renew()
    lab.watchdog.release("r1")
    lab.now_s += 60
    assert lab.watchdog.look() is False
    assert lab.heals == 0


def test_a_lease_of_another_run_is_not_released(lab: Lab) -> None:
    lab.renew("r2")
    lab.watchdog.release("r1")
    lab.now_s += 60
    assert lab.watchdog.look() is True
    assert [note["data"]["run_id"] for note in lab.notes("r2")] == ["r2"]


def test_a_quick_look_has_a_lease_too(lab: Lab) -> None:
    look = lab.evidence.parent / "looks" / "l1"
    look.mkdir(parents=True)
    lab.watchdog.renew("l1", str(look), 5.0)
    lab.now_s += 6
    assert lab.watchdog.look() is True
    assert (look / "watchdog.jsonl").exists()


def test_what_is_left_is_tried_again(lab: Lab) -> None:
    lab.left = [["proxy shop_to_cache: disabled"], ()]
    lab.renew()
    lab.now_s += 6
    assert lab.watchdog.look() is True
    assert lab.watchdog.run_id == "r1"
    assert lab.watchdog.look() is True
    assert lab.watchdog.look() is False
    assert [note["data"]["action"] for note in lab.notes()] == ["failed", "healed"]


def test_what_it_writes(lab: Lab) -> None:
    lab.left = [["proxy shop_to_cache: disabled"]]
    lab.renew()
    lab.now_s += 6
    lab.watchdog.look()
    assert lab.notes() == [
        {
            "at_unix_s": 1700000000.25,
            "event": "watchdog",
            "data": {
                "run_id": "r1",
                "action": "failed",
                "reason": "the runner's lease ran out",
                "lifted": ["toxic x"],
                "left": ["proxy shop_to_cache: disabled"],
            },
        }
    ]


def test_a_runner_that_comes_back_amid_healing_keeps_its_lease(lab: Lab) -> None:
    lab.renew()
    lab.now_s += 6
    lab.while_healing = lab.renew
    assert lab.watchdog.look() is True
    assert lab.watchdog.run_id == "r1"
    lab.while_healing = lambda: None
    assert lab.watchdog.look() is False


def test_healing_does_not_keep_a_runner_from_renewing(lab: Lab) -> None:
    """Renewing has a deadline of two seconds; healing may take ten."""
    lab.renew()
    lab.now_s += 6
    renewed: list[bool] = []

    def renew_elsewhere() -> None:
        thread = threading.Thread(target=lab.renew, daemon=True)
        thread.start()
        thread.join(5)
        renewed.append(not thread.is_alive())

    lab.while_healing = renew_elsewhere
    lab.watchdog.look()
    assert renewed == [True]


def test_a_heal_that_crashes_is_noted_and_tried_again(lab: Lab) -> None:
    def defect() -> None:
        raise KeyError("status")

    lab.renew()
    lab.now_s += 6
    lab.while_healing = defect
    assert lab.watchdog.look() is True
    assert lab.notes()[0]["data"]["left"] == ["healing itself failed: KeyError('status')"]
    lab.while_healing = lambda: None
    assert lab.watchdog.look() is True
    assert lab.watchdog.run_id is None


def test_a_missing_folder_does_not_prevent_healing(lab: Lab) -> None:
    lab.renew()
    (lab.evidence / "r1").rmdir()
    lab.now_s += 6
    assert lab.watchdog.look() is True
    assert lab.watchdog.run_id is None


@pytest.mark.parametrize(
    ("run_id", "folder"),
    [
        ("r1", "/etc"),
        ("r1", "{evidence}"),
        ("r1", "{evidence}/r2"),
        ("r1", "{evidence}/r1/history"),
        ("..", "{evidence}/.."),
        ("passwd", "{evidence}/../../etc/passwd"),
        ("link", "{evidence}/link"),
        ("r1", "{evidence}/r\0"),
        ("", ""),
    ],
)
def test_folders_that_are_no_run_of_ours(lab: Lab, run_id: str, folder: str) -> None:
    (lab.evidence / "link").symlink_to("/etc")
    with pytest.raises(InvalidInput, match=rf"^folder: got .*, expected the evidence folder of {run_id}$"):
        lab.watchdog.renew(run_id, folder.replace("{evidence}", str(lab.evidence)), 5.0)
    assert lab.watchdog.run_id is None


@pytest.mark.parametrize("ttl_s", [0.0, -1.0, MAX_TTL_S + 0.001, float("inf"), float("nan")])
def test_invalid_leases_are_refused(lab: Lab, ttl_s: float) -> None:
    with pytest.raises(InvalidInput, match=r"^ttl_s: got .*, expected more than 0 and at most 60$"):
        lab.renew(ttl_s=ttl_s)
    assert lab.watchdog.run_id is None
