"""A handler that takes too long. Last, because the question was put when the suite began: the answer takes 25 s."""

from __future__ import annotations


def test_it_is_answered_with_503(hung_disable):
    answer = hung_disable()
    assert (answer.status, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
    assert answer.text == "<html><head><title>Timeout</title></head><body><h1>Timeout</h1></body></html>"
