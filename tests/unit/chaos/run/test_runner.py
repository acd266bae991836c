"""A whole run with a fake lab and a fake driver process. However it ends, the proxies end pristine, or it says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.adapters.clock import SystemClock
from chaos.errors import ExitCode, LabBroken, LearnerCodeError
from chaos.evidence.files import explaining_lines as read_lines
from chaos.evidence.journal import read_events
from chaos.load import parse_scenario
from chaos.model.clocks import ClockReading, disturbances
from chaos.model.journal import Event, EventKind
from chaos.model.loadplan import Elsewhere
from chaos.ports import Pending
from chaos.run.request import Pace, Request, Stop, Tools
from chaos.run.runner import perform
from chaos.scenario import Scenario
from tests.unit.chaos.fakes import FakeCustomers, FakeLease, FakeStack, FakeView, FakeWatch, FakeWorld, Outside
from tests.unit.chaos.scenarios import WHERE

DRIVER = Path(__file__).with_name("fake_driver.py")
PACE = Pace(driver_start_s=0.4, driver_ready_s=1.0, driver_end_s=3.0, steady_grace_s=0.1, heal_s=0.3, worker_ping_s=0.1)
TEXT = """\
title: Short
drill: 5
hypothesis: It holds.
blast_radius: [shop_to_gateway, worker]
settle: 300ms
may_restart: [relay]
double_clicks: 5%
load:
  - {phase: calm, for: 400ms, arrivals: 40/s, mix: {browse: 1, buy: 1}}
  - {phase: storm, for: 500ms, arrivals: 40/s, mix: {browse: 1, buy: 1}}
faults:
  - {inject: latency, on: shop_to_gateway, latency: 100ms, from: storm+150ms, for: 200ms}
  - {inject: kill, on: worker, when: charge_in_flight, after: storm+200ms}
steady_state:
  - {probe: success_ratio, at_least: 99%}
checks:
  - {invariant: no_oversell}
"""


@dataclass
class Bench:
    """Everything around a run."""

    root: Path
    outside: Outside = field(default_factory=lambda: Outside(SystemClock()))
    world: FakeWorld = field(default_factory=FakeWorld)
    stack: FakeStack = field(default_factory=FakeStack)
    lease: FakeLease = field(default_factory=FakeLease)
    view: FakeView = field(default_factory=FakeView)
    stop: Stop = field(default_factory=Stop)
    customers: FakeCustomers = field(default_factory=FakeCustomers)
    watch: FakeWatch | None = None
    logs_marked: int = 0

    def mark_log(self) -> None:
        self.logs_marked += 1

    def run(self, mode: str = "normal", text: str = TEXT, **request: Any) -> Path:
        scenario: Scenario = parse_scenario(text, name="own/short", where=WHERE)
        # Charges keep arriving, so that the trigger has something to see.
        self.outside.gateway.in_flight = _Always()  # type: ignore[assignment]
        tools = Tools(
            stack=self.stack,
            lease=self.lease,
            lab=self.outside.lab,
            world=self.world,
            customers=self.customers,
            mark_log=self.mark_log,
            watch=self.watch,
            api_url="http://127.0.0.1:1",
            metrics={"api": None},
            driver_metrics_port=0,
            driver=(sys.executable, str(DRIVER), mode),
        )
        asked = Request(
            **{"scenario": scenario, "variant": "naive", "root": self.root, "versions": {}, "pace": PACE, **request}
        )
        return perform(asked, tools, self.view, self.stop)

    @property
    def folder(self) -> Path:
        (found,) = self.root.iterdir()
        return found

    def events(self) -> list[Event]:
        return list(read_events(self.folder / "journal.jsonl"))

    def data(self, kind: EventKind) -> list[dict[str, Any]]:
        return [event.data for event in self.events() if event.event is kind]

    def when(self, event_kind: EventKind, do: Callable[[Event], None], **match: Any) -> None:
        """Do something as soon as an event of that kind is on record."""

        def listen(event: Event) -> None:
            if event.event is event_kind and all(event.data.get(key) == value for key, value in match.items()):
                do(event)

        self.view.on_event = listen

    def assert_pristine(self) -> None:
        assert self.outside.proxies.dirt == []
        assert self.outside.processes.resumed >= 1
        assert self.outside.gateway.healed >= 1


class _Always(list[float]):
    """A charge that has just arrived, whenever somebody asks."""

    def __iter__(self) -> Any:
        return iter([time.time()])


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "evidence")


@dataclass
class Done:
    """A run that went well.

    Attributes:
        released_after: What was on record when the lease was given back.
    """

    bench: Bench
    folder: Path
    released_after: list[EventKind]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    bench = Bench(tmp_path_factory.mktemp("done") / "evidence")
    released_after: list[EventKind] = []
    release = bench.lease.release

    def note_release(*, run_id: str) -> None:
        released_after.extend(event.event for event in bench.view.events)
        release(run_id=run_id)

    bench.lease.release = note_release  # type: ignore[method-assign]
    bench.world.pendings = [Pending(orders=2, outbox=0, queued=1, unacked=0), *bench.world.pendings]
    return Done(bench, bench.run(seed=9, scale=2.0, versions={"python": "3"}), released_after)


def test_a_run_from_prepare_to_its_folder(done: Done) -> None:
    bench, folder = done.bench, done.folder
    assert folder == bench.folder
    assert folder.name.endswith("-short-naive-s9")
    bench.assert_pristine()
    assert bench.stack.prepared == [
        {"variant": "naive", "seed": 9, "world": {"events": 5, "hot_tiers": 1, "seats": 150, "customers": 200}}
    ]
    kinds = [event.event for event in bench.events()]
    assert [event.seq for event in bench.events()] == list(range(len(kinds)))
    in_order = [kind for kind in kinds if not kind.startswith(("fault_", "exposure"))]
    assert in_order == [
        "run_started",
        "prepared",
        "identity",
        "load_started",
        "phase_started",
        "phase_ended",
        "phase_started",
        "steady_state",
        "phase_ended",
        "load_ended",
        "healed",
        "settled",
        "identity",
        "collected",
        "run_ended",
    ]
    assert bench.data(EventKind.STEADY_STATE) == [{"met": True, "findings": []}]
    assert bench.data(EventKind.LOAD_ENDED) == [{"ended": "finished", "exit_code": 0}]
    assert bench.data(EventKind.HEALED) == [{"pristine": True, "lifted": []}]
    assert bench.data(EventKind.SETTLED)[0]["settled"] is True
    assert bench.data(EventKind.SETTLED)[0]["healthy"] is True
    assert bench.lease.events[0] == "renew"
    assert bench.lease.events[-1] == "release"
    # Whoever dies between lifting and healing must not have said goodbye to the agent.
    assert EventKind.HEALED in done.released_after
    assert bench.logs_marked == 1


def test_what_faults_leave_in_the_journal(done: Done) -> None:
    bench = done.bench
    injected = {data["fault"]: data for data in bench.data(EventKind.FAULT_INJECTED)}
    lifted = {data["fault"]: data for data in bench.data(EventKind.FAULT_LIFTED)}
    exposures = {data["fault"]: data["count"] for data in bench.data(EventKind.EXPOSURE)}
    assert sorted(injected) == sorted(lifted) == ["1-latency-shop_to_gateway", "2-kill-worker"]
    latency, kill = injected["1-latency-shop_to_gateway"], injected["2-kill-worker"]
    assert latency["proven"]
    assert latency["planned_s"] == 0.55
    assert 0.55 <= latency["injected_s"] <= latency["effective_s"]
    assert lifted["1-latency-shop_to_gateway"]["lifted_s"] >= 0.75
    assert kill["proven"]
    assert kill["planned_s"] is None
    assert kill["effective_s"] >= 0.6
    assert exposures == {"1-latency-shop_to_gateway": 5, "2-kill-worker": 3}
    assert all(data["pristine"] for data in lifted.values())
    assert bench.data(EventKind.FAULT_FAILED) == []
    assert bench.outside.processes.killed == ["worker"]


def test_the_folder_holds_what_the_judge_needs_and_no_secret(done: Done) -> None:
    bench, folder = done.bench, done.folder
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert names == [
        "clocks.jsonl",
        "driver.json",
        "driver.log",
        "history/worker-0.jsonl.gz",
        "host.jsonl",
        "journal.jsonl",
        "load-plan.json",
        "metrics.jsonl.gz",
        "scenario.yaml",
        "state.json",
        "world.json",
    ]
    assert (folder / "scenario.yaml").read_text() == TEXT
    assert json.loads((folder / "world.json").read_bytes()) == {"customers": [{"id": 1}]}
    plan = json.loads((folder / "load-plan.json").read_bytes())
    assert plan["out_dir"] == str(folder)
    assert plan["world_file"] == str(folder / "world.json")
    assert [phase["rate_from_per_s"] for phase in plan["phases"]] == [80.0, 80.0]
    assert plan["double_click_ratio"] == 0.05
    assert bench.data(EventKind.IDENTITY)[0]["expected_restarts"] == ["relay", "worker"]  # the kill says so itself
    assert plan["t0_unix_s"] == bench.data(EventKind.LOAD_STARTED)[0]["t0_unix_s"]


def test_whose_run_it_is_and_which_code_ran(bench: Bench) -> None:
    folder = bench.run(variant="attempt", learner="Ada", patch=lambda: b"--- a/views.py\n")
    assert bench.data(EventKind.RUN_STARTED)[0]["learner"] == "Ada"
    assert (folder / "attempt.patch").read_bytes() == b"--- a/views.py\n"


def test_code_that_can_t_be_read_leaves_no_run(bench: Bench) -> None:
    def patch() -> bytes:
        assert bench.stack.prepared, "asked before the code runs"
        raise LabBroken("services/shop/attempt/views.py: got Permission denied, expected to read it")

    with pytest.raises(LabBroken, match="Permission denied"):
        bench.run(variant="attempt", patch=patch)
    assert list(bench.root.iterdir()) == []


def test_without_a_steady_state_the_run_stops_before_anything_is_broken(bench: Bench) -> None:
    text = TEXT.replace("storm+150ms", "storm+300ms").replace("storm+200ms", "storm+400ms")
    bench.run("errors", text)
    assert bench.data(EventKind.STEADY_STATE) == [
        {"met": False, "findings": ["success_ratio: got 0 %, expected at least 99 %"]}
    ]
    assert bench.data(EventKind.ABORTED) == [
        {
            "reason": "no steady state in calm: success_ratio: got 0 %, expected at least 99 %",
            "by": "steady_state",
        }
    ]
    assert bench.data(EventKind.FAULT_INJECTED) == []
    assert {data["reason"] for data in bench.data(EventKind.FAULT_FAILED)} == {"the run ended before its time"}
    assert bench.events()[-1].event is EventKind.RUN_ENDED
    assert "add_toxic" not in bench.outside.proxies.calls
    bench.assert_pristine()


def test_a_second_phase_shorter_than_the_grace_does_not_skip_the_steady_state(bench: Bench) -> None:
    text = TEXT[: TEXT.index("faults:")] + TEXT[TEXT.index("steady_state:") :]
    text = text.replace("storm, for: 500ms", "storm, for: 100ms")
    bench.run("errors", text, pace=Pace(driver_start_s=0.4, steady_grace_s=5.0, heal_s=0.3, worker_ping_s=0.1))
    assert [data["met"] for data in bench.data(EventKind.STEADY_STATE)] == [False]
    assert [data["by"] for data in bench.data(EventKind.ABORTED)] == ["steady_state"]


def test_a_guardrail_ends_the_run(bench: Bench) -> None:
    text = TEXT.replace("storm, for: 500ms", "storm, for: 9s") + (
        "guardrails:\n  - {probe: success_ratio, below: 5%, during: 1s}\n"
    )
    bench.run("errors_later", text)
    (tripped,) = bench.data(EventKind.GUARDRAIL)
    assert tripped["probe"] == "success_ratio"
    assert tripped["measured"] < 0.05
    assert [data["by"] for data in bench.data(EventKind.ABORTED)] == ["guardrail"]
    assert bench.events()[-1].at_s is not None
    assert bench.events()[-1].at_s < 9.0
    bench.assert_pristine()


def test_stop_while_a_fault_is_held(bench: Bench) -> None:
    dirt: list[str] = []

    def stop(_: Event) -> None:
        dirt.extend(bench.outside.proxies.dirt)
        bench.stop.ask("stopped by SIGINT")
        bench.stop.ask("stopped by SIGTERM")

    bench.when(EventKind.FAULT_INJECTED, stop, kind="latency")
    bench.run(text=TEXT.replace("for: 200ms", "for: 5s").replace("storm, for: 500ms", "storm, for: 9s"))
    assert dirt == ["proxy shop_to_gateway: got toxic 1-latency-shop_to_gateway"]
    assert bench.data(EventKind.ABORTED) == [{"reason": "stopped by SIGINT", "by": "user"}]
    ended = bench.events()[-1]
    assert ended.event is EventKind.RUN_ENDED
    assert ended.at_s is not None
    assert ended.at_s < 5.0  # neither the load nor the fault was waited for
    bench.assert_pristine()


def test_a_fault_that_somebody_takes_away_early_is_on_record_once(bench: Bench) -> None:
    bench.when(EventKind.FAULT_INJECTED, lambda _: bench.outside.proxies.reset(), kind="latency")
    bench.run(text=TEXT.replace("for: 200ms", "for: 1500ms").replace("storm, for: 500ms", "storm, for: 2s"))
    (missing,) = bench.data(EventKind.FAULT_MISSING)
    assert missing["fault"] == "1-latency-shop_to_gateway"
    assert 0.5 < missing["seen_s"] < 2.0
    assert missing["reason"].endswith("got none, expected it until its lift")


def test_nobody_who_can_t_be_asked_says_that_a_fault_is_gone(bench: Bench) -> None:
    def hang(proxy: str, name: str) -> None:
        raise LabBroken("toxiproxy: got no answer, expected one")

    bench.outside.proxies.toxic = hang  # type: ignore[method-assign]
    bench.run(text=TEXT.replace("for: 200ms", "for: 1s").replace("storm, for: 500ms", "storm, for: 2s"))
    assert bench.data(EventKind.FAULT_MISSING) == []
    assert [data["pristine"] for data in bench.data(EventKind.FAULT_LIFTED)] == [True, True]


def test_who_takes_part_uninvited_is_on_record(bench: Bench) -> None:
    bench.watch = FakeWatch(strangers=["somebody took part"], problem="redis: no")
    bench.run()
    assert bench.data(EventKind.STRANGER) == [{"what": "somebody took part"}]
    assert bench.data(EventKind.WATCHED) == [{"problem": "redis: no"}]
    kinds = [event.event for event in bench.events()]
    assert kinds.index(EventKind.COLLECTED) < kinds.index(EventKind.WATCHED), "it looks until the world has settled"


def test_a_proxy_of_somebody_else_s_is_on_record(bench: Bench) -> None:
    own = "proxy own_way: got 127.0.0.1:5 to 127.0.0.1:6, expected no proxy that the lab did not make"
    bench.watch = FakeWatch()
    bench.outside.proxies.by_others = [own]
    bench.run()
    told = f"somebody else than the lab changed its proxies: {own}"
    assert bench.data(EventKind.STRANGER) == [{"what": told}]
    assert bench.data(EventKind.WATCHED) == [{"problem": ""}]


def test_stop_before_the_load(bench: Bench) -> None:
    bench.stop.ask("stopped by SIGTERM")
    folder = bench.run()
    assert bench.data(EventKind.ABORTED) == [{"reason": "stopped by SIGTERM", "by": "user"}]
    assert not (folder / "load-plan.json").exists()
    assert bench.lease.events == []
    assert bench.data(EventKind.SETTLED)[0]["settle_s"] < 1.0
    bench.assert_pristine()


def test_the_driver_dies_amid_the_load(bench: Bench) -> None:
    bench.run("dies")
    assert bench.data(EventKind.ABORTED) == [
        {"reason": "the load driver ended with exit code 4: MemoryError: too much", "by": "driver"}
    ]
    bench.assert_pristine()


def test_the_driver_refuses_the_plan(bench: Bench) -> None:
    bench.run("broken", pace=replace(PACE, driver_start_s=30.0))  # it ends when it ends, on a busy machine, too
    assert bench.data(EventKind.ABORTED) == [
        {
            "reason": "the load driver ended with exit code 2: world_file: got nothing, expected a world",
            "by": "driver",
        }
    ]
    assert bench.data(EventKind.LOAD_STARTED) == []
    bench.assert_pristine()


def test_workers_elsewhere_get_a_schedule_when_they_are_there(bench: Bench) -> None:
    elsewhere = Elsewhere(listen="127.0.0.1:1", key_file="k")
    folder = bench.run("elsewhere", workers=2, elsewhere=elsewhere)
    assert bench.data(EventKind.ABORTED) == []
    assert bench.data(EventKind.LOAD_ENDED)[0]["ended"] == "finished"
    came = [event for event in bench.events() if event.event is EventKind.NOTE]
    assert [event.data["text"] for event in came][:2] == [
        "load worker 0 came from there (1 of 2)",
        "load worker 1 came from there (2 of 2)",
    ]
    assert came[0].at_s is None  # there was no schedule yet
    plan = json.loads((folder / "load-plan.json").read_bytes())
    assert plan["t0_unix_s"] == bench.data(EventKind.LOAD_STARTED)[0]["t0_unix_s"]
    assert (plan["workers"], plan["elsewhere"]["listen"]) == (2, "127.0.0.1:1")
    bench.assert_pristine()


def test_workers_elsewhere_never_come(bench: Bench) -> None:
    bench.run("alone", workers=2, elsewhere=Elsewhere(listen="127.0.0.1:1", key_file="k"))
    assert bench.data(EventKind.ABORTED) == [
        {"reason": "the load driver gave up: load workers elsewhere: got 0 of 2", "by": "driver"}
    ]
    assert bench.data(EventKind.LOAD_STARTED) == []
    bench.assert_pristine()


def test_stop_while_waiting_for_workers(bench: Bench) -> None:
    bench.when(EventKind.NOTE, lambda event: bench.stop.ask("stopped by SIGINT"))
    bench.run("waits", workers=2, elsewhere=Elsewhere(listen="127.0.0.1:1", key_file="k"))
    assert bench.data(EventKind.ABORTED) == [{"reason": "stopped by SIGINT", "by": "user"}]
    bench.assert_pristine()


def test_the_driver_is_never_ready(bench: Bench) -> None:
    bench.run("silent", pace=Pace(driver_start_s=0.4, driver_ready_s=0.2, heal_s=0.3, worker_ping_s=0.1))
    assert bench.data(EventKind.ABORTED) == [
        {"reason": "load driver: got no word that it is ready, expected one in time ()", "by": "lab"}
    ]
    assert bench.data(EventKind.LOAD_STARTED) == []
    bench.assert_pristine()


def test_a_driver_that_has_nothing_left_to_do_has_not_died(bench: Bench) -> None:
    """The last operation usually ends before the last phase does."""
    bench.run("early")
    assert bench.data(EventKind.ABORTED) == []
    assert bench.data(EventKind.LOAD_ENDED) == [{"ended": "finished", "exit_code": 0}]


@pytest.mark.parametrize("lands", [False, True])
def test_an_injection_that_fails_is_lifted_whether_it_landed_or_not(bench: Bench, lands: bool) -> None:
    bench.outside.proxies.broken, bench.outside.proxies.lands = {"add_toxic": 1}, lands
    bench.run()
    (failed,) = bench.data(EventKind.FAULT_FAILED)
    assert failed == {
        "fault": "1-latency-shop_to_gateway",
        "kind": "latency",
        "on": "shop_to_gateway",
        "reason": "toxiproxy: add_toxic: got no answer, expected one",
    }
    lifted = {data["fault"]: data["pristine"] for data in bench.data(EventKind.FAULT_LIFTED)}
    assert lifted["1-latency-shop_to_gateway"] is True
    assert bench.data(EventKind.HEALED) == [{"pristine": True, "lifted": []}]
    bench.assert_pristine()


def test_a_defect_while_injecting_is_on_record_and_lifted(bench: Bench) -> None:
    def defect(proxy: str) -> Any:
        raise ZeroDivisionError("a defect of ours")

    bench.outside.upstream.mark = defect  # type: ignore[method-assign]
    bench.run()
    (failed,) = bench.data(EventKind.FAULT_FAILED)
    assert failed["reason"] == "ZeroDivisionError('a defect of ours')"
    bench.assert_pristine()


def test_an_exposure_that_nobody_can_count_fails_the_fault(bench: Bench) -> None:
    bench.outside.upstream.broken = True
    bench.run()
    (failed,) = bench.data(EventKind.FAULT_FAILED)
    assert failed["reason"] == "postgres: got connection refused, expected an answer"
    bench.assert_pristine()


def test_a_lift_that_fails_is_left_to_healing(bench: Bench) -> None:
    bench.outside.proxies.broken = {"remove_toxic": 99}
    bench.run()
    lifted = {data["fault"]: data for data in bench.data(EventKind.FAULT_LIFTED)}
    assert lifted["1-latency-shop_to_gateway"] == {
        "fault": "1-latency-shop_to_gateway",
        "lifted_s": None,
        "pristine": False,
        "reason": "toxiproxy: remove_toxic: got no answer, expected one",
        "canary": {},
    }
    assert bench.data(EventKind.HEALED) == [
        {"pristine": True, "lifted": ["proxy shop_to_gateway: got toxic 1-latency-shop_to_gateway"]}
    ]
    bench.assert_pristine()


def test_a_heal_that_fails_is_a_broken_lab_and_left_to_the_agent(bench: Bench) -> None:
    bench.outside.proxies.broken = {"remove_toxic": 99, "reset": 99}
    with pytest.raises(LabBroken) as caught:
        bench.run()
    assert caught.value.exit_code == ExitCode.LAB_BROKEN == 4
    assert "heal: got toxiproxy: reset: got no answer, expected one" in str(caught.value)
    assert str(caught.value).endswith("expected pristine proxies (firedrill heal)")
    assert bench.data(EventKind.HEALED) == []
    assert len(bench.data(EventKind.HEAL_FAILED)) == 1
    assert bench.events()[-1].event is EventKind.RUN_ENDED
    assert bench.lease.events[-1] == "renew"  # not released: it runs out, and the agent tries again
    assert (bench.folder / "state.json").exists()


def test_a_journal_on_a_full_disk_from_the_start(bench: Bench) -> None:
    prepare = bench.stack.prepare

    def fill(**asked: Any) -> Any:
        (asked["world_file"].parent / "journal.jsonl").symlink_to("/dev/full")
        return prepare(**asked)

    bench.stack.prepare = fill  # type: ignore[method-assign]
    with pytest.raises(LabBroken) as caught:
        bench.run()
    assert str(caught.value) == f"{bench.folder}: got No space left on device, expected room to write the evidence"
    assert bench.outside.proxies.calls == []
    assert b"acc3ss" not in (bench.folder / "world.json").read_bytes()


def test_the_disk_fills_while_a_fault_is_held(bench: Bench) -> None:
    dirt: list[str] = []

    def fill(_: Event) -> None:
        dirt.extend(bench.outside.proxies.dirt)
        full = os.open("/dev/full", os.O_WRONLY)
        for descriptor in Path("/proc/self/fd").iterdir():
            try:
                journal = descriptor.readlink() == bench.folder / "journal.jsonl"
            except FileNotFoundError:
                continue
            if journal:
                os.dup2(full, int(descriptor.name))
        os.close(full)

    bench.when(EventKind.FAULT_INJECTED, fill, kind="latency")
    with pytest.raises(LabBroken) as caught:
        bench.run()
    assert dirt == ["proxy shop_to_gateway: got toxic 1-latency-shop_to_gateway"]
    assert str(caught.value) == f"{bench.folder}: got No space left on device, expected room to write the evidence"
    assert EventKind.FAULT_INJECTED in {event.event for event in bench.events()}
    assert b"acc3ss" not in (bench.folder / "world.json").read_bytes()
    assert bench.lease.events[-1] == "release"
    bench.assert_pristine()


def test_a_learner_s_mistake_leaves_no_folder(bench: Bench) -> None:
    bench.stack.error = LearnerCodeError("services/shop/attempt/views.py:3: invalid syntax")
    with pytest.raises(LearnerCodeError) as caught:
        bench.run()
    assert caught.value.exit_code == ExitCode.INVALID == 2
    assert list(bench.root.iterdir()) == []


def test_no_place_for_evidence(bench: Bench) -> None:
    bench.root.write_text("a file")
    with pytest.raises(LabBroken, match=rf"^{bench.root}: got File exists, expected a folder to write evidence to$"):
        bench.run()
    assert bench.stack.prepared == []


def test_without_an_agent_nothing_is_broken(bench: Bench) -> None:
    bench.lease.broken = True
    folder = bench.run()
    assert bench.data(EventKind.ABORTED) == [
        {"reason": "agent: PUT /lease: got ConnectError, expected an answer", "by": "lab"}
    ]
    assert not (folder / "load-plan.json").exists()
    bench.assert_pristine()


def test_an_agent_that_goes_away_is_noted_once(bench: Bench) -> None:
    bench.when(EventKind.LOAD_STARTED, lambda _: setattr(bench.lease, "broken", True))
    bench.run(text=TEXT.replace("storm, for: 500ms", "storm, for: 2200ms"))
    assert bench.data(EventKind.NOTE) == [{"text": "agent: PUT /lease: got ConnectError, expected an answer"}]
    assert bench.data(EventKind.ABORTED) == []


def test_what_the_agent_did_in_our_place_is_merged_before_the_end(bench: Bench) -> None:
    noted = {"at_unix_s": 5.5, "event": "watchdog", "data": {"action": "healed", "run_id": "r", "left": []}}

    def heal_in_our_place(_: Event) -> None:
        torn = '{"at_unix'
        (bench.folder / "watchdog.jsonl").write_text(json.dumps(noted) + "\n" + torn)

    bench.when(EventKind.LOAD_STARTED, heal_in_our_place)
    bench.run()
    assert bench.data(EventKind.WATCHDOG) == [{"action": "healed", "run_id": "r", "left": [], "noted_unix_s": 5.5}]
    assert [event.event for event in bench.events()][-2:] == [EventKind.WATCHDOG, EventKind.RUN_ENDED]


def test_witnesses_that_are_away_are_on_record(bench: Bench) -> None:
    bench.world.missing = {"charges"}
    bench.world.state["tickets"] = []
    bench.world.pendings = ["postgres: got a refused connection, expected an answer"]
    bench.stack.ping = False
    folder = bench.run()
    settled = bench.data(EventKind.SETTLED)[0]
    assert (settled["settled"], settled["healthy"], settled["pending"], settled["reason"]) == (
        False,
        False,
        None,
        "postgres: got a refused connection, expected an answer",
    )
    state = json.loads((folder / "state.json").read_bytes())
    assert state["missing"] == {"charges": "charges: got nobody, expected a witness"}


def test_the_promise_counts_from_the_end_of_the_load_for_who_came_last(bench: Bench) -> None:
    """The fault is lifted long before the load ends: an order of the last second still gets all of it."""
    text = TEXT.replace("storm, for: 500ms", "storm, for: 1500ms")
    bench.world.pendings = [Pending(orders=1, outbox=0, queued=1, unacked=0)]
    bench.run(text=text)
    assert bench.data(EventKind.SETTLED)[0]["reason"] == "work is still pending"
    ended_s = next(event.at_s for event in bench.events() if event.event is EventKind.SETTLED)
    assert ended_s is not None
    assert ended_s >= 1.9 + 0.3


def test_two_runs_in_one_second_get_folders_of_their_own(bench: Bench) -> None:
    bench.stop.ask("not needed")
    bench.outside.clock = _Stopped()
    first, second = bench.run(), bench.run()
    assert second.name == f"{first.name}-2"
    assert [event.data["run_id"] for event in read_events(second / "journal.jsonl") if event.seq == 0] == [second.name]


class _Stopped(SystemClock):
    def reading(self) -> ClockReading:
        return msgspec.structs.replace(super().reading(), unix_s=1_700_000_000.0)


# --- clocks


@pytest.mark.parametrize(("by_s", "said"), [(-4.0, "−4.0 s"), (30.0, "+30.0 s")])
def test_a_wall_clock_that_is_set_amid_faults_moves_nothing_and_is_on_record(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, by_s: float, said: str
) -> None:
    real = time.time
    bench.when(EventKind.FAULT_INJECTED, lambda _: monkeypatch.setattr(time, "time", lambda: real() + by_s))
    bench.run()
    times = [event.at_s for event in bench.events() if event.at_s is not None]
    assert times == sorted(times)
    for injected in bench.data(EventKind.FAULT_INJECTED):
        (lifted,) = [data for data in bench.data(EventKind.FAULT_LIFTED) if data["fault"] == injected["fault"]]
        assert 0 < injected["effective_s"] <= lifted["lifted_s"] < times[-1]
    (end,) = [event for event in bench.events() if event.event is EventKind.RUN_ENDED]
    assert abs(end.at_unix_s - bench.events()[0].at_unix_s - by_s) < 60, "for people, the wall clock as it is"
    readings = read_lines(bench.folder / "clocks.jsonl", ClockReading)
    found = list(disturbances(readings, distance_s=None))
    (stepped,) = [one for one in found if one.kind != "stood_still"]  # which a busy machine lets the runner do
    assert said in stepped.says("runner", 1.0)


def test_the_clocks_are_read_from_before_the_start_to_after_the_end(done: Done) -> None:
    readings = read_lines(done.folder / "clocks.jsonl", ClockReading)
    (started,) = done.bench.data(EventKind.LOAD_STARTED)
    assert readings[0].steady_s < started["t0_steady_s"]
    assert readings[-1].steady_s > started["t0_steady_s"] + 0.9
    assert not list(disturbances(readings, distance_s=started["t0_unix_s"] - started["t0_steady_s"]))


def test_the_driver_is_told_the_start_on_the_clock_that_it_shares(done: Done) -> None:
    plan = json.loads((done.folder / "load-plan.json").read_bytes())
    (started,) = done.bench.data(EventKind.LOAD_STARTED)
    assert (plan["t0_steady_s"], plan["t0_unix_s"]) == (started["t0_steady_s"], started["t0_unix_s"])
    assert abs(plan["t0_steady_s"] - time.monotonic()) < 3600


A_RUN = "import sys; from pathlib import Path; from tests.unit.chaos.run.test_runner import Bench; " + (
    "Bench(Path(sys.argv[1])).run()"
)


def test_a_runner_that_was_stopped_amid_the_load_knows_it(tmp_path: Path) -> None:
    root = tmp_path / "evidence"
    process = subprocess.Popen([sys.executable, "-c", A_RUN, str(root)], cwd=Path(__file__).parents[4])
    while process.poll() is None and not any("phase_started" in j.read_text() for j in root.glob("*/journal.jsonl")):
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(3.0)
    os.kill(process.pid, signal.SIGCONT)
    assert process.wait(60) == 0
    (folder,) = root.iterdir()
    found = list(disturbances(read_lines(folder / "clocks.jsonl", ClockReading), distance_s=None))
    assert [one.kind for one in found] == ["stood_still"]
    notes = [event.data["text"] for event in read_events(folder / "journal.jsonl") if event.event is EventKind.NOTE]
    assert any(note.startswith("the runner stood still for ") for note in notes)
