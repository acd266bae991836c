"""Command lines of the shop's processes."""

from __future__ import annotations

import itertools

import pytest

from services.shop import serve
from services.shop.core.config import current


def test_the_api_is_one_process_on_loopback() -> None:
    command = serve.api_command(23000)
    options = dict(itertools.pairwise(command))
    assert (options["--host"], options["--port"]) == ("127.0.0.1", "23000")
    assert (options["--workers"], options["--blocking-threads"]) == ("1", "8")
    assert "--no-respawn-failed-workers" in command
    assert "--no-access-log" in command


def test_the_worker_is_prefork_without_colours() -> None:
    command = serve.worker_command()
    assert {"--no-color", "--without-mingle", "--without-gossip"} <= set(command)
    assert command[command.index("--pool") + 1] == "prefork"


def test_no_role_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert serve.main([]) == 2
    assert capsys.readouterr().err.startswith("usage:")


def test_a_missing_setting_is_said_not_raised(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FIREDRILL_VARIANT", "FIREDRILL_VARIANT_FILE"):
        monkeypatch.delenv(name, raising=False)
    current.cache_clear()
    assert serve.main(["api"]) == 2
    assert "FIREDRILL_VARIANT: got nothing" in capsys.readouterr().err
