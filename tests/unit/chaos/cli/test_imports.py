"""Commands that need neither stack nor judge import neither: people wait for every import."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[4]
FOR_FILES = ("chaos.adapters", "chaos.agent", "chaos.drills", "chaos.heal", "chaos.judge", "chaos.report", "chaos.run")
LIBRARIES = ("PIL", "celery", "django", "httpx", "jsonschema", "locust", "psycopg", "redis", "requests", "toxiproxy")
NEVER = (*FOR_FILES, *LIBRARIES)
IMPORTED = """
import sys
sys.argv = ["firedrill", *sys.argv[1:]]
from chaos.cli.app import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("\\n" + " ".join(sys.modules))
"""


def imported(*words: str) -> set[str]:
    """The modules that a process has at the end of a command."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *words], cwd=CHECKOUT, capture_output=True, text=True, timeout=120, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def parts(modules: set[str], names: tuple[str, ...]) -> set[str]:
    """Of *names* those that are imported, whole or in part."""
    return {name for name in names if any(each == name or each.startswith(f"{name}.") for each in modules)}


@pytest.mark.parametrize(
    ("words", "never"),
    [
        (("--help",), (*NEVER, "chaos.load", "chaos.invariants", "yaml")),
        (("list",), (*NEVER, "rich")),
        (("validate",), (*NEVER, "rich")),
        (("validate", "concurrency/flash-sale", "--json"), (*NEVER, "rich")),
        (("schema",), (*NEVER, "rich")),
        (("run", "--help"), LIBRARIES[:1]),
    ],
)
def test_what_is_not_needed_is_not_imported(words: tuple[str, ...], never: tuple[str, ...]) -> None:
    assert parts(imported(*words), never) == set()


def test_it_would_be_noticed() -> None:
    """What `explain` imports has a judge."""
    assert "chaos.judge" in parts(imported("explain", "--help"), NEVER)
