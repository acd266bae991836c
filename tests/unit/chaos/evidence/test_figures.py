"""A second, an error and a p95: by intended time, and no promised answer is infinitely slow."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from chaos.evidence import figures as figures_
from chaos.evidence.figures import HistoryFigures, Second, Timeline, Totals, milliseconds, quantile_text, read_figures
from chaos.evidence.files import NoSuchFile, Unreadable
from chaos.model.history import Operation, Outcome

T0 = 1_700_000_000.0


def op(intended: float, ended: float | None, outcome: Outcome = Outcome.OK, **more: Any) -> Operation:
    known = {"id": "0-1", "op": "buy", "phase": "spike", "intended": intended, "sent": intended}
    return Operation(**{**known, "ended": ended, "outcome": outcome, **more})


def timeline(*operations: Operation) -> Timeline:
    found = Timeline()
    for each in operations:
        found.add(each)
    return found


def test_twenty_fast_503_are_twenty_errors_without_a_p95() -> None:
    found = timeline(*(op(n / 20, n / 20 + 0.004, Outcome.INFO, status=503) for n in range(20)))
    assert found.seconds() == (Second(at_s=0, offered=20, served=0, errors=20),)
    assert found.totals() == Totals(offered=20, errors=20)
    assert quantile_text(found.totals().p95_ms, 20) == "no answer"


def test_one_of_twenty_without_an_answer_leaves_a_p95_and_two_do_not() -> None:
    good = [op(n / 20, n / 20 + 0.01 * (n + 1)) for n in range(19)]
    one = timeline(*good, op(0.99, 1.0, Outcome.FAIL))
    assert one.seconds()[0].p95_ms == pytest.approx(190.0)
    two = timeline(*good[:18], op(0.98, None, Outcome.INFO), op(0.99, None, Outcome.DROPPED, sent=None))
    assert (two.seconds()[0].errors, two.seconds()[0].p50_ms, two.seconds()[0].p95_ms) == (2, 100.0, None)


def test_an_operation_counts_where_it_was_wanted_whenever_it_ended() -> None:
    found = timeline(op(0.9, 3.2), op(1.1, 3.3, Outcome.INFO), op(2.0, 2.1, Outcome.FAIL, refused=True))
    assert [(s.offered, s.served, s.errors) for s in found.seconds()] == [(1, 1, 0), (1, 0, 1), (1, 1, 0)]
    assert found.seconds()[0].p95_ms == pytest.approx(2300.0)


def test_a_second_that_is_not_over_is_left_out_and_a_silent_one_is_empty() -> None:
    found = timeline(op(0.5, 0.6), op(2.5, 2.6))
    assert [s.offered for s in found.seconds()] == [1, 0, 1]
    assert [s.offered for s in found.seconds(until_s=2.9)] == [1, 0]
    assert found.seconds(until_s=-1.0) == ()


def test_totals_of_a_stretch_are_of_its_whole_seconds() -> None:
    found = timeline(op(0.5, 0.6), op(1.5, 1.7), op(2.5, 2.8))
    assert found.totals(1.0, 2.9) == Totals(offered=1, served=1, p50_ms=200.0, p95_ms=200.0)
    assert found.totals(7.0) == Totals()


@pytest.mark.parametrize(
    ("value", "operations", "said"), [(None, 0, "–"), (None, 3, "no answer"), (9.94, 1, "9.9"), (112.4, 1, "112")]
)
def test_figures_in_words(value: float | None, operations: int, said: str) -> None:
    assert milliseconds(value, operations) == said
    assert quantile_text(value, operations) == (said if value is None else f"{said} ms")


def test_each_operation_is_also_counted_apart() -> None:
    found = HistoryFigures()
    for each in (op(0.1, 0.2), op(0.2, 0.5, op="browse"), op(0.3, 0.4, op="poll", main=False)):
        found.add(each)
    assert found.all.totals().offered == 2
    assert {name: of.totals().p95_ms for name, of in found.timelines.by_op.items()} == {"buy": 100.0, "browse": 300.0}
    assert set(found.cells) == {("spike", "buy", True), ("spike", "browse", True), ("spike", "poll", False)}


def test_kinds_without_end_become_one() -> None:
    found = HistoryFigures()
    for number in range(figures_.MOST_KINDS + 50):
        found.add(op(0.1, 0.2, op=f"o{number}"))
    assert len(found.cells) == len(found.timelines.by_op) == figures_.MOST_KINDS + 1


def history(folder: Path, *lines: dict[str, Any], name: str = "0.jsonl") -> None:
    (folder / "history").mkdir(exist_ok=True)
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    (folder / "history" / name).write_bytes(gzip.compress(text) if name.endswith("gz") else text)


def invoke(ident: str, intended: float, **more: Any) -> dict[str, Any]:
    return {"t": "invoke", "id": ident, "op": "buy", "phase": "p", "intended": intended, "sent": intended, **more}


@pytest.mark.parametrize("name", ["0.jsonl", "0.jsonl.gz"])
def test_history_counts_main_operations_by_second(tmp_path: Path, name: str) -> None:
    history(
        tmp_path,
        {"t": "start", "version": 1, "worker": 0, "t0_unix_s": T0, "variant": "naive", "seed": 1},
        invoke("0-1", 0.2), invoke("0-2", 0.9), invoke("0-3", 1.1), invoke("0-4", 1.2, main=False), invoke("0-5", 1.5),
        {"t": "ok", "id": "0-1", "ended": 0.3, "status": 200},
        {"t": "ok", "id": "0-4", "ended": 1.3, "status": 200},
        {"t": "fail", "id": "0-2", "ended": 1.4, "status": 409, "refused": True, "reason": "sold_out"},
        {"t": "info", "id": "0-3", "ended": 2.1, "status": 500},
        {"t": "dropped", "id": "0-6", "op": "buy", "phase": "p", "intended": 2.5},
        name=name,
    )  # fmt: skip
    seconds = read_figures(tmp_path).all.seconds()
    assert [(s.offered, s.served, s.errors) for s in seconds] == [(2, 2, 0), (2, 0, 2), (1, 0, 1)]
    assert (seconds[0].p50_ms, seconds[0].p95_ms) == (100.0, 500.0)


def test_a_missing_history_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NoSuchFile, match="no operation"):
        read_figures(tmp_path)


def test_a_history_too_large_for_a_page_is_a_sentence(tmp_path: Path) -> None:
    history(tmp_path, invoke("0-1", 0.2))
    with pytest.raises(Unreadable, match="too large"):
        read_figures(tmp_path, most=10)


def test_a_torn_compressed_history_gives_what_is_there(tmp_path: Path) -> None:
    history(tmp_path, *(invoke(f"0-{n}", n / 100) for n in range(3000)), name="0.jsonl.gz")
    path = tmp_path / "history" / "0.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-200])
    assert read_figures(tmp_path).all.totals().offered > 0
