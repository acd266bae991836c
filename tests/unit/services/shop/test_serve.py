"""Command lines of the shop's processes."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from services.shop import serve
from services.shop.core.config import Config, current


def configured(*, api_port: int = 18000) -> Config:
    return Config(
        variant="naive", role="manage", postgres_host="", postgres_port=1, postgres_user="", postgres_password="",
        cache_url="", broker_url="", gateway_url="", mail_host="", mail_port=1, secret_key="",
        api_port=api_port, worker_metrics_port=2,
        relay_metrics_port=3, run_dir=Path("/nowhere"),
    )  # fmt: skip


def test_the_api_is_two_processes_on_loopback() -> None:
    command = serve.api_command(configured(api_port=23000))
    options = dict(itertools.pairwise(command))
    assert (options["--host"], options["--port"]) == ("127.0.0.1", "23000")
    assert (options["--workers"], options["--blocking-threads"]) == ("2", "4")
    assert "--no-respawn-failed-workers" in command
    assert "--no-access-log" in command


def test_the_worker_is_prefork_without_colours() -> None:
    command = serve.worker_command(configured())
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
