"""What the run knows of its own history, and what it stops for."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chaos.load import parse_scenario
from chaos.model.history import Dropped, End, Fail, Info, Invoke, Ok, Start
from chaos.probes import ProbeUse
from chaos.run.live import LiveHistory
from chaos.run.watch import GuardrailWatch, steady_state_findings
from tests.unit.chaos.scenarios import WHERE, bent

T0 = 1000.0


class Writer:
    """A load worker's file."""

    def __init__(self, folder: Path, name: str = "worker-0.jsonl") -> None:
        self.path = folder / name
        self.count = 0
        self.line(Start(version=1, worker=0, t0_unix_s=T0, variant="naive", seed=1))

    def line(self, line: msgspec.Struct) -> None:
        self.raw(msgspec.json.encode(line) + b"\n")

    def raw(self, content: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(content)

    def op(self, at_s: float, outcome: str = "ok", *, main: bool = True, took_s: float = 0.01) -> None:
        """One operation; `open` has no ending."""
        self.count += 1
        id_ = f"{self.path.stem}-{self.count}"
        if outcome == "dropped":
            self.line(Dropped(id=id_, op="buy", phase="p", intended=at_s))
            return
        self.line(Invoke(id=id_, op="buy", phase="p", intended=at_s, sent=at_s, main=main))
        ends = {
            "ok": Ok(id=id_, ended=at_s + took_s, status=200),
            "refused": Fail(id=id_, ended=at_s + took_s, status=409, refused=True),
            "fail": Fail(id=id_, ended=at_s + took_s),
            "info": Info(id=id_, ended=at_s + took_s, status=500),
        }
        if outcome in ends:
            self.line(ends[outcome])


@pytest.fixture
def worker(tmp_path: Path) -> Writer:
    return Writer(tmp_path)


def guardrails(*lines: str) -> tuple[ProbeUse, ...]:
    text = bent(("  - {probe: success_ratio, below: 5%, during: 10s}", "\n".join(f"  - {line}" for line in lines)))
    return parse_scenario(text, name="x", where=WHERE).guardrails


def watching(folder: Path, *lines: str) -> GuardrailWatch:
    return GuardrailWatch(guardrails(*lines), LiveHistory(folder, t0_unix_s=T0))


def test_operations_are_joined_from_all_workers(tmp_path: Path, worker: Writer) -> None:
    other = Writer(tmp_path, "worker-1.jsonl")
    worker.op(0.5)
    other.op(0.7, "info")
    other.op(1.5)
    other.op(0.6, main=False)
    live = LiveHistory(tmp_path, t0_unix_s=T0)
    assert sorted((op.intended, str(op.outcome)) for op in live.between(0.0, 1.0)) == [(0.5, "ok"), (0.7, "info")]


def test_lines_are_taken_as_they_come_also_in_halves(tmp_path: Path, worker: Writer) -> None:
    live = LiveHistory(tmp_path, t0_unix_s=T0)
    assert live.between(0.0, 9.0) == []
    whole = msgspec.json.encode(Dropped(id="a", op="buy", phase="p", intended=0.5)) + b"\n"
    worker.raw(whole[:20])
    assert live.between(0.0, 9.0) == []
    worker.raw(whole[20:])
    assert [op.id for op in live.between(0.0, 9.0)] == ["a"]
    worker.line(End(lines=2))
    assert len(live.between(0.0, 9.0)) == 1


def test_a_line_that_can_t_be_read_stops_nobody(tmp_path: Path, worker: Writer) -> None:
    worker.raw(b'{"t":"invoke","id":\n\xff\n{"t":"what"}\n')
    worker.op(0.5)
    worker.line(Ok(id="never-invoked", ended=1.0))
    assert len(LiveHistory(tmp_path, t0_unix_s=T0).between(0.0, 9.0)) == 1


def test_what_is_too_young_to_have_ended_says_nothing(tmp_path: Path, worker: Writer) -> None:
    worker.op(5.0, "open")
    worker.op(7.5, "open")
    live = LiveHistory(tmp_path, t0_unix_s=T0)
    assert [op.intended for op in live.between(0.0, 9.0, now_s=8.0)] == [5.0]
    assert [op.intended for op in live.between(0.0, 9.0)] == [5.0, 7.5]


def test_unanswered_are_those_without_a_promised_answer(tmp_path: Path, worker: Writer) -> None:
    for outcome in ("ok", "refused", "fail", "info", "dropped", "open"):
        worker.op(5.0, outcome)
    worker.op(4.9, "info")
    live = LiveHistory(tmp_path, t0_unix_s=T0)
    assert live.unanswered_between(T0 + 5.0, T0 + 8.0) == 4


def test_steady_state_says_what_is_missing(tmp_path: Path, worker: Writer) -> None:
    uses = parse_scenario(
        bent(("  - {probe: success_ratio, at_least: 99%}", "  - {probe: success_ratio, at_least: 95%}")),
        name="x",
        where=WHERE,
    ).steady_state
    live = LiveHistory(tmp_path, t0_unix_s=T0)
    assert steady_state_findings(uses, live.between(0.0, 1.0)) == (
        False,
        ["success_ratio: got 0 operations, expected at least 10 to speak of a share"],
    )
    for _ in range(19):
        worker.op(0.5)
    worker.op(0.5, "info")
    assert steady_state_findings(uses, live.between(0.0, 1.0)) == (True, [])
    worker.op(0.5, "dropped")
    assert steady_state_findings(uses, live.between(0.0, 1.0)) == (
        False,
        ["success_ratio: got 90.48 %, expected at least 95 %"],
    )


def looks(watch: GuardrailWatch, until_s: float) -> float | None:
    """When it trips, looking ten times a second."""
    for tenth in range(int(until_s * 10)):
        if watch.look(tenth / 10) is not None:
            return tenth / 10
    return None


def test_a_guardrail_trips_when_its_limit_stays_true(tmp_path: Path, worker: Writer) -> None:
    for second in range(30):
        for part in range(10):
            worker.op(second + part / 10, "ok" if second < 6 else "info")
    watch = GuardrailWatch(
        guardrails("{probe: success_ratio, below: 5%, during: 5s}"), LiveHistory(tmp_path, t0_unix_s=T0)
    )
    # From 9 s on, the last three seconds are all bad: that is true since second 6, and for five seconds at 11 s.
    tripped = looks(watch, 30.0)
    assert tripped is not None
    assert 11.0 <= tripped <= 12.0


def test_a_break_starts_the_guardrail_anew(tmp_path: Path, worker: Writer) -> None:
    for second in range(20):
        for part in range(10):
            worker.op(second + part / 10, "ok" if second % 5 == 0 else "info")
    watch = GuardrailWatch(
        guardrails("{probe: success_ratio, below: 5%, during: 10s}"), LiveHistory(tmp_path, t0_unix_s=T0)
    )
    assert looks(watch, 20.0) is None


def test_without_data_no_guardrail_trips(tmp_path: Path, worker: Writer) -> None:
    watch = GuardrailWatch(
        guardrails("{probe: success_ratio, below: 5%, during: 1s}"), LiveHistory(tmp_path, t0_unix_s=T0)
    )
    assert looks(watch, 20.0) is None


def test_two_guardrails_on_one_probe_don_t_share_their_time(tmp_path: Path, worker: Writer) -> None:
    """The first is false at every look: it must not reset how long the second has been true."""
    for second in range(30):
        for part in range(10):
            worker.op(second + part / 10, "info")
    watch = watching(
        tmp_path, "{probe: success_ratio, below: 5%, during: 8s}", "{probe: success_ratio, above: 99%, during: 8s}"
    )
    tripped = looks(watch, 30.0)
    assert tripped is not None
    assert 8.0 <= tripped <= 9.0


def test_who_waited_between_two_moments(worker: Writer, tmp_path: Path) -> None:
    live = LiveHistory(tmp_path, t0_unix_s=T0)
    worker.op(1.0, "ok", took_s=0.5)  # answered before
    worker.op(2.8, "ok", took_s=3.0)  # under way from before to after
    worker.op(2.9, "open", main=False)  # a poll that has no answer yet
    worker.op(3.5, "ok", took_s=0.1)  # answered meanwhile: it did not meet a process that stands still
    worker.op(3.6, "info", took_s=0.3)  # gave up meanwhile
    worker.op(3.7, "refused", took_s=5.0)
    worker.op(3.8, "dropped")  # never sent
    worker.op(5.2, "open")  # sent later
    assert live.waiting_between(T0 + 3.0, T0 + 5.0) == 4
    assert live.waiting_between(T0 + 9.0, T0 + 9.5) == 2
