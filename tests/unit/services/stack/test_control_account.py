"""Who asks Toxiproxy's API, by its log, however short the request was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from launch import signed
from services.stack.layout import Lab, Ports
from services.stack.watch import control_account
from services.stack.watch.control_account import ControlAccount


def line(method: str, url: str, by: str, *, before: str = "") -> str:
    told = {"level": "debug", "client": "127.0.0.1:4711", "method": method, "url": url, "user_agent": by, "status": 200}
    return before + json.dumps(told, separators=(",", ":")) + "\n"


class Log:
    """A lab whose Toxiproxy answers, and logs unless *silent*."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.silent, self.error = lab, False, None
        self.file = lab.log / "toxiproxy.log"
        self.own = signed.signature(lab.secret("lab_token"))
        self.file.write_text(line("GET", "/proxies", "before"))
        self.account = ControlAccount(lab, Ports(31000))
        self.account.open()

    def write(self, text: str) -> None:
        with self.file.open("a") as stream:
            stream.write(text)

    def answer(self, *asked: Any) -> tuple[int, bytes]:
        if not self.silent:
            self.write(line(asked[2], asked[3], self.own))
        return 200, b"{}"

    def strangers(self) -> list[str]:
        return [what for _, what in self.account.close()]


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.setattr(control_account, "PATIENCE_S", 0.3)
    lab = Lab(tmp_path / "lab")
    lab.create()
    made = Log(lab)
    monkeypatch.setattr(control_account, "toxiproxy_call", made.answer)
    return made


def test_the_lab_s_own_requests_are_nobody_s(log: Log) -> None:
    log.write(line("GET", "/proxies", log.own) + line("POST", "/proxies/shop_to_mail/toxics", log.own))
    log.write('{"level":"info","name":"shop_to_mail","message":"Accepted client"}\nno json {"\n')
    assert log.strangers() == []
    assert log.account.trouble == ""


def test_one_short_request_of_another_is_told(log: Log) -> None:
    log.write(line("GET", "/proxies", log.own) + line("GET", "/proxies", "Python-urllib/3.11"))
    assert log.strangers() == [
        "somebody else than the lab asked the API of its Toxiproxy 1 time(s): GET /proxies from 127.0.0.1:4711"
    ]


def test_the_stand_in_s_log_has_a_time_in_front(log: Log) -> None:
    log.write(line("POST", "/proxies", "curl/8", before="2026-11-29 09:00:00,000 INFO "))
    assert "POST /proxies" in log.strangers()[0]


def test_a_log_that_names_no_request_shows_nothing(log: Log) -> None:
    log.silent = True
    assert log.strangers() == []
    assert "got no line of our own request" in log.account.trouble


def test_a_signature_does_not_tell_the_token() -> None:
    assert "t0ken" not in signed.signature("t0ken")
    assert signed.signature("t0ken") != signed.signature("t0kex")
    assert signed.headers("") == {}
