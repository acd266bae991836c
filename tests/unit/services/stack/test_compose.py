"""What a part's own metrics tell of its start, where no supervisor looks after it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from services.stack.compose import started_unix_s
from services.stack.layout import OFFSETS, Ports


class Part:
    """Answers GET /metrics with what it is told."""

    def __init__(self, port: int) -> None:
        self.ports = Ports(port - OFFSETS["gateway"])
        self.status, self.text = 200, ""


@pytest.fixture
def part() -> Iterator[Part]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/metrics"
            self.send_response(state.status)
            self.end_headers()
            self.wfile.write(state.text.encode())

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        state = Part(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield state
        server.shutdown()
        thread.join(5)


def test_the_start_is_read_from_the_metrics(part: Part) -> None:
    part.text = "# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds 1.79552879597e+09\nother 1\n"
    assert started_unix_s(part.ports, "gateway") == 1795528795.97


@pytest.mark.parametrize(("status", "text"), [(503, "process_start_time_seconds 1"), (200, "other 1"), (200, "")])
def test_no_start_is_not_zero(part: Part, status: int, text: str) -> None:
    part.status, part.text = status, text
    assert started_unix_s(part.ports, "gateway") is None


def test_a_part_that_is_away_has_no_start() -> None:
    assert started_unix_s(Ports(1), "gateway") is None
