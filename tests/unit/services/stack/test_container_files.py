"""What compose.yaml mounts into the servers' containers is what local mode gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.stack.config import load
from services.stack.container import main
from services.stack.container_files import FOLDER, files
from services.stack.errors import StackError
from services.stack.handles import stack_of
from services.stack.layout import CONTAINERS, OFFSETS, Lab, Ports
from services.stack.programs import Facts, address_book
from services.stack.reset import reset
from services.stack.supervisor_client import Fleet, ProgramState, Supervisor


def test_the_mounted_files_are_what_the_code_writes() -> None:
    """`python -m services.stack.container_files` writes them anew."""
    assert {file.name: file.read_text() for file in FOLDER.iterdir()} == dict(files())


def test_every_port_has_a_container_but_the_supervisors_which_are_two() -> None:
    assert OFFSETS.keys() - CONTAINERS.keys() == {"supervisor"}


def test_addresses_in_compose_mode_name_containers() -> None:
    ports = Ports(18000, CONTAINERS)
    assert ports.address("shop_to_cache") == "toxiproxy:18011"
    assert ports.listen("shop_to_cache") == "[::]:18011"
    assert ports.url("relay_metrics") == "http://worker:18016"
    assert Ports(18000).listen("shop_to_cache") == "127.0.0.1:18011"


def settings_of(tmp_path: Path, **more: str) -> dict[str, str]:
    for name in ("postgres", "redis_lab", "supervisor", "lab_token", "scorecard_admin"):
        (tmp_path / name).write_text(f"{name}-secret")
    return {
        "FIREDRILL_MODE": "compose",
        "FIREDRILL_LAB_DIR": str(tmp_path),
        "FIREDRILL_SECRETS_DIR": str(tmp_path),
        "FIREDRILL_BASE_PORT": "18000",
        "FIREDRILL_PUBLIC_BASE_PORT": "19500",
        **more,
    }


def test_the_address_book_of_the_containers(tmp_path: Path) -> None:
    stack = stack_of(load(settings_of(tmp_path)))
    facts = Facts(
        has_prometheus=True, postgres_log=None, postgres_version="15", toxiproxy={"kind": "real", "version": "2.12.0"}
    )
    book = address_book(stack.settings, stack.lab, stack.ports, stack.public, facts)
    assert book["mode"] == "compose"
    assert book["supervisors"] == {
        "api": "http://api:18009",
        "worker": "http://worker:18009",
        "relay": "http://worker:18009",
    }
    assert book["urls"]["api"] == "http://api:18000"  # type: ignore[index]
    assert book["public_urls"]["dashboard"] == "http://127.0.0.1:19501"  # type: ignore[index]
    assert book["proxies"]["shop_to_gateway"] == {  # type: ignore[index]
        "listen": "[::]:18013",
        "upstream": "gateway:18004",
        "connect": "toxiproxy:18013",
    }


def test_secrets_that_were_mounted_are_not_made(tmp_path: Path) -> None:
    Lab(tmp_path / "lab", tmp_path / "secrets").create()
    assert not (tmp_path / "secrets").exists()


@pytest.mark.parametrize("words", [[], ["gateway"], ["api", "worker"]])
def test_a_container_that_has_no_supervisor(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "expected one of api, worker" in capsys.readouterr().err


def test_a_command_that_only_the_host_can_do(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="expected `make reset` on the host"):
        reset(load(settings_of(tmp_path)))


class _Member(Supervisor):
    def __init__(self, *names: str, runs: bool = True) -> None:
        self.names, self.runs = names, runs
        self.calls: list[tuple[object, ...]] = []

    def call(self, method: str, *arguments: object, timeout_s: float | None = None, by: str | None = None) -> object:
        self.calls.append((method, *arguments))
        return {"pid": 7}

    def is_running(self) -> bool:
        return self.runs

    def programs(self) -> dict[str, ProgramState]:
        return {name: ProgramState(name=name, state="RUNNING", pid=7, note="") for name in self.names}


def test_a_fleet_asks_each_supervisor_for_its_own() -> None:
    api, worker = _Member("shop:api"), _Member("shop:worker", "shop:relay")
    fleet = Fleet({"shop:api": api, "shop:worker": worker, "shop:relay": worker})
    fleet.start(["shop:relay"])
    fleet.kill_group("shop:api", 7)
    assert worker.calls == [("supervisor.startProcess", "shop:relay", False)]
    assert api.calls == [("firedrill.kill_group", 7)]
    assert set(fleet.programs()) == {"shop:api", "shop:worker", "shop:relay"}
    assert fleet.is_running()
    worker.runs = False
    assert not fleet.is_running()
    assert fleet.identities(["shop:api", "toxiproxy"]) == {"shop:api": {"pid": 7}}
    assert fleet.identity("toxiproxy") is None, "who has no supervisor has no identity from one"
