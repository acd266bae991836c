import msgspec
import pytest

from chaos.model.history import Outcome
from chaos.model.samples import Sample
from loadtests.journey import Call, Reading
from loadtests.recorder import Operation
from loadtests.samples import MOST_BODY, MOST_OF_A_KIND, Samples

OK = Reading(Outcome.OK)
SOLD_OUT = Reading(Outcome.FAIL, refused=True, reason="sold_out")
HEAD = (
    b"POST /api/orders/?t=1 HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAuthorization: Bearer eyJhbGciOi.eyJzdWI.sig\r\n"
    b"Idempotency-Key: k1\r\nX-Request-Id: 5f0a\r\n\r\n"
)


class Taken:
    """Samples of one worker, and what is in the file."""

    def __init__(self, folder):
        self.path = folder / "samples" / "worker-0.jsonl"
        self.samples = Samples(self.path)
        self.number = 0

    def offer(self, ended, *, reading=OK, status=202, body=b"{}", phase="spike", headers=(), request=b""):
        self.number += 1
        operation = Operation(
            id=f"0-{self.number}",
            number=self.number,
            intended=ended - 0.2,
            sent=ended - 0.1,
            key=(phase, "buy"),
            cell=None,
            follow_up=None,
        )
        call = Call(op="buy", method="POST", head=HEAD, read=lambda *_: OK, intended=0.0, body=request)
        self.samples.offer(call, operation, reading, status=status, ended=ended, head=HEAD, headers=headers, body=body)

    def kept(self):
        if not self.path.exists():
            return []
        return [msgspec.json.decode(line, type=Sample) for line in self.path.read_bytes().splitlines()]


@pytest.fixture
def taken(tmp_path):
    taken = Taken(tmp_path)
    yield taken
    taken.samples.close()


def test_a_sample_is_the_whole_exchange(taken):
    taken.offer(
        2.5, body=b'{"id": 1}', headers=[("Content-Type", "application/json"), ("Age", "3")], request=b'{"t": 1}'
    )
    (sample,) = taken.kept()
    assert (sample.method, sample.path, sample.status) == ("POST", "/api/orders/?t=1", 202)
    assert sample.headers == {"Content-Type": "application/json", "Age": "3"}
    assert (sample.request_body, sample.body) == ('{"t": 1}', '{"id": 1}')
    assert (sample.id, sample.request_headers["X-Request-Id"]) == ("0-1", "5f0a")
    assert (sample.phase, sample.outcome, sample.sent, sample.ended) == ("spike", "ok", 2.4, 2.5)


def test_tokens_never_get_into_it(taken):
    taken.offer(
        1.0, body=b'{"access": "eyJhbGciOi.eyJzdWI.sig"}', headers=[("Set-Cookie", "s=1")], request=b'{"password": "p"}'
    )
    raw = taken.path.read_text()
    assert "eyJ" not in raw
    assert '"s=1"' not in raw
    assert '\\"p\\"' not in raw


def test_one_a_second_of_each_kind_of_answer(taken):
    for number in range(20):
        taken.offer(1.0 + number * 0.1)
    taken.offer(1.0, reading=SOLD_OUT, status=409)
    assert [(s.status, round(s.ended, 1)) for s in taken.kept()] == [(202, 1.0), (202, 2.0), (409, 1.0)]


def test_at_most_so_many_of_a_phase_operation_and_outcome(taken):
    for number in range(3 * MOST_OF_A_KIND):
        taken.offer(float(number))
        taken.offer(float(number), phase="calm")
    kept = taken.kept()
    assert {phase: sum(s.phase == phase for s in kept) for phase in ("spike", "calm")} == {
        "spike": MOST_OF_A_KIND,
        "calm": MOST_OF_A_KIND,
    }


def test_without_an_answer_it_says_why(taken):
    taken.offer(1.0, reading=Reading(Outcome.INFO, reason="timeout"), status=0, body=None)
    (sample,) = taken.kept()
    assert (sample.status, sample.reason, sample.body, sample.outcome) == (0, "timeout", "", "info")


def test_a_long_body_is_cut_and_says_so(taken):
    taken.offer(1.0, body=b"x" * (MOST_BODY + 1))
    (sample,) = taken.kept()
    assert (len(sample.body), sample.cut) == (MOST_BODY, True)


def test_a_full_disk_costs_the_sample_only(tmp_path):
    (tmp_path / "samples").write_text("not a folder")
    taken = Taken(tmp_path)
    taken.offer(1.0)
    assert taken.samples.close() is None
