"""The Makefile whatever is set where it is called; `--dry-run` shows what it would do."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.unit.launch.conftest import CHECKOUT, run


@pytest.mark.parametrize(
    "environ",
    [
        {"MAKEFLAGS": "n"},
        {"MAKEFLAGS": "-j8 -k"},
        {"MAKEFLAGS": "nonsense"},
        {"MAKEFLAGS": "e", "lab": "/nowhere", "bin": "/nowhere"},
        {"MAKEFLAGS": " -- SHELL=/bin/false lab=/nowhere"},
        {"GNUMAKEFLAGS": "q"},
        {"MAKEFILES": "/nowhere/other.mk"},
        {"CDPATH": "/tmp", "BASH_ENV": "/nowhere", "ENV": "/nowhere"},
    ],
)
def test_flags_of_the_caller_change_nothing(environ: dict[str, str]) -> None:
    for cwd, words in ((CHECKOUT, []), (Path("/tmp"), ["-C", str(CHECKOUT)]), (Path("/"), [f"--directory={CHECKOUT}"])):
        done = run("make", "--no-print-directory", *words, "help", environ=environ, cwd=cwd)
        assert done.returncode == 0, done.stderr
        assert "the headline on both variants" in done.stdout


def test_a_flag_that_hides_failures_is_refused_by_name() -> None:
    done = run("make", "help", environ={"MAKEFLAGS": "i"}, cwd=CHECKOUT)
    assert (done.returncode, done.stdout) == (2, "")
    assert "MAKEFLAGS: got a flag that ignores failures (-i), expected none" in done.stderr


def test_flags_on_the_command_line_are_obeyed() -> None:
    done = run("make", "--dry-run", "up", environ={"MAKEFLAGS": "k"}, cwd=CHECKOUT)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "services/stack/lab.sh up")


def test_grafana_is_asked_for_by_its_setting() -> None:
    told = ["make", "--dry-run", "--print-data-base", "help"]
    assert "\nFIREDRILL_GRAFANA := 1\n" in run(*told, environ={"GRAFANA": "1"}, cwd=CHECKOUT).stdout
    assert "FIREDRILL_GRAFANA" not in run(*told, cwd=CHECKOUT).stdout


def test_a_variable_that_happens_to_be_set_is_no_wish() -> None:
    environ = dict.fromkeys(("S", "VARIANT", "SEED", "ARGS", "P"), "nonsense")
    done = run("make", "--dry-run", "scenario", environ=environ, cwd=CHECKOUT)
    assert shlex.split(done.stdout) == [
        "services/stack/lab.sh", "firedrill", "selftest", "scenarios/concurrency/flash-sale.yaml",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", ["concurrency/flash-sale", "concurrency/flash-sale.v2", "own/mine.yml", "/tmp/it's mine.yaml", "a b; c"]
)
def test_the_scenario_is_handed_on_as_it_was_written(name: str) -> None:
    done = run("make", "--dry-run", "scenario", f"S={name}", "VARIANT=naive", cwd=CHECKOUT)
    assert shlex.split(done.stdout) == ["services/stack/lab.sh", "firedrill", "run", name, "--variant", "naive"]


def test_lock_writes_every_lock_file() -> None:
    done = run("make", "--dry-run", "lock", cwd=CHECKOUT)
    names = done.stdout.partition("for name in ")[2].partition(";")[0].split()
    assert sorted(names) == sorted(path.stem for path in CHECKOUT.glob("requirements*.in"))
