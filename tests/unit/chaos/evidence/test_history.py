import gzip

import msgspec
import pytest

from chaos.evidence.files import MIB as CHUNK_BYTES
from chaos.evidence.history import History
from chaos.model.history import Dropped, End, Fail, Info, Invoke, Ok, Outcome, Seen, Start
from chaos.model.world import EventSeen, TierSeen, page_digest

ENCODER = msgspec.json.Encoder()
START = Start(version=1, worker=0, t0_unix_s=1e6, variant="naive", seed=1)


def invoke(id_, **more):
    return Invoke(id=id_, op="buy", phase="spike", intended=1.0, sent=1.1, key="k", tier=3, quantity=2, **more)


LINES = [
    START,
    invoke("a"),
    invoke("b"),
    Dropped(id="d", op="buy", phase="spike", intended=2.0),
    Ok(id="b", ended=1.5, status=202, order="o", order_status="pending"),
    Fail(id="a", ended=1.6, status=409, refused=True, reason="sold_out"),
    invoke("i"),
    Info(id="i", ended=11.0, reason="timeout"),
    invoke("never"),
]


def write(path, lines, end=True):
    path.parent.mkdir(parents=True, exist_ok=True)
    content = ENCODER.encode_lines([*lines, *([End(lines=len(lines))] if end else [])])
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["w.jsonl", "w.jsonl.gz"])
def test_lines_are_joined_to_operations(tmp_path, name):
    history = History([write(tmp_path / name, LINES)])
    ops = {op.id: op for op in history}
    assert {id_: op.outcome for id_, op in ops.items()} == {
        "b": Outcome.OK,
        "a": Outcome.FAIL,
        "i": Outcome.INFO,
        "d": Outcome.DROPPED,
        "never": Outcome.INFO,
    }
    assert (ops["b"].order, ops["b"].order_status, ops["b"].ended, ops["b"].tier) == ("o", "pending", 1.5, 3)
    assert ops["b"].latency_s == 0.5
    assert ops["a"].refused
    assert ops["a"].answered
    assert ops["never"].ended is None
    assert ops["d"].sent is None
    assert history.problems == []
    assert (history.t0_unix_s, history.operations, history.lines) == (1e6, 5, 10)


def test_the_order_that_a_poll_asked_for_is_kept_when_its_answer_names_none(tmp_path):
    poll = Invoke(id="p", op="poll", phase="spike", intended=1, sent=1, main=False, order="asked")
    path = write(tmp_path / "w.jsonl", [START, poll, Info(id="p", ended=2)])
    (op,) = History((path,))
    assert op.order == "asked"


def test_several_workers_are_read_one_after_the_other(tmp_path):
    files = [write(tmp_path / f"{n}.jsonl", [START, invoke(f"{n}-1"), Ok(id=f"{n}-1", ended=2)]) for n in range(3)]
    history = History(files)
    assert [op.id for op in history] == ["0-1", "1-1", "2-1"]
    assert history.problems == []


def test_a_history_larger_than_a_chunk(tmp_path):
    lines = [START]
    for number in range(CHUNK_BYTES // 60):
        lines += [invoke(str(number)), Ok(id=str(number), ended=2.0, status=202)]
    history = History([write(tmp_path / "w.jsonl", lines)])
    assert sum(op.outcome is Outcome.OK for op in history) == (len(lines) - 1) / 2
    assert history.problems == []


@pytest.mark.parametrize(
    ("lines", "end", "problem"),
    [
        (LINES, False, "got no end line"),
        ([], False, "got no end line"),
        ([*LINES, End(lines=5)], False, "got 9 lines, expected 5"),
        ([START, End(lines=1), invoke("x")], False, "got lines after the end line"),
        ([START, Ok(id="x", ended=1)], True, "got an ending of x, expected its invoke line before"),
        ([START, invoke("x"), invoke("x")], True, "got operation x twice"),
        ([START, invoke("x"), START], True, "got a start line amid the file"),
        ([msgspec.structs.replace(START, version=2)], True, "got version 2, expected 1"),
    ],
)
def test_what_does_not_add_up_is_a_problem(tmp_path, lines, end, problem):
    history = History([write(tmp_path / "w.jsonl", lines, end)])
    list(history)
    assert problem in history.problems[0]
    assert history.problems[0].startswith("w.jsonl: ")


def test_workers_have_to_agree_on_second_0(tmp_path):
    other = msgspec.structs.replace(START, t0_unix_s=1e6 + 1)
    history = History([write(tmp_path / "0.jsonl", [START]), write(tmp_path / "1.jsonl", [other])])
    list(history)
    assert "1.jsonl: got second 0 at 1000001.0" in history.problems[0]


@pytest.mark.parametrize("name", ["w.jsonl", "w.jsonl.gz"])
def test_a_torn_last_line_costs_no_other_line(tmp_path, name):
    path = tmp_path / name
    content = ENCODER.encode_lines(LINES[:6]) + b'{"t":"invo'
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    history = History([path])
    assert {op.id for op in history} == {"a", "b", "d"}
    assert any("expected a whole line" in problem for problem in history.problems)


def test_damage_amid_the_file_costs_that_line_only(tmp_path):
    content = ENCODER.encode_lines(LINES[:3]) + b"\x00\x00\n" + ENCODER.encode_lines(LINES[3:])
    (tmp_path / "w.jsonl").write_bytes(content)
    history = History([tmp_path / "w.jsonl"])
    assert {op.id for op in history} == {"a", "b", "d", "i", "never"}
    assert history.problems


def test_a_truncated_compressed_file_is_a_problem(tmp_path):
    path = write(tmp_path / "w.jsonl.gz", LINES)
    path.write_bytes(path.read_bytes()[:-20])
    history = History([path])
    list(history)
    assert history.problems


def test_a_file_in_both_forms_is_read_once(tmp_path):
    write(tmp_path / "history" / "w.jsonl", LINES)
    write(tmp_path / "history" / "w.jsonl.gz", LINES)
    write(tmp_path / "history" / "x.jsonl.gz", [START])
    assert [path.name for path in History.of_run(tmp_path).files] == ["w.jsonl", "x.jsonl.gz"]


def test_no_file_is_a_problem(tmp_path):
    history = History.of_run(tmp_path)
    assert list(history) == []
    assert history.problems == ["history: got no file, expected one per load worker"]


def test_what_is_known_of_the_token_and_of_the_answer_is_joined(tmp_path):
    asked = Invoke(
        id="m", op="me", phase="calm", intended=1, sent=1, token="t", state="expired", expires=0.5, expects="401"
    )
    answered = Ok(id="m", ended=2, status=200, shown=7, issued="i", digest="d")
    (op,) = History((write(tmp_path / "w.jsonl", [START, asked, answered]),))
    assert (op.token, op.state, op.expires, op.expects) == ("t", "expired", 0.5, "401")
    assert (op.shown, op.issued, op.digest) == (7, "i", "d")


PAGE = (EventSeen(1, "gig", "A with B", "2026-12-24T19:00:00Z", "Hall", "Cork", ("A",), (TierSeen(1, "F", 100, 9),)),)


def browsed(digest):
    asked = Invoke(id="p", op="browse", phase="spike", intended=1.0, sent=1.0, about="gig")
    return [asked, Ok(id="p", ended=1.1, status=200, seen=digest, seats="2", tickets=1)]


def test_what_pages_showed_is_found_by_its_digest(tmp_path):
    digest = page_digest(PAGE)
    history = History([write(tmp_path / "w.jsonl", [START, Seen(seen=digest, events=PAGE), *browsed(digest)])])
    (op,) = history
    assert (op.about, op.seen, op.seats, op.tickets) == ("gig", digest, "2", 1)
    assert history.pages == {digest: PAGE}
    assert history.problems == []


@pytest.mark.parametrize("events", [PAGE[:0], [["x"]], 7, None])
def test_a_digest_of_something_else_is_a_problem(tmp_path, events):
    digest = page_digest(PAGE)
    history = History([write(tmp_path / "w.jsonl", [START, Seen(seen=digest, events=events), *browsed(digest)])])
    list(history)
    assert len(history.problems) == 1
    assert history.pages == {}
