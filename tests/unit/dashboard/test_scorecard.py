from __future__ import annotations

import re
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from dashboard.errors import SourceAway
from dashboard.scorecard import Scorecard, StaleScore


@pytest.fixture
def client(scorecard: Any, samples: Any) -> Scorecard:
    return Scorecard(scorecard.url, samples.TOKEN)


def test_six_drills_with_their_scores_and_the_newest_run_of_each_variant(
    client: Scorecard, scorecard: Any, samples: Any
) -> None:
    for ago, verdict in ((50, "violated"), (10, "held")):
        scorecard.runs.append(
            samples.index_entry(f"r{ago}", "hardened", 1_800_000_000 - ago, verdict, ("no_oversell",))
        )
    drills = client.drills()
    assert [drill.number for drill in drills] == [1, 2, 3, 4, 5, 6]
    assert [(run.run_id, run.verdict, run.broken) for run in drills[2].latest_runs] == [
        ("r10", "held", ("no_oversell",))
    ]
    assert drills[2].latest_runs[0].started_unix_s == 1_800_000_000 - 16
    assert drills[0].dimensions[0].name == "Backend-Systems"


def test_a_save_gives_back_what_is_stored_and_becomes_history(client: Scorecard) -> None:
    assert client.save("auth", value=2, notes="n", version=0).version == 1
    assert client.save("auth", value=None, notes="", version=1).version == 2
    assert [(change.value, change.notes) for change in client.history("auth")] == [(None, ""), (2, "n")]


def test_a_stale_save_is_refused_and_changes_nothing(client: Scorecard) -> None:
    client.save("auth", value=2, notes="first", version=0)
    with pytest.raises(StaleScore):
        client.save("auth", value=3, notes="second", version=0)
    assert client.drills()[3].score.notes == "first"


def test_a_wrong_token_is_a_sentence_without_the_token(scorecard: Any) -> None:
    with pytest.raises(SourceAway, match="refused the write token") as caught:
        Scorecard(scorecard.url, "wrong-secret").save("auth", value=2, notes="", version=0)
    assert "wrong-secret" not in str(caught.value)


def test_nobody_there_is_a_sentence(samples: Any) -> None:
    with pytest.raises(SourceAway, match="can't be reached"):
        Scorecard(f"http://127.0.0.1:{samples.free_port()}", "").drills()


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[1]", b'[{"key": 1}]', b"null", b'{"results": 3}', b"[]"])
def test_another_answer_is_a_sentence(client: Scorecard, scorecard: Any, body: bytes) -> None:
    scorecard.odd = body
    with pytest.raises(SourceAway, match="scorecard"):
        client.drills()


def test_a_problem_is_told_with_its_detail(samples: Any) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            payload = b'{"title": "Broken", "detail": "database is locked."}'
            self.send_response(503)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *_: Any) -> None:
            return

    with (
        samples.serving(Handler) as port,
        pytest.raises(SourceAway, match=re.escape("answered 503: database is locked.")),
    ):
        Scorecard(f"http://127.0.0.1:{port}", "").runs()
