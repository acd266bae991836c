"""The scorecard as its users meet it: a real process, started more than once on the same file."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import pytest

TOKEN = "the lab's token"
WRITE = {"Authorization": f"Token {TOKEN}"}
PASSWORD = "the admin's password"
GENEROUS_S = 30.0


def environment(folder: Path) -> dict[str, str]:
    (folder / "token").write_text(TOKEN)
    (folder / "password").write_text(PASSWORD)
    return {
        "SCORECARD_DATABASE_PATH": str(folder / "keep" / "scorecard.sqlite3"),
        "SCORECARD_TOKEN_FILE": str(folder / "token"),
        "SCORECARD_ADMIN_PASSWORD_FILE": str(folder / "password"),
    }


class Scorecard:
    """A scorecard process."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.scorecard"],
            env=(settings or environment(folder)) | {"SCORECARD_PORT": str(port)},
            start_new_session=True,
        )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=GENEROUS_S)
        try:
            eventually(self._ready)
        except BaseException:
            self.end(signal.SIGKILL)  # nobody else knows of it yet
            raise

    def _ready(self) -> bool:
        assert self._process.poll() is None, "the scorecard has ended"
        try:
            return bool(self.http.get("/health").json() == {"status": "ok", "drills": 6})
        except httpx.TransportError:
            return False

    def save(self, drill: str, *, value: int, version: int, notes: str = "") -> httpx.Response:
        body = {"value": value, "notes": notes, "version": version}
        return self.http.put(f"/api/drills/{drill}/score/", headers=WRITE, json=body)

    def end(self, signal_number: signal.Signals = signal.SIGTERM) -> int:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal_number)  # as the supervisor does: a killed granian leaves its worker
        code = self._process.wait(GENEROUS_S)
        self.http.close()
        return code


def eventually(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < deadline_s, f"still waiting for {condition}"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scorecard")


@pytest.fixture(scope="module")
def scorecard(folder: Path) -> Iterator[Scorecard]:
    scorecard = Scorecard(folder)
    yield scorecard
    scorecard.end()


def test_two_pages_that_save_at_once(scorecard: Scorecard) -> None:
    pages = 8
    start = Barrier(pages)

    def save(page: int) -> int:
        start.wait()
        return scorecard.save("auth", value=page % 4, version=0, notes=f"page {page}").status_code

    with ThreadPoolExecutor(pages) as pool:
        statuses = sorted(pool.map(save, range(pages)))
    assert statuses == [200] + [409] * (pages - 1)
    assert len(scorecard.http.get("/api/drills/auth/scores/").json()["results"]) == 1


def test_one_run_indexed_from_many_sides(scorecard: Scorecard) -> None:
    body: dict[str, Any] = {
        "run_id": "r1",
        "scenario": "concurrency/flash-sale",
        "title": "Flash sale",
        "drill": 3,
        "variant": "naive",
        "seed": 7,
        "verdict": "violated",
        "started_at": "2026-11-23T10:15:02Z",
        "duration_s": 41.5,
        "findings": [],
        "evidence_path": "evidence/r1",
        "exit_code": 1,
    }
    with ThreadPoolExecutor(8) as pool:
        statuses = list(
            pool.map(lambda _: scorecard.http.put("/api/runs/r1/", headers=WRITE, json=body).status_code, range(8))
        )
    assert sorted(statuses) == [200] * 7 + [201]
    assert scorecard.http.get("/api/runs/").json()["count"] == 1


def test_the_admin_can_log_in_and_is_dressed(scorecard: Scorecard) -> None:
    with httpx.Client(base_url=scorecard.http.base_url, follow_redirects=True, timeout=GENEROUS_S) as browser:
        page = browser.get("/admin/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert token is not None
        style = re.search(r'href="(/static/admin/css/base[^"]*\.css)"', page.text)
        assert style is not None
        assert browser.get(style[1]).headers["content-type"].startswith("text/css")
        form = {"csrfmiddlewaretoken": token[1], "username": "admin", "password": PASSWORD, "next": "/admin/"}
        assert "Drills, runs, scores" in browser.post("/admin/login/", data=form).text
        without_token = browser.post("/admin/login/", data=form | {"csrfmiddlewaretoken": "x"})
    assert without_token.status_code == 403
    assert without_token.headers["content-type"] == "application/problem+json"


def test_metrics_are_those_of_all_requests(scorecard: Scorecard) -> None:
    def health_checks() -> float:
        text = scorecard.http.get("/metrics").text
        found = re.search(r'^scorecard_requests_total{method="GET",route="/health",status="200"} (\S+)$', text, re.M)
        assert found is not None
        return float(found[1])

    before = health_checks()
    for _ in range(20):  # served by several threads
        scorecard.http.get("/health")
    assert health_checks() == before + 20


def test_broken_requests_leave_it_standing(scorecard: Scorecard) -> None:
    for body in (b"\xff\xfe", b"{" * 100_000, b"[" * 200_000):
        answer = scorecard.http.put("/api/runs/r1/", headers=WRITE | {"Content-Type": "application/json"}, content=body)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
    assert scorecard.http.get("/health").status_code == 200


def test_what_a_person_wrote_outlives_a_kill(tmp_path: Path) -> None:
    first = Scorecard(tmp_path)
    assert first.save("concurrency", value=2, version=0, notes="outbox understood").status_code == 200
    first.end(signal.SIGTERM)
    second = Scorecard(tmp_path)  # migrates nothing, loads the drills again, makes no second admin
    assert second.save("concurrency", value=3, version=1, notes="and explained").status_code == 200
    second.end(signal.SIGKILL)
    database = tmp_path / "keep" / "scorecard.sqlite3"
    third = Scorecard(tmp_path)
    try:
        score = third.http.get("/api/drills/concurrency/score/").json()
        assert (score["value"], score["notes"], score["version"]) == (3, "and explained", 2)
        assert len(third.http.get("/api/drills/concurrency/scores/").json()["results"]) == 2
        with closing(sqlite3.connect(database)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
            assert connection.execute("SELECT count(*) FROM auth_user").fetchone() == (1,)
        assert stat.S_IMODE(database.stat().st_mode) == 0o600
    finally:
        third.end()


@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        ({"SCORECARD_PORT": "http"}, 2, "scorecard: SCORECARD_PORT: got 'http', expected a whole number"),
        ({"SCORECARD_TOKEN_FILE": ""}, 2, "scorecard: SCORECARD_TOKEN_FILE: got nothing, expected a file"),
        ({"SCORECARD_DATABASE_URL": "mysql://a/b"}, 2, "scorecard: SCORECARD_DATABASE_URL: got a mysql URL, expected"),
        ({"SCORECARD_DATABASE_PATH": "/proc/none/s.sqlite3"}, 4, "scorecard: database: got"),
        ({"SCORECARD_DATABASE_URL": "postgresql://me@127.0.0.1:1/none"}, 4, "scorecard: database: got connection"),
    ],
)
def test_what_stops_it_is_a_sentence(tmp_path: Path, change: dict[str, str], code: int, sentence: str) -> None:
    ended = start(environment(tmp_path) | change)
    assert ended.returncode == code
    assert ended.stderr.startswith(sentence)
    assert "Traceback" not in ended.stderr


def test_a_file_that_is_no_database_is_a_sentence_and_stays(tmp_path: Path) -> None:
    database = tmp_path / "keep" / "scorecard.sqlite3"
    database.parent.mkdir()
    database.write_bytes(b"not a database" * 100)
    ended = start(environment(tmp_path))
    assert ended.returncode == 4
    assert "file is not a database" in ended.stderr
    assert database.read_bytes() == b"not a database" * 100


def start(variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.scorecard"],
        env=variables,
        capture_output=True,
        text=True,
        timeout=GENEROUS_S,
        check=False,
    )
