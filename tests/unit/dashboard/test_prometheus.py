from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from dashboard.errors import SourceAway
from dashboard.prometheus import Prometheus


def answering(status: int, body: bytes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            return

    return Handler


def success(result: Any) -> bytes:
    return json.dumps({"status": "success", "data": {"result": result}}).encode()


def test_samples_have_labels_and_nan_is_none(samples: Any) -> None:
    found = [{"metric": {"queue": "celery"}, "value": [1.5, "3"]}, {"metric": {}, "value": [1.5, "NaN"]}]
    with samples.serving(answering(200, success(found))) as port:
        client = Prometheus(f"http://127.0.0.1:{port}")
        assert [(s.labels, s.value) for s in client.instant("x")] == [({"queue": "celery"}, 3.0), ({}, None)]
        assert client.value("x") == 3.0


def test_series_have_times_and_infinity_stays(samples: Any) -> None:
    found = [{"metric": {}, "values": [[10, "1"], [11, "NaN"], [12, "+Inf"]]}]
    with samples.serving(answering(200, success(found))) as port:
        series = Prometheus(f"http://127.0.0.1:{port}").range("x", start_unix_s=10, end_unix_s=12, step_s=1)
    assert series[0].times_unix_s == [10.0, 11.0, 12.0]
    assert series[0].values == [1.0, None, float("inf")]


def test_no_series_is_no_value(samples: Any) -> None:
    with samples.serving(answering(200, success([]))) as port:
        assert Prometheus(f"http://127.0.0.1:{port}").value("x") is None


def test_a_refused_query_is_told(samples: Any) -> None:
    body = json.dumps({"status": "error", "error": "parse error at char 3"}).encode()
    with samples.serving(answering(400, body)) as port, pytest.raises(SourceAway, match="parse error at char 3"):
        Prometheus(f"http://127.0.0.1:{port}").instant("x")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"status": "success"}',
        success([{"metric": {}}]),
        success([{"metric": {}, "value": [1, "x"]}]),
    ],
)
def test_another_server_at_its_address_is_a_sentence(samples: Any, body: bytes) -> None:
    with samples.serving(answering(200, body)) as port, pytest.raises(SourceAway, match="Prometheus"):
        Prometheus(f"http://127.0.0.1:{port}").instant("x")


def test_nobody_there_is_a_sentence(samples: Any) -> None:
    with pytest.raises(SourceAway, match="can't be reached"):
        Prometheus(f"http://127.0.0.1:{samples.free_port()}").instant("x")
