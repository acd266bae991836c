"""The mail catcher as its callers meet it: a real process, SMTP, HTTP, signals."""

from __future__ import annotations

import re
import signal
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

TOKEN = "the lab's token"
LAB = {"X-Lab-Token": TOKEN}
GENEROUS_S = 20.0


class Catcher:
    """A catcher process on ports of its own choice."""

    def __init__(self, folder: Path) -> None:
        token = folder / "token"
        token.write_text(TOKEN)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.mail"],
            env={
                "MAIL_SMTP_PORT": "0",
                "MAIL_HTTP_PORT": "0",
                "MAIL_DATABASE": str(folder / "mail.sqlite3"),
                "MAIL_LAB_TOKEN_FILE": str(token),
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        listening = re.search(r"smtp://127\.0\.0\.1:(\d+) and http://127\.0\.0\.1:(\d+)", line)
        assert listening is not None, line + self._process.stderr.read()
        self.smtp_port, self.http_port = int(listening[1]), int(listening[2])
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.http_port}", timeout=GENEROUS_S, trust_env=False)
        eventually(self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.http.get("/health").json() == {"status": "ok"})
        except httpx.TransportError:
            return False

    def smtp(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.smtp_port, local_hostname="box-office.example", timeout=GENEROUS_S)

    def plain(self) -> socket.socket:
        """A connection without a client library; its greeting is read."""
        connection = socket.create_connection(("127.0.0.1", self.smtp_port), timeout=GENEROUS_S)
        assert connection.recv(200).startswith(b"220 ")
        return connection

    def mails(self) -> list[dict[str, Any]]:
        answer = self.http.get("/lab/mails", headers=LAB)
        answer.raise_for_status()
        mails: list[dict[str, Any]] = answer.json()["mails"]
        return mails

    def end(self, signal_number: signal.Signals = signal.SIGTERM) -> int:
        if self._process.poll() is None:
            self._process.send_signal(signal_number)
        code = self._process.wait(GENEROUS_S)
        self.http.close()
        assert self._process.stderr is not None
        self._process.stderr.close()
        return code


def eventually(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[Catcher]:
    running = Catcher(tmp_path)
    yield running
    running.end()


def mail(order_id: str = "o-1", **headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "tickets@box-office.example", "ada@example.org"
    message["Subject"], message["Message-ID"] = f"Your tickets, order {order_id}", f"<{order_id}@box-office.example>"
    message["X-Order-Id"] = order_id
    for name, value in headers.items():
        message[name] = value
    message.set_content("Two seats.\n")
    return message


def test_a_mail_is_kept_with_its_envelope_and_its_headers(catcher: Catcher) -> None:
    before = time.time()
    with catcher.smtp() as smtp:
        smtp.send_message(mail())
    (kept,) = catcher.mails()
    assert before <= kept.pop("received_unix_s") <= time.time()
    assert kept.pop("size_bytes") > 100
    eventually(lambda: catcher.mails()[0]["closed_unix_s"] is not None)
    assert catcher.mails()[0]["acknowledged"] is True
    assert {name: kept[name] for name in ("mail_from", "rcpt_tos", "message_id", "order_id", "subject")} == {
        "mail_from": "tickets@box-office.example",
        "rcpt_tos": ["ada@example.org"],
        "message_id": "<o-1@box-office.example>",
        "order_id": "o-1",
        "subject": "Your tickets, order o-1",
    }


def test_the_same_mail_twice_is_there_twice(catcher: Catcher) -> None:
    with catcher.smtp() as smtp:
        smtp.send_message(mail())
        smtp.send_message(mail())
    assert [kept["order_id"] for kept in catcher.mails()] == ["o-1", "o-1"]


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    first = Catcher(tmp_path)
    smtp = first.smtp()
    for n in range(50):
        smtp.send_message(mail(f"o-{n}"))
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    smtp.close()
    second = Catcher(tmp_path)
    assert [kept["order_id"] for kept in second.mails()] == [f"o-{n}" for n in range(50)]
    second.end()


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_client_that_goes_on_has_read_the_answer(catcher: Catcher, goes_on: bool) -> None:
    """Whoever is cut off after the data may not know that it was taken, and is right to send it again."""
    smtp = catcher.smtp()
    smtp.send_message(mail())
    if goes_on:
        smtp.rset()
    smtp.close()  # no QUIT
    eventually(lambda: catcher.mails()[0]["closed_unix_s"] is not None)
    assert catcher.mails()[0]["acknowledged"] is goes_on


def test_a_mail_whose_data_never_ended_was_not_taken(catcher: Catcher) -> None:
    smtp = catcher.smtp()
    smtp.ehlo()
    smtp.mail("a@example.org")
    smtp.rcpt("b@example.org")
    smtp.docmd("DATA")
    smtp.send(b"X-Order-Id: o-1\r\n\r\nhalf a ma")
    smtp.close()
    with catcher.smtp() as other:
        other.noop()
    assert catcher.mails() == []


def test_too_much_is_refused_and_nothing_of_it_kept(catcher: Catcher) -> None:
    long = mail()
    long.set_content(("y" * 60 + "\n") * 2000)
    with catcher.smtp() as smtp:
        with pytest.raises(smtplib.SMTPResponseException):
            smtp.send_message(long)
        smtp.rset()
        code, _ = smtp.mail("a@example.org")
        assert code == 250
        codes = [smtp.rcpt(f"r{n}@example.org")[0] for n in range(12)]
        assert codes[9:11] == [250, 452]
    assert catcher.mails() == []


def test_what_a_client_sends_is_kept_printable_and_bounded(catcher: Catcher) -> None:
    with catcher.plain() as connection:
        for line in (
            b"HELO a",
            b"MAIL FROM:<a@example.org>",
            b"RCPT TO:<b@example.org>",
            b"DATA",
        ):
            connection.sendall(line + b"\r\n")
            connection.recv(200)
        connection.sendall(b"X-Order-Id: \x1b[31m\xff\r\nSubject: " + b"s" * 900 + b"\r\n\r\n.\r\n")
        assert connection.recv(200).startswith(b"250 ")
    (kept,) = catcher.mails()
    assert "\x1b" not in kept["order_id"]
    assert len(kept["subject"]) == 200
    assert kept["message_id"] == ""


@pytest.mark.parametrize("size", [1, 100, 8000])
def test_a_canary_s_echo_comes_back_whole(catcher: Catcher, size: int) -> None:
    with catcher.plain() as connection:
        connection.sendall(b"XECHO " + b"x" * size + b"\r\n")
        answer = b""
        while not answer.endswith(b"\r\n"):
            answer += connection.recv(65536)
    assert answer == b"250 " + b"x" * size + b"\r\n"
    assert catcher.mails() == []


def test_a_web_page_s_request_is_no_mail(catcher: Catcher) -> None:
    """A browser can be made to send a body anywhere: its headers use up the patience for commands unknown."""
    body = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nX-Order-Id: o\r\n\r\n.\r\n"
    headers = b"".join(b"Header-%d: x\r\n" % n for n in range(6))
    with catcher.plain() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + headers + b"\r\nHELO a\r\n" + body)
        while connection.recv(65536):
            pass
    assert catcher.mails() == []


def test_more_clients_than_a_shop_has_are_sent_away(catcher: Catcher) -> None:
    held = [catcher.plain() for _ in range(200)]
    with socket.create_connection(("127.0.0.1", catcher.smtp_port), timeout=GENEROUS_S) as late:
        assert late.recv(200).startswith(b"421 ")
    for connection in held:
        connection.close()

    def room() -> bool:
        with socket.create_connection(("127.0.0.1", catcher.smtp_port), timeout=GENEROUS_S) as another:
            return another.recv(200).startswith(b"220 ")

    eventually(room)


def test_the_lab_alone_reads_and_forgets(catcher: Catcher) -> None:
    with catcher.smtp() as smtp:
        smtp.send_message(mail())
    for headers in ({}, {"X-Lab-Token": "wrong"}):
        assert catcher.http.get("/lab/mails", headers=headers).status_code == 401
        assert catcher.http.post("/lab/reset", headers=headers).status_code == 401
    assert len(catcher.mails()) == 1
    assert catcher.http.post("/lab/reset", headers=LAB).status_code == 200
    assert catcher.mails() == []


def test_a_foreign_host_is_refused(catcher: Catcher) -> None:
    assert catcher.http.get("/lab/mails", headers={**LAB, "Host": "evil.example"}).status_code == 400


def test_it_counts_what_it_took(catcher: Catcher) -> None:
    with catcher.smtp() as smtp:
        smtp.send_message(mail())
    text = catcher.http.get("/metrics").text
    assert 'mail_mails_total{outcome="taken"} 1.0' in text
    assert "process_start_time_seconds" in text


def test_it_ends_when_asked(tmp_path: Path) -> None:
    running = Catcher(tmp_path)
    smtp = running.smtp()
    assert running.end() == -signal.SIGTERM  # uvicorn ends itself by the signal that it was sent, after its shutdown
    smtp.close()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"MAIL_SMTP_PORT": "x"}, "MAIL_SMTP_PORT: got 'x', expected a whole number from 0 to 65535"),
        ({"MAIL_DATABASE": ""}, "MAIL_DATABASE: got nothing, expected a value"),
        ({"MAIL_LAB_TOKEN_FILE": "/nowhere"}, "MAIL_LAB_TOKEN_FILE: got /nowhere, expected a readable file"),
    ],
)
def test_a_bad_setting_is_named(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    (tmp_path / "token").write_text(TOKEN)
    settings = {
        "MAIL_SMTP_PORT": "0",
        "MAIL_HTTP_PORT": "0",
        "MAIL_DATABASE": str(tmp_path / "mail.sqlite3"),
        "MAIL_LAB_TOKEN_FILE": str(tmp_path / "token"),
        **changed,
    }
    done = subprocess.run(
        [sys.executable, "-m", "services.mail"],
        env=settings,
        capture_output=True,
        text=True,
        timeout=GENEROUS_S,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_and_a_file_that_is_none_are_told(tmp_path: Path) -> None:
    running = Catcher(tmp_path)
    settings = {
        "MAIL_SMTP_PORT": str(running.smtp_port),
        "MAIL_HTTP_PORT": "0",
        "MAIL_DATABASE": str(tmp_path / "other.sqlite3"),
        "MAIL_LAB_TOKEN_FILE": str(tmp_path / "token"),
    }
    for changed in ({}, {"MAIL_SMTP_PORT": "0", "MAIL_DATABASE": str(tmp_path)}):
        done = subprocess.run(
            [sys.executable, "-m", "services.mail"],
            env={**settings, **changed},
            capture_output=True,
            text=True,
            timeout=GENEROUS_S,
            check=False,
        )
        assert done.returncode == 4
        assert done.stderr.startswith("mail: ")
        assert "Traceback" not in done.stderr
    running.end()
