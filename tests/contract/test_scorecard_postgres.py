"""Several labs' scorecards on one shared PostgreSQL: real processes, a real server."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql

from services.stack.config import load
from services.stack.layout import Lab, Ports
from services.stack.postgres import USER, configure, prepare_cluster
from services.stack.provision import postgres_server
from tests.contract.test_scorecard_process import GENEROUS_S, WRITE, Scorecard, environment, eventually

pytestmark = [pytest.mark.stack, pytest.mark.extended]

PASSWORD = "p@ss/word:%"  # what a URL has to quote


@dataclass(frozen=True)
class Server:
    port: int
    admin: dict[str, Any]

    def url(self, database: str) -> str:
        """A fresh database of a user that owns nothing else."""
        with psycopg.connect(**self.admin, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER scores").format(sql.Identifier(database)))
        return f"postgresql://scores:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = postgres_server.find(load())
    assert found.is_there, found.missing
    lab = Lab(tmp_path_factory.mktemp("shared"))
    for folder in (lab.secrets, lab.log, lab.run):
        folder.mkdir(parents=True)
    (lab.secrets / "postgres").write_text("the server's password")
    with socket.create_server(("127.0.0.1", 0)) as free:
        base = free.getsockname()[1] - 7
    cluster = prepare_cluster(found, lab)
    configure(cluster, Ports(base))
    hba = cluster.data / "pg_hba.conf"
    hba.write_text("host all all 127.0.0.1/32 scram-sha-256\n")
    account = cluster.account
    who = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    process = subprocess.Popen([cluster.server, "-D", cluster.data], cwd=cluster.data, **who)
    admin = {"host": "127.0.0.1", "port": base + 7, "user": USER, "password": "the server's password"}

    def ready() -> bool:
        assert process.poll() is None, "PostgreSQL has ended"
        try:
            psycopg.connect(**admin, dbname="postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    eventually(ready)
    with psycopg.connect(**admin, dbname="postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE scores LOGIN PASSWORD {}").format(sql.Literal(PASSWORD)))
    yield Server(base + 7, {**admin, "dbname": "postgres"})
    process.send_signal(signal.SIGINT)
    process.wait(GENEROUS_S)
    shutil.rmtree(lab.overflow, ignore_errors=True)


class Shared(Scorecard):
    """The scorecard of one lab, on a shared database; its URL comes in a file."""

    def __init__(self, folder: Path, url: str) -> None:
        folder.mkdir()
        (folder / "database").write_text(url + "\n")
        self.settings = environment(folder) | {"SCORECARD_DATABASE_URL_FILE": str(folder / "database")}
        super().__init__(folder, self.settings)


@pytest.fixture
def labs(server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[list[Shared]]:
    """Three labs that start at the same moment on an empty database."""
    url = server.url(request.node.name[:60])
    with ThreadPoolExecutor() as pool, ExitStack() as running:

        def start(number: int) -> Shared:
            lab = Shared(tmp_path / f"lab-{number}", url)
            running.callback(lab.end)
            return lab

        yield list(pool.map(start, range(3)))


def first_drill(lab: Shared) -> str:
    key: str = lab.http.get("/api/drills/").json()[0]["key"]
    return key


RUN = {
    "scenario": "concurrency/flash-sale",
    "title": "Flash sale",
    "drill": 1,
    "variant": "naive",
    "seed": 7,
    "verdict": "violated",
    "started_at": "2026-11-24T10:00:00Z",
    "duration_s": 41.5,
    "findings": [],
    "evidence_path": "/labs/one/evidence",
    "exit_code": 1,
}


def test_labs_that_start_at_once_share_one_scorecard(labs: list[Shared]) -> None:
    drill = first_drill(labs[0])
    for number, lab in enumerate(labs):
        run = {**RUN, "run_id": f"2026-lab-{number}", "started_at": f"2026-11-24T10:0{number}:00Z"}
        answer = lab.http.put(f"/api/runs/2026-lab-{number}/", headers=WRITE, json=run)
        assert answer.status_code == 201, answer.text
    assert labs[0].save(drill, value=3, version=0, notes="from the first lab").status_code == 200
    for lab in labs:
        runs = [run["run_id"] for run in lab.http.get("/api/runs/").json()["results"]]
        assert runs == ["2026-lab-2", "2026-lab-1", "2026-lab-0"]
        score = lab.http.get(f"/api/drills/{drill}/").json()["score"]
        assert (score["value"], score["notes"], score["version"]) == (3, "from the first lab", 1)


def test_who_saves_last_on_another_lab_is_told(labs: list[Shared]) -> None:
    drill = first_drill(labs[0])
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda lab: lab.save(drill, value=2, version=0, notes=str(lab.http.base_url)), labs))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


def test_a_database_that_cannot_prove_itself_is_refused(server: Server, tmp_path: Path) -> None:
    """This server has no certificate: a lab that asks for one must not go on without."""
    folder = tmp_path / "careful"
    folder.mkdir()
    settings = environment(folder) | {"SCORECARD_DATABASE_URL": f"{server.url('careful')}?sslmode=require"}
    done = subprocess.run(
        [sys.executable, "-m", "services.scorecard"],
        env=settings,
        capture_output=True,
        text=True,
        timeout=GENEROUS_S,
        check=False,
    )
    assert done.returncode == 4
    assert "SSL" in done.stderr
    assert quote(PASSWORD, safe="") not in done.stderr


def test_what_was_saved_is_there_after_all_labs_have_ended(server: Server, tmp_path: Path) -> None:
    url = server.url("stays")
    first = Shared(tmp_path / "first", url)
    drill = first_drill(first)
    first.save(drill, value=2, version=0)
    first.end()
    second = Shared(tmp_path / "second", url)
    assert second.http.get(f"/api/drills/{drill}/").json()["score"]["value"] == 2
    second.end()
