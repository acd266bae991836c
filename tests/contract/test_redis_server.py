"""What the lab needs of Redis, asked of each server that it may find: the wheel's Valkey, and Redis or Valkey on PATH.

A server that is not on PATH is skipped, unless FIREDRILL_REQUIRE names it (`redis-server`).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from kombu import Connection, Queue

from chaos.adapters.broker import BrokerRecorder
from chaos.adapters.canary import Canary
from chaos.adapters.redis import RedisWitness, login
from chaos.config import Redis
from services.stack import config, programs, redis_users
from services.stack.layout import BROKER_DB, CACHE_DB, OFFSETS, Lab, Ports
from services.stack.provision import redis_server

SERVERS = ("redis-server", "valkey-server", "the wheel's")


@dataclass(frozen=True)
class Server:
    """A server with the lab's own configuration."""

    port: int
    lab: Lab
    name: str

    def url(self, user: str, database: int = 0) -> str:
        return redis_users.url(self.lab, Ports(self.port - OFFSETS["redis"]), "redis", database, user=user)

    def client(self, user: str, database: int = 0) -> redis.Redis:
        return redis.Redis.from_url(self.url(user, database), decode_responses=True, socket_timeout=10)

    @property
    def address(self) -> Redis:
        return Redis(host="127.0.0.1", port=self.port, user="lab", password=self.lab.secret("redis_lab"))


def eventually(is_so: Callable[[], Any], patience_s: float = 20.0) -> Any:
    give_up = time.monotonic() + patience_s
    while not (found := is_so()):
        assert time.monotonic() < give_up, "it never came to be so"
        time.sleep(0.02)
    return found


def found_command(name: str, folder: Path) -> tuple[str, ...]:
    """As the lab finds it when nothing else is there."""
    path = os.environ.get("PATH", os.defpath)
    if name in {"redis-server", "valkey-server"}:
        there = shutil.which(name, path=path)
        if there is None:
            if name in os.environ.get("FIREDRILL_REQUIRE", ""):
                pytest.fail(f"no {name} on PATH")
            pytest.skip(f"no {name} on PATH")
        (folder / "bin").mkdir()
        (folder / "bin" / name).write_text(f'#!/bin/sh\nexec "{there}" "$@"\n')
        (folder / "bin" / name).chmod(0o755)
    found = redis_server.find(config.load({"FIREDRILL_LAB_DIR": str(folder), "PATH": str(folder / "bin")}))
    assert found.is_there, found.missing
    assert (found.source == "PATH") == (name != "the wheel's"), found
    return found.command


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("redis")
    command = found_command(request.param, folder)
    lab = Lab(folder / "it's a lab")
    lab.create()
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    programs.write_configurations(lab, Ports(port - OFFSETS["redis"]))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, str(lab.run / "redis.conf")], cwd=lab.redis, stdout=log, stderr=log)
    made = Server(port, lab, request.param)

    def answers() -> bool:
        with suppress(redis.ConnectionError), made.client("lab") as client:
            return bool(client.ping())
        assert process.poll() is None, (folder / "log").read_text()
        return False

    try:
        eventually(answers)
        yield made
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    "login", [{}, {"username": "default", "password": ""}, {"username": "shop", "password": "x"}, {"password": "x"}]
)
def test_nobody_gets_in_without_a_password(server: Server, login: dict[str, str]) -> None:
    with redis.Redis(port=server.port, retry=None, **login) as client, pytest.raises(redis.AuthenticationError):  # type: ignore[arg-type]
        client.get("a")


def test_no_file_and_no_command_line_holds_a_password(server: Server) -> None:
    for user, secret in redis_users.SECRETS.items():
        password = server.lab.secret(secret)
        said = [file.read_text() for file in server.lab.run.iterdir()]
        assert len(said) == 4
        assert not any(password in text for text in said), user


@pytest.mark.parametrize(
    "command",
    [
        "MONITOR", "CONFIG GET *", "CONFIG SET maxmemory 1", "CLIENT LIST", "CLIENT KILL TYPE normal", "CLIENT PAUSE 1",
        "CLIENT NO-EVICT on", "ACL LIST", "ACL SETUSER shop +@all", "SHUTDOWN NOSAVE", "FLUSHALL", "SAVE",
        "SWAPDB 0 1", "SLOWLOG GET", "REPLICAOF NO ONE", "MODULE LIST", "LATENCY RESET", "FAILOVER", "ROLE",
    ],
)  # fmt: skip
def test_the_shop_does_not_look_at_others_nor_change_the_server(server: Server, command: str) -> None:
    with server.client("shop") as shop, pytest.raises(redis.exceptions.NoPermissionError):
        shop.execute_command(*command.split())


def test_the_shop_has_what_a_cache_and_a_counter_need(server: Server) -> None:
    with server.client("shop", CACHE_DB) as shop:
        shop.flushdb()
        assert shop.set("a", 1, ex=9, nx=True)
        assert shop.incr("a") == 2
        assert shop.eval("return redis.call('INCRBY', KEYS[1], ARGV[1])", 1, "a", 5) == 7
        with shop.pipeline(transaction=True) as pipe:
            assert pipe.watch("a")
            pipe.multi()
            pipe.get("a").expire("a", 5)
            assert pipe.execute() == ["7", True]
        assert shop.keys("*") == ["a"]
        assert list(shop.scan_iter("a")) == ["a"]
        assert shop.info("server")["run_id"]
        with pytest.raises(redis.exceptions.NoPermissionError):
            shop.client_setname("firedrill")  # the lab's own connections are known by that
        assert shop.publish("anybody", "there") == 0
        lock = shop.lock("l", timeout=5)
        assert lock.acquire(blocking=False)
        lock.release()


def test_a_canary_logs_in_and_measures_the_echo_alone(server: Server) -> None:
    canary = Canary({"shop_to_cache": f"127.0.0.1:{server.port}"}, redis_login=login(server.address))
    reading = canary.read("shop_to_cache", timeout_s=10)
    assert (reading.connected, reading.error) == (True, "")
    for size in (1, 100, 8000):
        exchange = canary.echo("shop_to_cache", size, timeout_s=10)
        assert (exchange.whole, exchange.error) == (True, ""), size
        assert exchange.received <= len("+OK\r\n") + size + len(f"${size}\r\n\r\n")


def test_clients_and_commands_are_told_past_everybody(server: Server) -> None:
    witness = RedisWitness(server.address)
    watch = witness.watch(CACHE_DB)
    with (
        server.client("shop", CACHE_DB) as shop,
        server.client("shop", BROKER_DB) as other,
        server.client("lab") as lab,
    ):
        shop.set("b", '[0 quoted] " ')
        other.get("b")
        lab.ping()
        canary = Canary({"shop_to_cache": f"127.0.0.1:{server.port}"}, redis_login=login(server.address))
        canary.read("shop_to_cache", timeout_s=10)
        mine = shop.client_id()
        eventually(lambda: watch.count() == 1)
        assert str(mine) in witness.clients(CACHE_DB)
        assert len(witness.clients(BROKER_DB)) == 1
    eventually(lambda: witness.clients(CACHE_DB) == {})
    watch.close()


def test_a_message_is_followed_through_the_broker(server: Server) -> None:
    """Queued, taken, given back unacknowledged, taken again, acknowledged: by kombu as the shop's user."""
    recorder = BrokerRecorder(server.address)
    recorder.start()
    options = {"visibility_timeout": 1, "unacked_restore_interval": 1, "polling_interval": 0.1}
    taken: list[Any] = []
    with Connection(server.url("shop", BROKER_DB), transport_options=options) as connection:
        queue = Queue("orders", channel=connection)
        queue.declare()
        body, headers = [["order-1"], {}, {}], {"task": "shop.charge", "id": "t-1", "retries": 0}
        connection.Producer().publish(body, routing_key="orders", headers=headers, serializer="json")
        assert RedisWitness(server.address).broker_depth() == (1, 0)
        with connection.Consumer(queue, callbacks=[lambda body, message: taken.append(message)], no_ack=False):
            connection.drain_events(timeout=10)
            assert RedisWitness(server.address).broker_depth() == (0, 1)
            taken.pop().ack()
            eventually(lambda: RedisWitness(server.address).broker_depth() == (0, 0))
    (message,) = recorder.messages()
    assert (message.task, message.task_id, message.retries) == ("shop.charge", "t-1", 0)
    assert "order-1" in message.arguments
    assert message.delivered_unix_s is not None
    assert message.acked_unix_s is not None
    assert message.queued_unix_s <= message.delivered_unix_s <= message.acked_unix_s


def test_a_blocked_client_wakes_when_something_comes(server: Server) -> None:
    got: list[Any] = []
    with server.client("shop", BROKER_DB) as waits, server.client("shop", BROKER_DB) as sends:
        thread = threading.Thread(target=lambda: got.append(waits.brpop(["q"], timeout=8)))
        thread.start()
        eventually(lambda: any(c["cmd"] == "brpop" for c in server.client("lab").client_list()))
        sends.lpush("q", "x")
        thread.join(20)
    assert got == [["q", "x"]] or got == [("q", "x")]


def test_its_boot_has_an_id(server: Server) -> None:
    with server.client("lab") as one, server.client("lab") as two:
        assert one.info("server")["run_id"] == two.info("server")["run_id"]
