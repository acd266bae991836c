from chaos.report.samples import during_faults, status_line, telling_headers
from tests.unit.chaos.documents import document
from tests.unit.chaos.report.samples import SAMPLES, sample


def faults(*spans):
    more = {
        "id": "f", "kind": "latency", "on": "x", "exposure": 1, "exposed_at_least": 1, "proven": True, "problem": "",
    }  # fmt: skip
    return document(faults=[{**more, "injected_s": start, "lifted_s": end} for start, end in spans])


def test_only_what_met_a_fault_is_shown():
    assert [s.id for s in during_faults(faults((12.0, 18.0)), SAMPLES)] == ["0-5"]


def test_a_fault_that_was_never_lifted_lasts():
    assert [s.id for s in during_faults(faults((0.5, None)), SAMPLES)] == ["0-1", "0-5"]


def test_without_a_fault_any_time_will_do():
    assert [s.id for s in during_faults(document(), SAMPLES)] == ["0-1", "0-5"]


def test_one_of_each_kind_and_the_unusual_first_when_there_is_no_room():
    many = [sample(f"0-{n}", float(n), status=200 + n % 20) for n in range(60)]
    odd = sample("0-99", 99.0, status=503, outcome="info", reason="http_503")
    shown = during_faults(document(), [*many, odd])
    assert len(shown) == 12
    assert shown[-1].id == "0-99"
    assert len({s.status for s in shown}) == 12


def test_an_answer_in_words():
    assert status_line(SAMPLES[1]) == "503 (info: http_503), 200 ms after it was wanted"
    assert status_line(sample("1", 1.0, status=0, outcome="info", reason="timeout")).startswith(
        "no answer (info: timeout)"
    )


def test_headers_that_tell_the_client_something():
    assert [name for name, _ in telling_headers(SAMPLES[1])] == ["Retry-After", "Content-Type"]
