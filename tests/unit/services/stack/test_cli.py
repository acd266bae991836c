"""The command line without a stack."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from services.stack import cli, text
from services.stack.supervisor_client import Supervisor


@pytest.fixture(autouse=True)
def own_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FIREDRILL_LAB_DIR", str(tmp_path / "lab"))
    monkeypatch.setenv("FIREDRILL_BASE_PORT", "29900")
    return tmp_path / "lab"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["fly"], "bad_input"),
        ([], "bad_input"),
        (["up", "--variant"], "bad_input"),
        (["up", "--base-port", "12"], "bad_input"),
        (["logs", "printer"], "bad_input"),
        (["prepare", "--variant", "naive", "--world", "{", "--world-file", "x"], "bad_input"),
        (["variant-check", "--variant", "nobody"], "unknown_variant"),
        (["identities"], "not_running"),
    ],
)
def test_errors_are_one_document_on_stdout_and_a_sentence_on_stderr(
    words: list[str], kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main([*words, "--json"])
    captured = capsys.readouterr()
    error = json.loads(captured.out)["error"]
    assert error["kind"] == kind
    assert code == (4 if kind == "not_running" else 2)
    assert captured.err == error["message"] + "\n"
    assert cli.main(words) == code
    assert capsys.readouterr().out == ""


def test_status_of_a_lab_that_is_down(capsys: pytest.CaptureFixture[str], own_lab: Path) -> None:
    assert cli.main(["status"]) == 0
    assert capsys.readouterr().out == f"stack is down (base port 29900, {own_lab}): make up\n"


def test_a_disk_that_refuses_is_a_broken_lab(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FIREDRILL_LAB_DIR", str(tmp_path / "file" / "lab"))
    assert cli.main(["down", "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["error"]["kind"] == "disk"


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert text.table([("a", "bb", ""), ("ccc", "d", "e")]) == "a    bb\nccc  d   e\n"


def test_status_table_for_people() -> None:
    document = {
        "running": True,
        "variant": "naive",
        "urls": {"api": "http://a", "dashboard": "http://d", "prometheus": None, "scorecard": "http://s/admin/"},
        "scorecard_login": {"username": "admin", "password_file": "/lab/secret"},
        "dirty_proxies": ["proxy shop_to_cache: disabled"],
        "parts": {
            "redis": {"state": "RUNNING", "pid": 7, "ready": True, "problem": None, "note": ""},
            "shop:api": {"state": "FATAL", "pid": 0, "ready": False, "problem": "GET /ready: got 503", "note": ""},
        },
    }
    assert text.status(document) == (
        "part   process  pid  ready\n"
        "redis  running  7    yes\n"
        "api    fatal    -    no     GET /ready: got 503\n"
        "\n"
        "proxy shop_to_cache: disabled\n"
        "API         http://a                                 variant naive\n"
        "dashboard   http://d\n"
        "Prometheus  absent (make doctor says how to get it)\n"
        "scorecard   http://s/admin/                          user admin, password in /lab/secret\n"
    )


def test_a_supervisord_that_does_not_answer_in_time_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It listens, but a busy machine gives it no time to answer."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        slow = Supervisor(port=deaf.getsockname()[1], password="x", timeout_s=0.1)
        monkeypatch.setitem(cli._COMMANDS, "identities", lambda *_: {"pid": slow.pid()})
        assert cli.main(["identities", "--json"]) == 4
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["kind"] == "not_ready"
    assert said.err == (
        "supervisord: got no answer to supervisor.getPID within 0.1 s, expected one: the machine may be too busy "
        "(make status, then the same command again)\n"
    )


def test_a_supervisord_that_is_not_there_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    monkeypatch.setitem(cli._COMMANDS, "identities", lambda *_: {"pid": Supervisor(port=port, password="x").pid()})
    assert cli.main(["identities"]) == 4
    assert "Connection refused" in capsys.readouterr().err


def test_everything_that_fill_is_told_reaches_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An edition that got lost on the way left old rows where the judge expects new ones."""
    given: dict[str, object] = {}
    monkeypatch.setattr(cli, "fill", lambda settings, **asked: given.update(asked) or {})
    words = ["--variant", "naive", "--seed", "7", "--world", '{"events": 9}', "--world-file", str(tmp_path / "w.json")]
    assert cli.main(["fill", *words, "--rows", "5", "--edition", "1", "--json"]) == 0
    told = {name: given[name] for name in ("variant", "seed", "rows", "edition", "world_file")}
    assert told == {
        "variant": "naive", "seed": 7, "rows": 5, "edition": 1, "world_file": tmp_path / "w.json",
    }  # fmt: skip
