"""A run ends with its verdict; a lab that is down, dirty or busy is refused first."""

from __future__ import annotations

import pytest

from chaos.errors import LabBroken
from chaos.model.verdict import plain
from chaos.run.lock import run_lock
from tests.unit.chaos.adapters.servers import Http
from tests.unit.chaos.cli.shell import FakeLab, Shell, finished


@pytest.mark.parametrize(
    ("how", "code", "verdict"),
    [({}, 0, "held"), ({"oversold": True}, 1, "violated"), ({"late": True}, 3, "inconclusive")],
)
def test_run_ends_with_its_verdict(
    shell: Shell, fake: FakeLab, steady: str, how: dict[str, bool], code: int, verdict: str
) -> None:
    result = finished(shell.evidence, "naive", **how)
    fake.results["naive"] = result
    said = shell("run", steady, "--variant", "naive", "--seed", "5", "--json")
    assert said.code == code
    steps = said.json["next"]
    assert said.json == {**plain(result.document), "folder": str(result.folder), "next": steps}
    assert all(step["do"] and step["why"] for step in steps)
    assert said.json["verdict"] == verdict
    assert fake.asked == [("steady", "naive", 5)]
    assert "steady on naive" in said.err
    said = shell("run", steady, "--variant", "naive")
    assert said.code == code
    assert result.document.summary in said.out
    assert f"evidence: {result.folder}/report.html" in said.out
    assert "\nNext:\n" in said.out
    assert said.out.endswith("".join(f"  {step['do'].replace(' --seed 5', '')}\n    {step['why']}\n" for step in steps))


def test_unknown_variant(shell: Shell, fake: FakeLab, good: str) -> None:
    said = shell("run", good, "--variant", "naiv")
    assert said.code == 2
    assert said.err.startswith("firedrill: variant: got 'naiv', expected one of ")
    assert "hardened" in said.err
    assert fake.asked == []


@pytest.mark.parametrize(
    ("asked", "workers", "elsewhere"),
    [
        ([], 1, None),
        (["--workers", "3"], 3, None),
        (["--workers-elsewhere", "2"], 2, ""),
        (["--workers-elsewhere", "1", "--master-at", "10.0.0.1:9000"], 1, "10.0.0.1:9000"),
    ],
)
def test_where_the_load_comes_from(
    shell: Shell, fake: FakeLab, steady: str, asked: list[str], workers: int, elsewhere: str | None
) -> None:
    fake.results["naive"] = LabBroken("that is enough")
    shell("run", steady, "--variant", "naive", *asked)
    assert fake.options is not None
    assert (fake.options.workers, fake.options.elsewhere) == (workers, elsewhere)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (["--workers", "2", "--workers-elsewhere", "2"], "workers: got both"),
        (["--master-at", "127.0.0.1:1"], "--master-at: got it without --workers-elsewhere"),
        (["--workers-elsewhere", "1", "--master-at", "host"], "--master-at: got 'host', expected host:port"),
    ],
)
def test_load_from_nowhere(shell: Shell, fake: FakeLab, steady: str, asked: list[str], problem: str) -> None:
    said = shell("run", steady, *asked)
    assert said.code == 2
    assert said.err.startswith(f"firedrill: {problem}")
    assert fake.options is None


def test_unknown_scenario(shell: Shell, fake: FakeLab) -> None:
    said = shell("run", "flash-sail")
    assert said.code == 2
    assert said.err.startswith("firedrill: scenario: got 'flash-sail', expected a file or one of ")
    assert said.err.endswith("(did you mean concurrency/flash-sale?)\n")


def test_no_up_refuses_a_stack_that_is_down(shell: Shell, good: str) -> None:
    for command in (("run", good), ("selftest", good)):
        said = shell(*command, "--no-up")
        assert said.code == 4
        assert "stack: got a stack that is down (" in said.err
        assert "expected it up (make up, or without --no-up)" in said.err
    assert not shell.evidence.exists()


def test_one_run_at_a_time(shell: Shell, good: str) -> None:
    with run_lock(shell.lab, "flash-sale on naive"):
        said = shell("run", good, "--no-up")
    assert said.code == 2
    assert "run: got a lab that is busy with flash-sale on naive (pid " in said.err


def test_dirty_proxies_are_refused(shell: Shell, good: str, toxiproxy: Http) -> None:
    said = shell("run", good, "--no-up", "--json")
    assert said.code == 4
    assert said.json["error"]["message"].startswith("lab: got proxy shop_to_postgres: got it disabled")
    assert said.json["error"]["message"].endswith("expected a pristine one (firedrill heal, or --heal)")
    assert toxiproxy.paths() == ["GET /proxies"]
    assert not shell.evidence.exists()


def test_a_lab_folder_that_can_t_be_made(shell: Shell, good: str) -> None:
    shell.lab.write_text("a file")
    said = shell("run", good, "--no-up")
    assert said.code == 4
    assert said.err == f"firedrill: {shell.lab}: got File exists, expected a folder for the run's lock\n"
