"""MONITOR's lines become messages, and a broken stream is told."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from chaos.adapters.broker import BrokerRecorder, Record
from chaos.config import Redis
from chaos.errors import LabBroken
from chaos.model.evidence import BrokerMessage

ORDER = "7b0c5c6e-0000-4000-8000-000000000001"


def payload(tag: str = "tag-1", *, retries: int = 0, task_id: str = "id-1") -> str:
    """As kombu's Redis transport writes it."""
    body = base64.b64encode(json.dumps([[ORDER], {}, {"chain": None}]).encode()).decode()
    headers = {"lang": "py", "task": "shop.charge_order", "id": task_id, "retries": retries, "root_id": "root",
               "argsrepr": f"['{ORDER}']", "note": 'a "quoted" one'}  # fmt: skip
    properties = {"correlation_id": task_id, "delivery_tag": tag, "body_encoding": "base64"}
    return json.dumps({"body": body, "content-encoding": "utf-8", "headers": headers, "properties": properties})


def line(at_unix_s: float, *words: str, database: int = 1) -> bytes:
    quoted = " ".join('"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words)
    return f"+{at_unix_s:.6f} [{database} 127.0.0.1:5000] {quoted}".encode()


def record(*lines: bytes) -> list[BrokerMessage]:
    found = Record(database=1)
    for one in lines:
        found.line(one)
    return found.messages()


def test_a_message_from_queue_to_end() -> None:
    [message] = record(
        line(10.0, "LPUSH", "celery", payload(retries=2)),
        line(10.1, "BRPOP", "celery", "1"),
        line(10.2, "ZADD", "unacked_index", "10.2", "tag-1"),
        line(10.25, "HSET", "unacked", "tag-1", json.dumps([json.loads(payload()), "", "celery"])),
        line(10.5, "HDEL", "unacked", "tag-1"),
    )
    assert (message.task, message.task_id, message.retries) == ("shop.charge_order", "id-1", 2)
    assert (message.queued_unix_s, message.delivered_unix_s, message.acked_unix_s) == (10.0, 10.25, 10.5)
    assert json.loads(message.arguments)[0] == [ORDER]


def test_a_message_that_came_back_is_not_done() -> None:
    [message] = record(
        line(10.0, "LPUSH", "celery", payload()),
        line(10.2, "HSET", "unacked", "tag-1", "[]"),
        line(20.0, "HDEL", "unacked", "tag-1"),
        line(20.1, "RPUSH", "celery", payload()),
    )
    assert (message.queued_unix_s, message.delivered_unix_s, message.acked_unix_s) == (10.0, None, None)


def test_other_databases_and_other_commands_are_not_messages() -> None:
    assert record(
        line(1.0, "LPUSH", "celery", payload(), database=0),
        line(1.0, "LPUSH", "list", "anything"),
        line(1.0, "GET", "unacked"),
        line(1.0, "HSET", "unacked", "tag-9", "[]"),
        b"+OK",
        b"+nonsense LPUSH",
    ) == []  # fmt: skip


@contextmanager
def redis_that_says(*parts: bytes, hold: bool = True) -> Iterator[Redis]:
    """A server that answers MONITOR with *parts*."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                for part in parts:
                    connection.sendall(part)
                done.wait(20.0 if hold else 0.0)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Redis(host="127.0.0.1", port=server.getsockname()[1])
        finally:
            done.set()
            thread.join()


def eventually(condition: Callable[[], object]) -> None:
    give_up = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_a_stream_is_read_whatever_its_pieces() -> None:
    stream = b"+OK\r\n+OK\r\n" + line(10.0, "LPUSH", "celery", payload()) + b"\r\n"
    with redis_that_says(stream[:50], stream[50:]) as address:
        recorder = BrokerRecorder(address)
        recorder.start()
        eventually(recorder._record.messages)
        assert [message.tag for message in recorder.messages()] == ["tag-1"]


def test_a_gap_is_told() -> None:
    with redis_that_says(b"+OK\r\n+OK\r\n", hold=False) as address:
        recorder = BrokerRecorder(address)
        recorder.start()
        eventually(lambda: recorder._trouble)
        with pytest.raises(LabBroken, match="broker: MONITOR: got the end of the stream, expected it to go on"):
            recorder.messages()


def test_a_refusal_is_told() -> None:
    with redis_that_says(b"-ERR unknown command\r\n") as address:
        recorder = BrokerRecorder(address)
        recorder.start()
        eventually(lambda: recorder._trouble)
        with pytest.raises(LabBroken, match="got ERR unknown command, expected its stream"):
            recorder.messages()


def test_nobody_there_and_never_started() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    recorder = BrokerRecorder(Redis(host="127.0.0.1", port=port))
    with pytest.raises(LabBroken, match="broker: the recording was never started"):
        recorder.messages()
    recorder.start()
    with pytest.raises(LabBroken, match=r"broker: MONITOR: got .* expected Redis"):
        recorder.messages()
