"""Whole runs on the real stack: what they leave behind, however they end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

TOKEN = re.compile(r'"access": *"|eyJ[\w-]{10,}\.')  # by its key, or a JWT wherever it stands
CHECKOUT = Path(__file__).resolve().parents[2]
SHORT = """
title: Short
drill: 5
hypothesis: A slow gateway delays nobody but the worker.
world: {events: 2, hot_tiers: 1, seats: 1000, customers: 20}
blast_radius: [shop_to_gateway, shop_to_postgres]
settle: 20s
load:
  - {phase: before, for: 4s, arrivals: 8/s, mix: {browse: 5, buy: 5}}
  - {phase: during, for: 5s, arrivals: 8/s, mix: {browse: 5, buy: 5}}
  - {phase: after,  for: 3s, arrivals: 8/s, mix: {browse: 5, buy: 5}}
faults:
  - FAULT
steady_state:
  - {probe: success_ratio, at_least: 90%}
checks:
  - {invariant: no_oversell}
  - {invariant: no_lost_orders}
  - {invariant: charged_exactly_once}
"""
LATENCY = "{inject: latency, on: shop_to_gateway, latency: 200ms, from: during+1s, for: 3s}"
DOWN = "{inject: down, on: shop_to_gateway, from: during+1s, for: 3s}"
LONG_DOWN = "{inject: down, on: shop_to_gateway, from: during+500ms, for: 6s}"


class Lab:
    """`firedrill` on the session's stack."""

    def __init__(self, stack: Any, folder: Path) -> None:
        self.stack, self.folder = stack, folder
        self.evidence = folder / "evidence"
        self.environment = {**stack.environment, "FIREDRILL_EVIDENCE_DIR": str(stack.lab_dir / "evidence")}
        self.evidence = stack.lab_dir / "evidence"

    def scenario(self, fault: str, text: str = SHORT) -> Path:
        path = self.folder / "short.yaml"
        path.write_text(text.replace("FAULT", fault))
        return path

    def start(self, *words: str, python: Sequence[str] = ("-m", "chaos.cli")) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *python, *words],
            cwd=CHECKOUT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=300)
        assert "Traceback" not in err, err
        return process.returncode, out, err

    def proxies(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.stack.url('toxiproxy')}/proxies", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def pristine(self) -> bool:
        return all(proxy["enabled"] and not proxy["toxics"] for proxy in self.proxies().values())

    def newest(self) -> Path:
        return max(self.evidence.iterdir(), key=lambda folder: folder.stat().st_mtime_ns)

    def events(self, folder: Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]

    def wait_for_fault(self) -> Path:
        """The folder of the run that has just injected its fault."""
        before = set(self.evidence.iterdir()) if self.evidence.exists() else set()
        return until(lambda: self._with_fault(before), "the fault of the run", seconds=90)

    def _with_fault(self, before: set[Path]) -> Path | None:
        for folder in set(self.evidence.iterdir()) - before if self.evidence.exists() else ():
            journal = folder / "journal.jsonl"
            if journal.exists() and '"fault_injected"' in journal.read_text():
                return folder
        return None


def until(look: Callable[[], Any], what: str, *, seconds: float) -> Any:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"got nothing in {seconds} s, expected {what}")


@pytest.fixture
def lab(stack: Any, tmp_path: Path) -> Iterator[Lab]:
    found = Lab(stack, tmp_path)
    yield found
    assert found.pristine(), "a test left faults behind"


def finding(document: dict[str, Any], check: str) -> dict[str, Any]:
    return next(found for found in document["findings"] if found["check"] == check)


def test_a_run_proves_its_fault_and_its_verdict_can_be_derived_again(lab: Lab) -> None:
    code, out, err = lab.run("run", str(lab.scenario(LATENCY)), "--variant", "hardened", "--json")

    document = json.loads(out)
    folder = Path(document["folder"])
    assert code == document["exit_code"], err
    fault = finding(document, "fault:1-latency-shop_to_gateway")
    assert fault["verdict"] == "held", fault
    for check in ("no_oversell", "no_lost_orders", "charged_exactly_once"):
        assert finding(document, check)["verdict"] != "violated", finding(document, check)
    for check in ("answers_match_the_world", "views_tell_the_truth", "no_false_refusal"):  # listed nowhere
        assert finding(document, check)["verdict"] != "violated", finding(document, check)
    state = json.loads((folder / "state.json").read_text())
    assert state["missing"] == {}
    committed = {row["row_id"]: row["committed_unix_s"] for row in state["commits"]}
    accepted = {shown["order_id"] for shown in state["shown"]}
    assert accepted
    assert accepted <= committed.keys(), "PostgreSQL's log has each order"
    for message in state["broker_messages"]:
        order_id = json.loads(message["arguments"])[0][0]
        assert committed[order_id] <= message["queued_unix_s"], "hardened sends after the commit"
    assert {"journal.jsonl", "state.json", "verdict.json", "report.html", "report.md", "manifest.json"} <= {
        path.name for path in folder.iterdir()
    }
    assert not TOKEN.search((folder / "world.json").read_text()), "tokens stayed in the evidence"
    assert lab.run("verify", str(folder))[0] == 0

    tampered = json.loads((folder / "verdict.json").read_text())
    tampered["verdict"] = "held" if document["verdict"] != "held" else "violated"
    (folder / "verdict.json").write_text(json.dumps(tampered))
    code, _, err = lab.run("verify", str(folder))
    assert code == 2
    assert "verdict.json" in err


def test_a_refused_gateway_is_proven_felt_and_made_good_by_hardened(lab: Lab) -> None:
    code, out, err = lab.run("run", str(lab.scenario(DOWN)), "--variant", "hardened", "--json")

    document = json.loads(out)
    fault = finding(document, "fault:1-down-shop_to_gateway")
    assert fault["verdict"] == "held", (fault, err)
    assert document["faults"][0]["exposure"] >= 1
    assert finding(document, "no_lost_orders")["verdict"] != "violated", document
    assert code in (0, 3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_heals_and_is_inconclusive(lab: Lab, number: signal.Signals) -> None:
    process = lab.start("run", str(lab.scenario(LONG_DOWN)), "--variant", "hardened")
    folder = lab.wait_for_fault()
    assert not lab.pristine(), "the fault is not there"

    process.send_signal(number)
    out, err = process.communicate(timeout=120)

    assert process.returncode == 3, (out, err)
    assert lab.pristine()
    kinds = [event["event"] for event in lab.events(folder)]
    assert "aborted" in kinds
    assert "healed" in kinds
    document = json.loads((folder / "verdict.json").read_text())
    assert (document["verdict"], document["aborted"]) == ("inconclusive", "user")
    assert document["summary"].startswith("Inconclusive: aborted by user: ")
    assert "aborted by user" in out
    assert "arrivals" not in out
    assert (folder / "report.md").read_text().startswith("# ▲ inconclusive, aborted: ")


def stop_for_a_while(pid: int) -> None:
    """As Ctrl-Z, a debugger or a paused virtual machine does: nobody can run meanwhile, and nobody is told."""
    os.kill(pid, signal.SIGSTOP)
    time.sleep(4.0)
    os.kill(pid, signal.SIGCONT)


def driver_of(process: subprocess.Popen[str]) -> int:
    """The load driver of a run."""
    (found,) = (
        each.pid for each in psutil.Process(process.pid).children(recursive=True) if "loadtests" in each.cmdline()
    )
    return int(found)


@pytest.mark.parametrize(("who", "named"), [("runner", "the runner"), ("driver", "the load driver")])
def test_who_stood_still_amid_a_fault_is_named_and_decides_nothing(lab: Lab, who: str, named: str) -> None:
    process = lab.start("run", str(lab.scenario(LONG_DOWN)), "--variant", "hardened", "--json")
    folder = lab.wait_for_fault()

    stop_for_a_while(process.pid if who == "runner" else driver_of(process))
    out, err = process.communicate(timeout=120)

    document = json.loads(out)
    assert (process.returncode, document["verdict"]) == (3, "inconclusive"), err
    assert document["summary"].startswith(f"Inconclusive: {named} stood still for "), document["summary"]
    assert "arrivals" not in document["advice"]
    times = [event["at_s"] for event in lab.events(folder) if "at_s" in event]
    assert times == sorted(times)
    assert lab.run("verify", str(folder))[0] == 0


UNDER_A_CLOCK_THAT_IS_SET = """
import runpy, sys, time
from pathlib import Path
clock, real = Path(sys.argv.pop(1)), time.time
time.time = lambda: real() + float(clock.read_text())
runpy.run_module("chaos.cli", run_name="__main__", alter_sys=True)
"""
"""The wall clock as the runner sees it: the machine's own is everybody's. libfaketime breaks Python's `time.sleep`."""


@pytest.mark.parametrize(("offset", "said"), [("-4", "−4.0 s"), ("30", "+30.0 s")])
def test_a_wall_clock_that_is_set_amid_a_fault_is_named_and_decides_nothing(
    lab: Lab, tmp_path: Path, offset: str, said: str
) -> None:
    clock = tmp_path / "clock"
    clock.write_text("0")
    words = ("run", str(lab.scenario(LONG_DOWN)), "--variant", "hardened", "--json")
    process = lab.start(*words, python=("-I", "-X", "utf8", "-c", UNDER_A_CLOCK_THAT_IS_SET, str(clock)))
    folder = lab.wait_for_fault()

    (tmp_path / "next").write_text(offset)
    (tmp_path / "next").replace(clock)
    out, err = process.communicate(timeout=120)

    document = json.loads(out)
    assert (process.returncode, document["verdict"]) == (3, "inconclusive"), err
    assert document["summary"].startswith(f"Inconclusive: the wall clock stepped by {said} at "), document["summary"]
    (fault,) = document["faults"]
    assert 5.0 <= fault["lifted_s"] - fault["injected_s"] < 30.0, "held for its six seconds, by the clock that goes on"
    times = [event["at_s"] for event in lab.events(folder) if "at_s" in event]
    assert times == sorted(times)


def test_a_killed_runner_leaves_no_fault_no_load_and_all_its_evidence(lab: Lab) -> None:
    process = lab.start("run", str(lab.scenario(LONG_DOWN)), "--variant", "hardened")
    folder = lab.wait_for_fault()
    flushed = (folder / "history" / "0.jsonl") if (folder / "history" / "0.jsonl").exists() else None
    history = flushed or next((folder / "history").glob("*.jsonl"))
    before = history.read_bytes()

    os.kill(process.pid, signal.SIGKILL)
    process.wait()

    until(lab.pristine, "proxies that the agent healed", seconds=30)
    watchdog = until(lambda: (folder / "watchdog.jsonl").exists() and folder / "watchdog.jsonl", "its note", seconds=10)
    assert json.loads(watchdog.read_text().splitlines()[0])["data"]["action"] == "healed"
    until(lambda: b'"t":"end"' in history.read_bytes(), "the end of the load", seconds=30)
    assert history.read_bytes().startswith(before)

    code, _, err = lab.run("run", str(lab.scenario(LATENCY)), "--variant", "hardened", "--json")
    assert code in (0, 3), err
    closed = json.loads((folder / "verdict.json").read_text())
    assert closed["verdict"] == "inconclusive"
    assert lab.run("verify", str(folder))[0] == 0


def test_dirty_proxies_are_refused_and_healed_on_request(lab: Lab) -> None:
    request = urllib.request.Request(
        f"{lab.stack.url('toxiproxy')}/proxies/shop_to_cache/toxics",
        data=json.dumps({"type": "latency", "attributes": {"latency": 1}}).encode(),
        method="POST",
    )
    urllib.request.urlopen(request, timeout=5).close()

    code, _, err = lab.run("run", str(lab.scenario(LATENCY)), "--variant", "hardened")
    assert code == 4
    assert "shop_to_cache" in err

    code, out, _ = lab.run("heal")
    assert code == 0
    assert "shop_to_cache" in out


def test_one_run_at_a_time(lab: Lab) -> None:
    first = lab.start("run", str(lab.scenario(LONG_DOWN)), "--variant", "hardened")
    lab.wait_for_fault()
    code, _, err = lab.run("run", str(lab.scenario(LATENCY)), "--variant", "hardened")
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=120)

    assert code == 2
    assert "one run at a time" in err


def test_a_scorecard_that_is_away_costs_the_run_nothing(lab: Lab) -> None:
    book = lab.stack.book
    book["urls"]["scorecard"] = "http://127.0.0.1:9"
    elsewhere = lab.folder / "stack.json"
    elsewhere.write_text(json.dumps(book))
    lab.environment["FIREDRILL_STACK_FILE"] = str(elsewhere)

    code, out, err = lab.run("run", str(lab.scenario(LATENCY)), "--variant", "hardened", "--no-up", "--json")

    assert code in (0, 3), err
    assert "not indexed" in err
    ours = Path(json.loads(out)["folder"]).name
    del lab.environment["FIREDRILL_STACK_FILE"]
    code, out, err = lab.run("index", "--json")
    assert code in (0, 2), (out, err)  # other tests leave folders that are refused
    assert json.loads(out)["indexed"] >= 1
    assert ours not in out


def test_no_up_refuses_a_stack_that_is_down(tmp_path: Path, stack: Any) -> None:
    lab = Lab(stack, tmp_path)
    lab.environment["FIREDRILL_LAB_DIR"] = str(tmp_path / "nothing")
    code, _, err = lab.run("run", str(lab.scenario(LATENCY)), "--no-up")
    assert code == 4
    assert "make up" in err
