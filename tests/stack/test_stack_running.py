"""The session's stack: what a caller is told about it, and how the shop is switched."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import xmlrpc.client
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import psycopg
import pytest

from chaos.adapters.gate import Gate, GateControl
from chaos.adapters.postgres import PostgresWitness
from chaos.config import Postgres
from chaos.errors import LabBroken
from services.stack.layout import Lab, Ports
from services.stack.readiness import Checks
from services.stack.supervisor_client import Supervisor

from .conftest import CHECKOUT, LabUnderTest

pytestmark = pytest.mark.stack
WORLD = {"events": 2, "hot_tiers": 1, "seats": 30, "customers": 5}


def eventually(is_so: Callable[[], bool], patience_s: float = 30) -> None:
    deadline = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be so"
        time.sleep(0.05)


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as response:
        return json.loads(response.read())


def supervisor(stack: LabUnderTest) -> Any:
    login, port = stack.book["supervisor"], stack.base_port + 9
    return xmlrpc.client.ServerProxy(
        f"http://{login['username']}:{login['password']}@127.0.0.1:{port}/RPC2", allow_none=True
    )


def prepare(stack: LabUnderTest, variant: str, out: Path, seed: int = 7) -> dict[str, Any]:
    words = ("--variant", variant, "--seed", str(seed), "--world", json.dumps(WORLD), "--world-file", str(out))
    return stack.ok("prepare", *words)


def database(stack: LabUnderTest, variant: str) -> psycopg.Connection[Any]:
    server = stack.book["postgres"]
    return psycopg.connect(
        host=server["host"],
        port=server["port"],
        user=server["user"],
        password=server["password"],
        dbname=server["database_prefix"] + variant,
        autocommit=True,
    )


def test_address_book_is_private_and_every_address_answers(stack: LabUnderTest) -> None:
    book = stack.book
    assert stat.S_IMODE(stack.stack_file.stat().st_mode) == 0o600
    assert {stat.S_IMODE(file.stat().st_mode) for file in (stack.lab_dir / "secrets").iterdir()} == {0o600}
    assert get(book["urls"]["api"] + "/ready")["status"] == "ready"
    assert set(get(book["urls"]["toxiproxy"] + "/proxies")) == set(book["proxies"])
    for name, proxy in book["proxies"].items():
        assert get(f"{book['urls']['toxiproxy']}/proxies/{name}")["upstream"] == proxy["upstream"]
    for name in ("api", "worker", "relay", "gateway", "scorecard", "agent"):
        with urllib.request.urlopen(book["metrics"][name], timeout=10) as response:
            assert response.status == 200, name


def test_only_loopback_is_listened_on(stack: LabUnderTest) -> None:
    ports = range(stack.base_port, stack.base_port + 17)
    hosts = {c.laddr.ip for c in psutil.net_connections("tcp") if c.status == "LISTEN" and c.laddr.port in ports}
    assert hosts == {"127.0.0.1"}


def test_every_service_runs_at_low_priority(stack: LabUnderTest) -> None:
    pids = [info["pid"] for info in supervisor(stack).supervisor.getAllProcessInfo() if info["pid"]]
    assert len(pids) >= 9
    assert {psutil.Process(pid).nice() for pid in pids} == {psutil.Process().nice() + 5}


def test_up_again_changes_nothing(stack: LabUnderTest) -> None:
    before = stack.ok("identities")
    document = stack.ok("up")
    assert document["already_running"] is True
    assert stack.ok("identities") == before


def test_another_base_port_is_refused_while_it_runs(stack: LabUnderTest) -> None:
    answer = stack.command("up", "--base-port", str(stack.base_port + 40))
    assert answer.exit_code == 2
    assert answer.document["error"]["kind"] == "other_base_port"
    assert str(stack.base_port) in answer.document["error"]["message"]


def test_status_names_every_part(stack: LabUnderTest) -> None:
    document = stack.ok("status")
    assert document["up"] is True, document
    expected = {"postgres", "redis", "toxiproxy", "gateway", "scorecard", "agent", "dashboard"}
    assert expected | {"shop:api", "shop:worker", "shop:relay"} <= set(document["parts"])
    assert all(part["ready"] for part in document["parts"].values())


def test_a_password_that_is_not_the_clusters_names_the_way_out(stack: LabUnderTest, tmp_path: Path) -> None:
    """As after somebody deleted the secrets: the next `up` makes others."""
    (tmp_path / "postgres").write_text("another")
    lab = Lab(root=stack.lab_dir, secrets_dir=tmp_path)
    problem = Checks(lab, Ports(stack.base_port), Supervisor(port=1, password="")).postgres()
    assert problem is not None
    assert "password authentication failed" in problem
    assert problem.count(".lab/secrets/postgres has: put that back, or `make reset`") == 1


def test_prepare_switches_variant_and_seeds_it(stack: LabUnderTest, tmp_path: Path) -> None:
    old = {pid for name in ("api", "worker") for pid in supervisor(stack).firedrill.identity(f"shop:{name}")["pids"]}
    for variant in ("naive", "hardened"):
        out = tmp_path / f"{variant}.json"
        document = prepare(stack, variant, out)
        assert document["variant"] == variant
        assert get(stack.url("api") + "/ready")["variant"] == variant
        assert not any(psutil.pid_exists(pid) for pid in old), "a process of the old variant survived"
        old = set(supervisor(stack).firedrill.identity("shop:api")["pids"])
        world = json.loads(out.read_text())
        assert (world["variant"], world["seed"], len(world["customers"])) == (variant, 7, WORLD["customers"])
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        with database(stack, variant) as connection:
            rows = connection.execute("SELECT tier_id, sold FROM lab_tiers").fetchall()
        assert {row[0] for row in rows} == {tier["id"] for tier in world["tiers"]}
        assert {row[1] for row in rows} == {0}
        api = document["identities"]["api"]
        assert api == {key: api[key] for key in ("pid", "started_unix_s", "processes")}
        assert len(api["processes"]) == 3, "a master and two that answer"


def test_prepare_empties_what_an_earlier_run_left(stack: LabUnderTest, tmp_path: Path) -> None:
    prepare(stack, "hardened", tmp_path / "world.json")
    world = json.loads((tmp_path / "world.json").read_text())
    body = json.dumps({"tier": world["tiers"][0]["id"], "quantity": 1, "reference": "k-1"}).encode()
    headers = {
        "Authorization": f"Bearer {world['customers'][0]['access']}",
        "Idempotency-Key": "k-1",
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(f"{stack.url('api')}/api/orders/", data=body, headers=headers, method="POST")
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 202

    def ledger() -> list[Any]:
        asked = urllib.request.Request(
            f"{stack.url('gateway')}/lab/ledger", headers={"X-Lab-Token": stack.book["lab_token"]}
        )
        with urllib.request.urlopen(asked, timeout=10) as response:
            charges: list[Any] = json.loads(response.read())["charges"]
            return charges

    eventually(lambda: len(ledger()) == 1)
    prepare(stack, "hardened", tmp_path / "world.json")
    assert ledger() == []
    with database(stack, "hardened") as connection:
        assert connection.execute("SELECT count(*) FROM lab_orders WHERE status <> 'refused'").fetchone() == (0,)


def test_prepare_leaves_nothing_of_the_code_of_another_run(stack: LabUnderTest, tmp_path: Path) -> None:
    """All variants connect with one role: what one leaves in a database, or at the role, would decide the next run."""
    prepare(stack, "hardened", tmp_path / "world.json")
    left = """
        CREATE TABLE left_over (id int);
        CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER spoil BEFORE INSERT ON shop_ticket FOR EACH ROW EXECUTE FUNCTION spoil();
        ALTER DATABASE shop_hardened SET statement_timeout = 1234;
        ALTER ROLE CURRENT_USER SET lock_timeout = 1234;
    """
    with database(stack, "hardened") as connection:
        connection.execute("SET ROLE shop")
        connection.execute(left)
    prepare(stack, "hardened", tmp_path / "world.json")
    with database(stack, "hardened") as connection:
        found = connection.execute(
            "SELECT to_regclass('left_over'), (SELECT count(*) FROM pg_trigger WHERE tgname = 'spoil'),"
            " current_setting('statement_timeout'),"
            " (SELECT count(*) FROM pg_db_role_setting WHERE setrole = 'shop'::regrole)"
        ).fetchone()
        assert found == (None, 0, "0", 0)
        with pytest.raises(psycopg.Error, match="not currently accepting connections"):
            psycopg.connect(connection.info.dsn, password=connection.info.password, dbname="template_shop_hardened")


def test_the_lab_reads_the_views_as_of_one_moment(stack: LabUnderTest, tmp_path: Path) -> None:
    """While the shop goes on: what an order was and what its tickets are belong together."""
    prepare(stack, "hardened", tmp_path / "world.json")
    fields = ("host", "port", "user", "password", "database_prefix")
    address = Postgres(**{name: stack.book["postgres"][name] for name in fields})
    witness = PostgresWitness(address, "hardened")
    sold = "UPDATE shop_tickettier SET sold = sold + 1"

    with database(stack, "hardened") as shop, witness.at_one_moment():
        before = {tier.tier_id: tier.sold for tier in witness.tiers()}
        shop.execute(sold)
        assert {tier.tier_id: tier.sold for tier in witness.tiers()} == before
        with pytest.raises(LabBroken, match="no_such_view"):
            witness._rows("SELECT * FROM no_such_view")
        assert {tier.tier_id: tier.sold for tier in witness.tiers()} == before
        assert witness._rows("SELECT count(*) AS n FROM pg_database", database="postgres")
    assert {tier.sold for tier in witness.tiers()} == {1}
    nobody = PostgresWitness(msgspec.structs.replace(address, port=1), "hardened")
    with nobody.at_one_moment(), pytest.raises(LabBroken, match="expected an answer"):
        nobody.tiers()


def test_unknown_variant_is_refused_before_anything_is_touched(stack: LabUnderTest, tmp_path: Path) -> None:
    before = stack.ok("identities")
    answer = stack.command("prepare", "--variant", "harnened", "--world-file", str(tmp_path / "w.json"))
    assert answer.exit_code == 2
    assert answer.document["error"]["kind"] == "unknown_variant"
    assert "hardened, naive" in answer.document["error"]["message"]
    assert stack.ok("identities") == before


def test_a_gate_that_was_left_is_refused_and_healed(stack: LabUnderTest, tmp_path: Path) -> None:
    """Every write would be slowed by it, in a run that measures speed."""
    prepare(stack, "hardened", tmp_path / "world.json")
    address = msgspec.convert(stack.book["postgres"], Postgres)
    Gate(address, "shop_hardened").install()  # and nobody closes it
    answer = stack.command("prepare", "--variant", "hardened", "--world-file", str(tmp_path / "w.json"))
    assert answer.exit_code == 4
    assert answer.document["error"]["message"] == (
        "shop_hardened: has the gate of forced interleavings, expected none: firedrill heal"
    )
    GateControl(address).remove()
    prepare(stack, "hardened", tmp_path / "world.json")


@pytest.fixture
def own_variant(stack: LabUnderTest, tmp_path: Path) -> Iterator[Path]:
    """A variant made from `naive`, beside the others, gone afterwards, and never what the next test finds running."""
    folder = CHECKOUT / "services" / "shop" / f"trial_{os.getpid()}"
    shutil.copytree(CHECKOUT / "services" / "shop" / "naive", folder, ignore=shutil.ignore_patterns("__pycache__"))
    try:
        yield folder
    finally:
        if get(stack.url("api") + "/ready")["variant"] == folder.name:
            prepare(stack, "hardened", tmp_path / "world.json")
        shutil.rmtree(folder)


def append(file: Path, text: str) -> int:
    """Add *text* at the end; returns its line number."""
    content = file.read_text()
    file.write_text(content + text)
    return content.count("\n") + 1


def refused(stack: LabUnderTest, variant: str, out: Path) -> dict[str, Any]:
    answer = stack.command("prepare", "--variant", variant, "--world-file", str(out))
    assert answer.exit_code == 2, answer
    error: dict[str, Any] = answer.document["error"]
    assert error["kind"] == "learner_code"
    return error


OF_THE_ROLE = """from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_lab_views")]
    operations = [migrations.RunSQL("ALTER ROLE CURRENT_USER SET lock_timeout = 1234")]
"""


def test_a_copy_of_a_variant_runs_and_changes_are_picked_up(
    stack: LabUnderTest, own_variant: Path, tmp_path: Path
) -> None:
    (own_variant / "migrations/0003_role.py").write_text(OF_THE_ROLE)
    prepare(stack, own_variant.name, tmp_path / "world.json")
    assert get(stack.url("api") + "/ready")["variant"] == own_variant.name
    with database(stack, own_variant.name) as connection:  # later runs are copies, made without the migration
        settings = "SELECT count(*) FROM pg_db_role_setting WHERE setrole = 'shop'::regrole"
        assert connection.execute(settings).fetchone() == (0,)
    append(own_variant / "urls.py", "\nurlpatterns = [p for p in urlpatterns if 'orders' not in str(p.pattern)]\n")
    prepare(stack, own_variant.name, tmp_path / "world.json")
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(f"{stack.url('api')}/api/orders/")
    assert caught.value.code == 404


def test_a_prepared_world_is_started_again_on_changed_code(
    stack: LabUnderTest, own_variant: Path, tmp_path: Path
) -> None:
    out, again = tmp_path / "world.json", ("--variant", own_variant.name, "--world", json.dumps(WORLD))
    prepare(stack, own_variant.name, out)
    token = json.loads(out.read_text())["customers"][0]["access"]
    events = get(f"{stack.url('api')}/api/events/")
    append(own_variant / "urls.py", "\nurlpatterns = [p for p in urlpatterns if 'support' not in str(p.pattern)]\n")
    document = stack.ok("reload", *again)
    assert set(document["timings_s"]) == {"stop", "start", "total"}
    assert get(f"{stack.url('api')}/ready")["variant"] == own_variant.name
    assert get(f"{stack.url('api')}/api/events/") == events
    headers = {"Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(f"{stack.url('api')}/api/me/", headers=headers)) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError) as caught:
        get(f"{stack.url('api')}/api/support/orders/")
    assert caught.value.code == 404


def test_a_reload_refuses_what_it_can_t_start(stack: LabUnderTest, own_variant: Path, tmp_path: Path) -> None:
    prepare(stack, own_variant.name, tmp_path / "world.json")
    before = stack.ok("identities")
    before.pop("code")
    line = append(own_variant / "views.py", "def broken(:\n")
    answer = stack.command("reload", "--variant", own_variant.name, "--world", json.dumps(WORLD))
    assert (answer.exit_code, answer.document["error"]["kind"]) == (2, "learner_code")
    assert f"{own_variant.name}/views.py:{line}: SyntaxError" in answer.document["error"]["message"]
    other = stack.command("reload", "--variant", "naive", "--world", json.dumps(WORLD))
    assert other.document["error"]["message"].startswith("reload: got naive, expected ")
    after = stack.ok("identities")
    after.pop("code")
    assert after == before


def test_the_code_on_disk_is_part_of_who_runs(stack: LabUnderTest, own_variant: Path, tmp_path: Path) -> None:
    """A worker that is killed comes back with it."""
    prepare(stack, own_variant.name, tmp_path / "world.json")
    before = stack.ok("identities")
    assert stack.ok("identities") == before
    append(own_variant / "tasks.py", "# better\n")
    after = stack.ok("identities")
    assert after.pop("code") != before.pop("code")
    assert after == before


def test_code_that_changes_while_it_is_started_is_refused(
    stack: LabUnderTest, own_variant: Path, tmp_path: Path
) -> None:
    prepare(stack, "hardened", tmp_path / "world.json")
    append(own_variant / "urls.py", "# not run yet\n")

    def edit() -> None:
        """As soon as the copy is made from which it is started."""
        eventually(lambda: any((stack.lab_dir / "shop" / "code").glob(f"{own_variant.name}-*")))
        (own_variant / "edited.py").write_text("#\n")

    editor = threading.Thread(target=edit)
    editor.start()
    error = refused(stack, own_variant.name, tmp_path / "world.json")
    editor.join()
    assert error["message"].startswith(f"services/shop/{own_variant.name}: got files that changed while it was started")
    assert get(stack.url("api") + "/ready")["variant"] == "hardened"


def test_a_syntax_error_is_the_learners_and_nothing_is_touched(
    stack: LabUnderTest, own_variant: Path, tmp_path: Path
) -> None:
    before = stack.ok("identities")
    line = append(own_variant / "views.py", "def broken(:\n")
    error = refused(stack, own_variant.name, tmp_path / "world.json")
    assert (error["file"], error["line"]) == (f"services/shop/{own_variant.name}/views.py", line)
    assert stack.ok("identities") == before
    assert stack.ok("status")["up"] is True


def test_a_failing_migration_is_the_learners_and_the_old_variant_runs_again(
    stack: LabUnderTest, own_variant: Path, tmp_path: Path
) -> None:
    prepare(stack, "hardened", tmp_path / "world.json")
    last = sorted(file.stem for file in (own_variant / "migrations").glob("0*.py"))[-1]
    (own_variant / "migrations" / "0900_broken.py").write_text(
        "from django.db import migrations\n\n\n"
        "class Migration(migrations.Migration):\n"
        f"    dependencies = [('shop', '{last}')]\n"
        "    operations = [migrations.RunSQL('SELECT * FROM no_such_table')]\n"
    )
    error = refused(stack, own_variant.name, tmp_path / "world.json")
    assert error["file"] == f"services/shop/{own_variant.name}/migrations/0900_broken.py"
    assert "no_such_table" in error["message"]
    assert get(stack.url("api") + "/ready")["variant"] == "hardened"
    assert stack.ok("status")["up"] is True


def test_a_learner_makes_a_migration(stack: LabUnderTest, own_variant: Path, tmp_path: Path) -> None:
    append(own_variant / "models.py", "\nOrder.add_to_class('remark', models.CharField(max_length=9, default=''))\n")
    words = ("manage", "--variant", own_variant.name, "makemigrations", "shop")
    done = subprocess.run(
        [sys.executable, "-m", "services.stack", *words],
        cwd=CHECKOUT, env=stack.environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "+ Add field remark to order" in done.stdout
    prepare(stack, own_variant.name, tmp_path / "world.json")
    with database(stack, own_variant.name) as connection:
        assert connection.execute("SELECT DISTINCT remark FROM shop_order").fetchall() == [("",)]
    answer = stack.command("manage", "--variant", "nobodys", "check")
    assert (answer.exit_code, answer.document["error"]["kind"]) == (2, "unknown_variant")


def test_code_that_only_fails_when_it_serves_is_the_learners_too(
    stack: LabUnderTest, own_variant: Path, tmp_path: Path
) -> None:
    prepare(stack, "hardened", tmp_path / "world.json")
    line = append(
        own_variant / "settings.py", "\nif CONFIG.role == 'worker':\n    raise RuntimeError('not on my watch')\n"
    )
    error = refused(stack, own_variant.name, tmp_path / "world.json")
    assert (error["file"], error["line"]) == (f"services/shop/{own_variant.name}/settings.py", line + 2)
    assert get(stack.url("api") + "/ready")["variant"] == "hardened"


def test_signal_group_reaches_the_children_and_the_program_comes_back(stack: LabUnderTest) -> None:
    rpc = supervisor(stack)
    before = rpc.firedrill.identity("shop:worker")
    assert len(before["pids"]) >= 3, "a master and its pool"
    hit = rpc.firedrill.signal_group("shop:worker", int(signal.SIGKILL))
    assert (hit["pgid"], hit["pids"]) == (before["pid"], before["pids"])
    eventually(lambda: rpc.firedrill.group_pids(hit["pgid"]) == [])

    def is_back() -> bool:
        with contextlib.suppress(xmlrpc.client.Fault):
            return bool(rpc.firedrill.identity("shop:worker")["pid"] != before["pid"])
        return False

    eventually(is_back)
    assert stack.ok("up")["already_running"] is True
    assert stack.ok("status")["up"] is True


def test_up_starts_again_what_was_stopped_and_wakes_what_was_paused(stack: LabUnderTest) -> None:
    rpc = supervisor(stack)
    rpc.supervisor.stopProcess("gateway")
    rpc.firedrill.signal_group("shop:api", int(signal.SIGSTOP))
    assert stack.ok("status")["up"] is False
    stack.ok("up")
    assert stack.ok("status")["up"] is True


def test_a_restarted_toxiproxy_has_its_proxies_again(stack: LabUnderTest) -> None:
    before = stack.ok("identities")["toxiproxy"]
    os.kill(before["pid"], signal.SIGKILL)
    stack_is_new = lambda: stack.ok("identities")["toxiproxy"] not in (None, before)  # noqa: E731
    eventually(stack_is_new)
    stack.ok("up")
    assert set(get(stack.url("toxiproxy") + "/proxies")) == set(stack.book["proxies"])


def test_a_fault_that_is_on_is_named_but_left_alone(stack: LabUnderTest, tmp_path: Path) -> None:
    url = stack.url("toxiproxy") + "/proxies/shop_to_cache"

    def switch(enabled: bool) -> None:
        body = json.dumps({"enabled": enabled}).encode()
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"}, method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    switch(False)
    try:
        assert any("shop_to_cache" in warning for warning in stack.ok("up")["warnings"])
        answer = stack.command("prepare", "--variant", "naive", "--world-file", str(tmp_path / "w.json"))
        assert (answer.exit_code, answer.document["error"]["kind"]) == (4, "not_ready")
        assert "shop_to_cache: disabled" in answer.document["error"]["message"]
        assert get(url)["enabled"] is False
    finally:
        switch(True)
    eventually(lambda: stack.ok("status")["up"] is True)


def test_postgres_writes_its_own_log_and_wants_the_password(stack: LabUnderTest) -> None:
    server = stack.book["postgres"]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(
            host=server["host"], port=server["port"], user=server["user"], password="guess", dbname="postgres"
        )

    def logged() -> bool:
        files = Path(server["log_dir"]).glob("*.json")
        return any("password authentication failed" in file.read_text() for file in files)

    eventually(logged)
    if os.geteuid() == 0:
        assert psutil.Process(supervisor(stack).firedrill.identity("postgres")["pid"]).uids().real != 0


def test_logs_gives_the_last_lines_of_a_part(stack: LabUnderTest) -> None:
    assert stack.ok("logs", "gateway")["logs"]["gateway"]
    answer = stack.command("logs", "nonsense")
    assert (answer.exit_code, answer.document["error"]["kind"]) == (2, "bad_input")


def test_two_commands_that_change_the_stack_wait_for_each_other(stack: LabUnderTest) -> None:
    """The lock is the kernel's, so it is also free again after a command was killed."""
    handle = os.open(stack.lab_dir / "stack.lock", os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(handle)
    with socket.socket() as unused:  # a busy port of no interest must not disturb an `up` of a running stack
        unused.bind(("127.0.0.1", 0))
        assert stack.ok("up")["already_running"] is True
