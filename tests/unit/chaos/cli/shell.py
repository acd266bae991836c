"""Runs commands in the process of a test, on a lab and an evidence folder of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chaos.drills.conclude import conclude
from chaos.drills.results import RunResult
from chaos.drills.session import Options
from chaos.scenario import Scenario
from tests.unit.chaos.adapters.servers import closed_port
from tests.unit.chaos.runs import run_of, write_run


@dataclass
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


@dataclass
class Shell:
    """Runs commands in this process, with a lab and an evidence folder of its own."""

    lab: Path
    evidence: Path
    call: Callable[..., Said]

    def __call__(self, *arguments: str) -> Said:
        said = self.call(*arguments)
        assert "Traceback" not in said.err
        return said

    def stack(self, **urls: str) -> None:
        """Leave an address book as a running stack does; parts that are not named are at a closed port."""
        nobody = f"http://127.0.0.1:{closed_port()}"
        parts = ("api", "dashboard", "scorecard", "gateway", "mail", "agent", "toxiproxy", "supervisor")
        proxies = {
            name: {"listen": f"127.0.0.1:{closed_port()}", "upstream": "127.0.0.1:1"}
            for name in ("shop_to_postgres", "shop_to_cache", "shop_to_broker", "shop_to_gateway", "shop_to_mail")
        }
        book = {
            "mode": "local",
            "base_port": 27000,
            "lab_dir": str(self.lab),
            "urls": {**dict.fromkeys(parts, nobody), **urls},
            "postgres": {"host": "127.0.0.1", "port": closed_port(), "user": "u", "password": "p"},
            "redis": {"host": "127.0.0.1", "port": closed_port()},
            "proxies": proxies,
            "supervisor": {"username": "u", "password": "p"},
            "lab_token": "t0ken",
            "metrics": {},
            "driver_metrics_port": 0,
            "toxiproxy": {"kind": "builtin", "version": "2.12.0"},
        }
        self.lab.mkdir(exist_ok=True)
        (self.lab / "stack.json").write_text(json.dumps(book))


class FakeLab:
    """A session whose runs end as they are told."""

    def __init__(self) -> None:
        self.results: dict[str, RunResult | BaseException] = {}
        self.asked: list[tuple[str, str, int | None]] = []
        self.options: Options | None = None

    def run(self, scenario: Scenario, variant: str, seed: int | None) -> RunResult:
        self.asked.append((scenario.slug, variant, seed))
        result = self.results[variant]
        if isinstance(result, BaseException):
            raise result
        return result


def finished(root: Path, variant: str, *, oversold: bool = False, late: bool = False) -> RunResult:
    run = run_of(root, f"20261123-101502-steady-{variant}", variant=variant)
    assert run.state is not None
    if oversold:
        run.state.tiers = [type(run.state.tiers[0])(tier_id=1, event_slug="gig", capacity=5, sold=5, price_cents=100)]
    if late:
        run.driver = {"send_lag_p99_s": 0.5}
    return conclude(write_run(run), index=None, say=pytest.fail)
