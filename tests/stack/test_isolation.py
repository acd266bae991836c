"""The accused and the lab: what the shop may know and touch, whom a kill reaches, and who is seen taking part."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from services.stack.layout import Lab

from .conftest import CHECKOUT, LabUnderTest
from .test_run import LATENCY, finding
from .test_run import Lab as Firedrill
from .test_stack_running import eventually, get, prepare, supervisor

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

# What the worker of a variant does after each charge, over within moments. The ports are guessed from its own.
PEEKS = {
    "gateway": "import httpx; httpx.get(f'http://127.0.0.1:{base + 4}/health')",
    "postgres": "import psycopg; psycopg.connect(host='127.0.0.1', port=base + 7, user=CONFIG.postgres_user,"
    " password=CONFIG.postgres_password, dbname=CONFIG.database_name).close()",
    "redis": "import redis; from urllib.parse import urlsplit; url = urlsplit(CONFIG.broker_url);"
    " redis.Redis.from_url(CONFIG.broker_url.replace(str(url.port), str(base + 8))).set('peek', 1)",
    "mail": "import smtplib; smtplib.SMTP('127.0.0.1', base + 18).quit()",
    "API of its Toxiproxy": "import httpx; httpx.get(f'http://127.0.0.1:{base + 6}/proxies')",
}
HELPER = """
import os, subprocess, sys
if CONFIG.role == "worker" and "celery" in " ".join(sys.orig_argv) and "HELPER" not in os.environ:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True, env={})
"""


@pytest.fixture
def variant(stack: LabUnderTest, tmp_path: Path) -> Iterator[Path]:
    """A copy of `hardened`, beside it; nothing of it runs afterwards."""
    folder = CHECKOUT / "services" / "shop" / f"trial_{os.getpid()}"
    shutil.copytree(CHECKOUT / "services" / "shop" / "hardened", folder, ignore=shutil.ignore_patterns("__pycache__"))
    try:
        yield folder
    finally:
        prepare(stack, "hardened", tmp_path / "after.json")
        shutil.rmtree(folder)


@contextlib.contextmanager
def watched(stack: LabUnderTest) -> Iterator[list[str]]:
    """Sentences about whoever took part in the block uninvited; complete after it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "services.stack", "watch", "--json"],
        cwd=CHECKOUT, env=stack.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    assert json.loads(process.stdout.readline()) == {"ready": True}
    told: list[str] = []
    yield told
    process.stdin.close()
    *strangers, last = [json.loads(line) for line in process.stdout]
    process.stdout.close()
    assert process.wait() == 0
    assert last == {"ended": True, "trouble": []}
    told += [line["what"] for line in strangers]


def order(stack: LabUnderTest, world: Path) -> None:
    """Bought and paid."""
    document = json.loads(world.read_text())
    headers = {
        "Authorization": f"Bearer {document['customers'][0]['access']}",
        "Content-Type": "application/json",
        "Idempotency-Key": uuid.uuid4().hex,
    }
    body = json.dumps({"tier": document["tiers"][0]["id"], "quantity": 1}).encode()
    with urllib.request.urlopen(
        urllib.request.Request(f"{stack.url('api')}/api/orders/", data=body, headers=headers)
    ) as answer:
        placed = json.loads(answer.read())
    asked = urllib.request.Request(f"{stack.url('api')}/api/orders/{placed['id']}/", headers=headers)

    def is_paid() -> bool:
        with urllib.request.urlopen(asked) as answer:
            return bool(json.loads(answer.read())["status"] == "paid")

    eventually(is_paid)


def shop_processes(stack: LabUnderTest) -> list[psutil.Process]:
    rpc = supervisor(stack)
    return [psutil.Process(pid) for role in ("api", "worker") for pid in rpc.firedrill.identity(f"shop:{role}")["pids"]]


def test_the_shop_s_programs_know_of_nothing_but_their_own(stack: LabUnderTest) -> None:
    for process in shop_processes(stack):
        told = process.environ()
        assert not {name for name in told if name.startswith(("FIREDRILL_STACK_F", "FIREDRILL_LAB", "FIREDRILL_EVI"))}
        values = {name: value for name, value in told.items() if str(stack.lab_dir) in value}
        assert all(Path(value).is_relative_to(stack.lab_dir / "shop") for value in values.values()), values
        assert process.environ()["FIREDRILL_STACK_PROCESS"] == Lab(stack.lab_dir).mark


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the shop gets a user of its own")
def test_the_shop_s_own_user_reaches_nothing_of_the_lab(stack: LabUnderTest, variant: Path, tmp_path: Path) -> None:
    (tmp_path / "world.json").touch()
    tried = [
        stack.lab_dir / name
        for name in (
            "stack.json",
            "secrets/lab_token",
            "gateway.sqlite3",
            "supervisord.conf",
            "world.json",
            "log/api.log",
        )
    ]
    pid = psutil.Process(supervisor(stack).firedrill.identity("gateway")["pid"]).pid
    tried += [Path(f"/proc/{pid}/environ"), Path(f"/proc/{pid}/cmdline"), tmp_path / "world.json"]
    assert all(path.exists() for path in tried)
    settings = variant / "settings.py"
    settings.write_text(
        settings.read_text()
        + f"""
def _tried(path):
    try:
        open(path, "rb").read(1)
    except OSError:
        return False
    return True
assert not [path for path in {[str(path) for path in tried]} if _tried(path)], "it reads the lab's files"
"""
    )
    assert prepare(stack, variant.name, tmp_path / "world.json")["isolation"] == {"kind": "own user", "why": ""}
    assert {process.uids().real for process in shop_processes(stack)}.isdisjoint({0, os.geteuid()})
    assert json.loads((tmp_path / "world.json").read_text())["customers"]


def test_the_shop_s_role_owns_its_databases_and_nothing_else(stack: LabUnderTest) -> None:
    server = stack.book["postgres"]
    login = {
        "host": server["host"],
        "port": server["port"],
        "user": "shop",
        "password": (stack.lab_dir / "shop" / "secrets" / "shop_postgres").read_text(),
    }
    with psycopg.connect(**login, dbname="shop_hardened", autocommit=True) as connection:
        for refused in (
            "SELECT pg_ls_logdir()",
            "SHOW log_directory",
            "ALTER SYSTEM SET jit = on",
            "SET ROLE firedrill",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(refused)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(**login, dbname="postgres")


def test_connections_past_the_proxies_are_seen_however_short(
    stack: LabUnderTest, variant: Path, tmp_path: Path
) -> None:
    peeks = "".join(f"    {code}\n" for code in PEEKS.values())
    settings = variant / "settings.py"
    settings.write_text(f"{settings.read_text()}\ndef peek():\n    base = CONFIG.api_port\n{peeks}")
    tasks = variant / "tasks.py"
    charged = "services.settle_paid(order, charge_id=charge_id)\n"
    assert charged in tasks.read_text()
    tasks.write_text(
        tasks.read_text().replace(charged, f"{charged}        from .settings import peek\n\n        peek()\n", 1)
    )
    world = tmp_path / "world.json"
    prepare(stack, variant.name, world)
    with watched(stack) as told:
        order(stack, world)
        time.sleep(1)  # the worker peeks after its customer was told
    assert [name for name in PEEKS if not any(name in what for what in told)] == [], told
    # Whoever sees a connection that is just being closed knows its user only; the gateway looks its caller up in time.
    assert any("celery" in what and "of shop:worker" in what for what in told if "gateway" in what), told


def test_a_run_whose_gateway_is_called_past_its_proxy_is_no_hold(
    stack: LabUnderTest, variant: Path, tmp_path: Path
) -> None:
    settings = variant / "settings.py"
    settings.write_text(f'{settings.read_text()}\nGATEWAY_URL = f"http://127.0.0.1:{{CONFIG.api_port + 4}}"\n')
    firedrill = Firedrill(stack, tmp_path)
    code, out, err = firedrill.run("run", str(firedrill.scenario(LATENCY)), "--variant", variant.name, "--json")
    document = json.loads(out)
    assert code == 3, err
    assert "gateway past its proxy" in finding(document, "self_check:no_strangers")["reason"]
    fault = finding(document, "fault:1-latency-shop_to_gateway")
    assert (fault["verdict"], fault["figures"]["exposure"]) == ("inconclusive", 0), "what went past it did not meet it"


def test_a_fault_that_is_taken_away_early_is_no_hold(stack: LabUnderTest, tmp_path: Path) -> None:
    firedrill = Firedrill(stack, tmp_path)
    process = firedrill.start("run", str(firedrill.scenario(LATENCY)), "--variant", "hardened", "--json")
    firedrill.wait_for_fault()
    urllib.request.urlopen(urllib.request.Request(f"{stack.url('toxiproxy')}/reset", method="POST")).close()
    out, err = process.communicate(timeout=300)
    assert process.returncode == 3, err
    reason = finding(json.loads(out), "fault:1-latency-shop_to_gateway")["reason"]
    assert "before its lift" in reason


def test_a_sound_shop_is_no_stranger(stack: LabUnderTest, tmp_path: Path) -> None:
    world = tmp_path / "world.json"
    prepare(stack, "hardened", world)
    with watched(stack) as told:
        order(stack, world)
        stack.ok("status")  # a command that somebody types meanwhile
        supervisor(stack).firedrill.signal_group("shop:worker", int(signal.SIGKILL))
        eventually(lambda: stack.ok("status")["up"])
        order(stack, world)
    assert told == []


def alive(pid: int) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def helper_of(stack: LabUnderTest) -> int:
    pids = supervisor(stack).firedrill.identity("shop:worker")["pids"]
    (helper,) = [pid for pid in pids if "time.sleep(600)" in " ".join(psutil.Process(pid).cmdline())]
    return int(helper)


def test_a_kill_reaches_what_the_worker_started_in_a_session_of_its_own(
    stack: LabUnderTest, variant: Path, tmp_path: Path
) -> None:
    (variant / "settings.py").write_text((variant / "settings.py").read_text() + HELPER)
    prepare(stack, variant.name, tmp_path / "world.json")
    helper = helper_of(stack)
    hit = supervisor(stack).firedrill.signal_group("shop:worker", int(signal.SIGKILL))
    assert helper in hit["pids"]
    eventually(lambda: not alive(helper))


@pytest.mark.parametrize("lost", ["the api's child", "a helper"])
def test_what_lost_its_parent_is_a_stranger_and_ended_before_the_next_run(
    stack: LabUnderTest, variant: Path, tmp_path: Path, lost: str
) -> None:
    if lost == "a helper":
        (variant / "settings.py").write_text((variant / "settings.py").read_text() + HELPER)
        prepare(stack, variant.name, tmp_path / "world.json")
        role, left = "worker", helper_of(stack)
    else:
        prepare(stack, "hardened", tmp_path / "world.json")
        role = "api"
        identity = supervisor(stack).firedrill.identity("shop:api")
        left = next(pid for pid in identity["pids"] if pid != identity["pid"])
    master = supervisor(stack).firedrill.identity(f"shop:{role}")["pid"]
    with watched(stack) as told:
        os.kill(master, signal.SIGKILL)
        time.sleep(4)  # it is a stray when it is seen twice
        stayed = alive(left)
    assert stayed or lost == "the api's child", "a helper does not notice"
    assert stayed == any(f"(pid {left}, " in what and what.endswith("is of no program that does") for what in told), (
        told
    )
    ended = prepare(stack, "hardened", tmp_path / "world.json")["ended_leftovers"]
    assert stayed == any(f"(pid {left} of shop:{role})" in what for what in ended), ended
    assert not alive(left)
    assert get(stack.url("api") + "/ready")["variant"] == "hardened"
