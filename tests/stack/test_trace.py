"""What explains a run on the real stack: which statement and log line belongs to which request, and that it ends."""

from __future__ import annotations

import gzip
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.stack.test_run import LATENCY, LONG_DOWN, Lab, finding, until

pytestmark = [pytest.mark.stack, pytest.mark.extended, pytest.mark.timeout(400)]


@pytest.fixture
def lab(stack: Any, tmp_path: Path) -> Iterator[Lab]:
    found = Lab(stack, tmp_path)
    yield found
    assert found.pristine(), "a test left faults behind"


def statement_log(lab: Lab) -> str:
    """The server's own setting."""
    book = json.loads((lab.stack.lab_dir / "stack.json").read_text())["postgres"]
    with psycopg.connect(
        host=book["host"], port=book["port"], user=book["user"], password=book["password"], dbname="postgres"
    ) as connection:
        row = connection.execute("SHOW log_min_duration_statement").fetchone()
    assert row is not None
    return str(row[0])


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def test_a_double_charge_is_explained_by_its_two_orders_from_the_folder_alone(lab: Lab) -> None:
    """naive takes no notice of idempotency keys: a double click is two orders."""
    _, out, err = lab.run("run", str(lab.scenario(LATENCY)), "--variant", "naive", "--json")
    document = json.loads(out)
    folder = Path(document["folder"])
    assert finding(document, "charged_exactly_once")["verdict"] == "violated", err

    code, out, err = lab.run("explain", str(folder), "charged_exactly_once", "--json")

    assert code == 0, err
    (explained,) = json.loads(out)
    assert "unknown" not in explained, explained["unknown"]
    bought = [op for op in explained["operations"] if op["op"].startswith("buy")]
    assert len({op["order"] for op in bought}) == 2
    assert {op["route"] for op in bought} == {"/api/orders/"}
    for op in bought:
        mine = [moment for moment in explained["moments"] if moment.get("label") == op["label"]]
        said = [moment["text"] for moment in mine if moment["kind"] == "statement"]
        assert any(text.startswith("INSERT INTO shop_order") for text in said), said
        assert any(text.startswith("COMMIT") for text in said), said
        assert any(text.startswith("INSERT INTO shop_payment") for text in said), "the worker's task is missing"
        assert [m for m in mine if m["kind"] == "charge"], mine
        assert any(m["kind"] == "log" and "POST /api/orders/ 202" in m["text"] for m in mine), mine
    assert lab.run("verify", str(folder))[0] == 0
    assert statement_log(lab) == "-1"


def test_no_secret_gets_into_what_explains(lab: Lab) -> None:
    scenario = lab.scenario(LATENCY)
    content = scenario.read_text().replace("mix: {browse: 5, buy: 5}", "mix: {browse: 4, buy: 4, login: 2}")
    scenario.write_text(content)
    _, out, err = lab.run("run", str(scenario), "--variant", "hardened", "--json")
    folder = Path(json.loads(out)["folder"])
    samples = (folder / "samples.jsonl").read_text()
    assert '"op":"login"' in samples, err
    for text in (samples, *(json.dumps(lines(folder / f"{name}.jsonl.gz")) for name in ("statements", "log"))):
        assert "eyJ" not in text
        assert "pbkdf2_" not in text
    assert len(lines(folder / "statements.jsonl.gz")) > 50


def test_the_statement_log_ends_also_when_the_runner_is_killed(lab: Lab) -> None:
    process = lab.start("run", str(lab.scenario(LONG_DOWN)), "--variant", "hardened")
    lab.wait_for_fault()
    assert statement_log(lab) == "0"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: statement_log(lab) == "-1", "the agent to end the statement log", seconds=30)
    until(lab.pristine, "proxies that the agent healed", seconds=30)
