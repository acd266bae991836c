"""What a run has left is lifted, unless it is another run's."""

from __future__ import annotations

import json

import pytest

from chaos.run.lock import run_lock
from tests.unit.chaos.adapters.servers import Http
from tests.unit.chaos.cli.shell import Shell


def test_heal_says_what_it_lifted_and_what_it_could_not_ask(
    shell: Shell, toxiproxy: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxies come back; supervisor and gateway are away, and may have something left: that is no pristine lab."""
    monkeypatch.setattr("chaos.cli.commands.heal.PATIENCE_S", 0.1)
    said = shell("heal", "--json")
    assert said.code == 4
    assert len(said.json["lifted"]) == 5
    left = [
        "supervisor: SIGCONT to api: got ConnectionRefusedError, expected an answer (make status)",
        "gateway: GET /lab/faults/on: got [Errno 111] Connection refused, expected an answer",
    ]
    assert said.json["left"][:-1] == left
    assert said.json["left"][-1].startswith("gate: got connection failed: ")
    assert said.json["left"][-1].endswith(", expected PostgreSQL to do it")
    told = shell("heal")
    assert (told.code, told.out) == (4, "".join(f"LEFT: {what}\n" for what in said.json["left"]))


def test_heal_leaves_a_run_alone(shell: Shell, toxiproxy: Http) -> None:
    """It would lift the run's faults, and the run would not know why they were not felt."""
    with run_lock(shell.lab, "flash-sale on naive"):
        said = shell("heal")
    assert said.code == 2
    assert "run: got a lab that is busy with flash-sale on naive (pid " in said.err
    assert toxiproxy.paths() == []


def test_heal_removes_a_proxy_that_the_lab_did_not_make(
    shell: Shell, toxiproxy: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chaos.cli.commands.heal.PATIENCE_S", 0.1)
    toxiproxy.answers["POST /reset"](None)  # pristine, but for the one that follows
    own = {"name": "own_way", "listen": "127.0.0.1:5", "upstream": "127.0.0.1:6", "enabled": True, "toxics": []}
    status, pristine = toxiproxy.answers["GET /proxies"]
    toxiproxy.json("GET /proxies", {**json.loads(pristine), "own_way": own})

    def remove(_: object) -> tuple[int, bytes]:
        toxiproxy.answers["GET /proxies"] = status, pristine
        return 204, b""

    toxiproxy.answers["DELETE /proxies/own_way"] = remove
    said = shell("heal", "--json")
    expected = "proxy own_way: got 127.0.0.1:5 to 127.0.0.1:6, expected no proxy that the lab did not make"
    assert said.json["lifted"] == [expected]
    assert not [what for what in said.json["left"] if "own_way" in what]
