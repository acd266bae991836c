"""Adding, reading, changing and removing toxics through the API."""

from __future__ import annotations

import pytest


@pytest.fixture
def proxy(lab, upstreams):
    return lab.proxy(lab.upstream(upstreams.echo))


def _post(proxy, body):
    return proxy.server.call("POST", f"{proxy.path}/toxics", body)


DEFAULTS = {
    "latency": {"latency": 0, "jitter": 0},
    "bandwidth": {"rate": 0},
    "slow_close": {"delay": 0},
    "timeout": {"timeout": 0},
    "reset_peer": {"timeout": 0},
    "limit_data": {"bytes": 0},
    "noop": {},
}


@pytest.mark.parametrize("toxic", DEFAULTS)
def test_defaults(proxy, toxic):
    answer = _post(proxy, {"type": toxic})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    expected = {
        "attributes": DEFAULTS[toxic],
        "name": f"{toxic}_downstream",
        "type": toxic,
        "stream": "downstream",
        "toxicity": 1,
    }
    assert answer.json == expected
    assert proxy.server.call("GET", f"{proxy.path}/toxics/{toxic}_downstream").json == expected


def test_everything_given(proxy):
    body = {
        "name": "cut",
        "type": "slicer",
        "stream": "upstream",
        "toxicity": 0.25,
        "attributes": {"average_size": 64, "size_variation": 32, "delay": 10},
    }
    assert _post(proxy, body).json == body
    assert proxy.show()["toxics"] == [body]


def test_upstream_toxics_are_listed_first(proxy):
    for stream in ("downstream", "upstream"):
        for kind in ("latency", "timeout"):
            _post(proxy, {"type": kind, "stream": stream})
    listed = [toxic["name"] for toxic in proxy.server.call("GET", f"{proxy.path}/toxics").json]
    assert listed == ["latency_upstream", "timeout_upstream", "latency_downstream", "timeout_downstream"]


def test_names_are_unique_over_both_streams(proxy):
    assert _post(proxy, {"name": "x", "type": "latency", "stream": "upstream"}).status == 200
    answer = _post(proxy, {"name": "x", "type": "timeout", "stream": "downstream"})
    assert (answer.status, answer.json) == (409, {"error": "toxic already exists", "status": 409})


def test_a_stream_is_taken_in_any_case_and_shown_as_given(proxy):
    answer = _post(proxy, {"type": "latency", "stream": "UpStream"})
    assert (answer.json["name"], answer.json["stream"]) == ("latency_UpStream", "UpStream")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"type": "nonsense"}, "invalid toxic type"),
        ({}, "invalid toxic type"),
        ({"type": "latency", "stream": "sideways"}, "stream was invalid, can be either upstream or downstream"),
        ({"type": "nonsense", "stream": ""}, "stream was invalid, can be either upstream or downstream"),
    ],
)
def test_type_and_stream_are_checked(proxy, body, error):
    answer = _post(proxy, body)
    assert (answer.status, answer.json["error"]) == (400, error)
    assert proxy.show()["toxics"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        {"type": 5},
        {"type": "latency", "toxicity": "all"},
        {"type": "latency", "attributes": 5},
        {"type": "latency", "attributes": {"latency": 1.5}},
        {"type": "latency", "attributes": {"latency": "1"}},
        {"type": "latency", "attributes": {"latency": True}},
        {"type": "latency", "attributes": {"latency": 2**63}},
    ],
)
def test_what_cannot_be_read_is_400_and_adds_nothing(proxy, body):
    answer = _post(proxy, body)
    assert answer.status == 400
    assert answer.json["error"].startswith("bad request body: ")
    assert proxy.show()["toxics"] == []


def test_unknown_attributes_and_null_are_ignored(proxy):
    answer = _post(proxy, {"type": "latency", "attributes": {"latency": 5, "jitter": None, "wobble": 1}})
    assert answer.json["attributes"] == {"latency": 5, "jitter": 0}
    assert _post(proxy, {"type": "timeout", "attributes": None}).status == 200


@pytest.mark.parametrize("toxicity", [-1, 7, 0, 0.5])
def test_any_toxicity_is_taken(proxy, toxicity):
    assert _post(proxy, {"type": "latency", "toxicity": toxicity}).json["toxicity"] == toxicity


@pytest.mark.parametrize(("given", "kept"), [(0.123456789, 0.12345679), (0.1, 0.1), (1 / 3, 0.33333334)])
def test_toxicity_has_single_precision(proxy, given, kept):
    assert _post(proxy, {"type": "latency", "toxicity": given}).json["toxicity"] == kept


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_an_update_merges_attributes_and_toxicity_only(proxy, method):
    _post(proxy, {"name": "x", "type": "latency", "attributes": {"latency": 1, "jitter": 2}})
    body = {"name": "y", "type": "timeout", "stream": "upstream", "toxicity": 0.5, "attributes": {"jitter": 3}}
    answer = proxy.server.call(method, f"{proxy.path}/toxics/x", body)
    assert answer.status == 200
    assert answer.json == {
        "attributes": {"latency": 1, "jitter": 3},
        "name": "x",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 0.5,
    }
    assert proxy.show()["toxics"] == [answer.json]


def test_a_400_on_update_may_have_applied_a_part(proxy):
    _post(proxy, {"name": "x", "type": "latency", "attributes": {"latency": 1}})
    body = {"toxicity": 0.5, "attributes": {"latency": "no", "jitter": 7}}
    answer = proxy.server.call("PATCH", f"{proxy.path}/toxics/x", body)
    assert answer.status == 400
    kept = proxy.show()["toxics"][0]
    assert (kept["attributes"], kept["toxicity"]) == ({"latency": 1, "jitter": 7}, 1)


def test_an_update_that_is_no_json_changes_nothing(proxy):
    _post(proxy, {"name": "x", "type": "latency", "attributes": {"latency": 1}})
    body = b'{"attributes": {"latency": 9}, '
    assert proxy.server.call("PATCH", f"{proxy.path}/toxics/x", body).status == 400
    assert proxy.show()["toxics"][0]["attributes"]["latency"] == 1


@pytest.mark.parametrize("method", ["GET", "PATCH", "POST", "DELETE"])
def test_an_unknown_toxic_is_404(proxy, method):
    answer = proxy.server.call(method, f"{proxy.path}/toxics/x", {})
    assert (answer.status, answer.json) == (404, {"error": "toxic not found", "status": 404})


def test_delete_removes_one(proxy):
    _post(proxy, {"name": "x", "type": "latency"})
    _post(proxy, {"name": "y", "type": "latency"})
    answer = proxy.server.call("DELETE", f"{proxy.path}/toxics/x")
    assert (answer.status, answer.body) == (204, b"")
    assert [toxic["name"] for toxic in proxy.show()["toxics"]] == ["y"]
