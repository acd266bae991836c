import pytest

from loadtests.marks import NONE, Marks, marks_of

PROBLEM = b'{"type": "about:blank", "title": "Conflict", "status": 409, "detail": "Sold out.", "code": "sold_out"}'


def header(**values):
    return {name.replace("_", "-"): value for name, value in values.items()}.get


def test_an_answer_without_anything_special_costs_nothing_in_the_history():
    assert marks_of(200, b"{}", header(content_type="application/json")) is NONE


def test_a_copy_says_how_old_it_is():
    assert marks_of(200, b"{}", header(age="7", x_stale="true")) == Marks(stale=True, age_s=7)
    assert marks_of(200, b"{}", header(age="0")) == Marks(age_s=0)


@pytest.mark.parametrize("age", ["-1", "soon", "", "1.5", ["1", "2"], "9" * 30])
def test_an_age_that_is_no_number_is_none(age):
    assert marks_of(200, b"{}", header(age=age, x_stale="yes")) == Marks()


def test_a_problem_is_one_by_type_and_body():
    told = header(content_type="application/problem+json; charset=utf-8")
    assert marks_of(409, PROBLEM, told) == Marks(content_type="application/problem+json", problem=True)


@pytest.mark.parametrize(
    "body", [b"<h1>Server Error</h1>", b"[]", b"", None, b"\xff", b'{"status": 500}', b'{"title": 7}']
)
def test_the_type_alone_makes_no_problem(body):
    assert not marks_of(409, body, header(content_type="application/problem+json")).problem


@pytest.mark.parametrize(
    ("given", "noted"), [("text/html", "text/html"), ("application/json", "application/json"), (None, "none")]
)
def test_another_type_is_noted(given, noted):
    assert marks_of(409, PROBLEM, header(content_type=given)) == Marks(content_type=noted)
