"""docs/operate/metrics.md against what is really exported: every family with its type and labels, and no other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `([a-z_]+)` \| (\w+) \| (\w+) \|\s*(.*?)\s*\| (.+) \|$")

# Each part exports in a process of its own: gevent, Django settings and default registries stay out of this one.
FAMILIES = """
import json, sys
def families(registry):
    found = {}
    for metric in registry.collect():
        if metric.name.startswith(("process_", "python_")):
            continue
        names = {label for sample in metric.samples for label in sample.labels} - {"le"}
        kind = metric.type
        found[metric.name + ("_total" if kind == "counter" else "")] = [kind, sorted(names)]
    return found
"""
SHOP = """
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from services.shop.core import metrics
for each in vars(metrics).values():
    if isinstance(each, Counter | Gauge | Histogram):
        each.labels(*["x"] * len(each._labelnames))
print(json.dumps(families(REGISTRY)))
"""
GATEWAY = """
from services.gateway.metrics import Metrics
print(json.dumps(families(Metrics().registry)))
"""
MAIL = """
from services.mail.metrics import Metrics
print(json.dumps(families(Metrics().registry)))
"""
SCORECARD = """
from prometheus_client import REGISTRY
from services.scorecard.metrics import REQUESTS
REQUESTS.labels("x", "x", "x")
print(json.dumps(families(REGISTRY)))
"""
AGENT = """
from types import SimpleNamespace
from prometheus_client import CollectorRegistry
from chaos.agent.metrics import LabCollector
state = SimpleNamespace(enabled=True, toxics=())
collector = LabCollector(
    redis=SimpleNamespace(broker_depth=lambda: (1, 2)),
    toxiproxy=SimpleNamespace(proxies=lambda: {"shop_to_cache": state}), run_id=lambda: "r",
)
registry = CollectorRegistry(auto_describe=False)
registry.register(collector)
print(json.dumps(families(registry)))
"""
LOAD = """
from prometheus_client import CollectorRegistry
from loadtests.metrics import LoadCollector
from loadtests.tally import Shape
shape = Shape(phases=("p",), ops=("buy",), follow_ups=("poll",))
registry = CollectorRegistry(auto_describe=False)
registry.register(LoadCollector(variant="naive", shape=shape, figures=shape.empty, pause=lambda: None))
print(json.dumps(families(registry)))
"""


def exported(part: str, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "secret").write_text("unused")
    env = {
        **os.environ, "PYTHONPATH": str(CHECKOUT), "FIREDRILL_VARIANT": "naive",
        "SHOP_POSTGRES_PASSWORD_FILE": str(tmp_path / "secret"), "SHOP_SECRET_KEY_FILE": str(tmp_path / "secret"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", FAMILIES + part], env=env, cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def documented() -> dict[str, dict[str, Any]]:
    """By heading: name → [type, sorted labels]."""
    found: dict[str, dict[str, Any]] = {}
    heading = ""
    for line in (CHECKOUT / "docs" / "operate" / "metrics.md").read_text().splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif row := ROW.match(line):
            name, kind, _, labels, _ = row.groups()
            found.setdefault(heading, {})[name] = [kind, sorted(re.findall(r"`(\w+)`", labels))]
        else:
            assert not line.startswith("| `"), f"a row that can't be read: {line}"
    return found


@pytest.mark.parametrize(
    ("heading", "part"),
    [
        ("Shop: API, worker and relay", SHOP),
        ("Payment gateway", GATEWAY),
        ("Mail catcher", MAIL),
        ("Load driver", LOAD),
        ("Agent", AGENT),
        ("Scorecard", SCORECARD),
    ],
)
def test_the_list_is_what_is_exported(tmp_path: Path, heading: str, part: str) -> None:
    assert documented()[heading] == exported(part, tmp_path)


def test_no_other_heading_has_a_list() -> None:
    assert len(documented()) == 6


def test_every_series_that_the_dashboard_asks_for_is_documented() -> None:
    from dashboard import queries  # noqa: PLC0415

    names = {name: kind for part in documented().values() for name, (kind, _) in part.items()}
    series = {f"{name}_bucket" if kind == "histogram" else name for name, kind in names.items()}
    asked = {
        word
        for query in queries.every("naive")
        for word in re.findall(r"\b(?:shop|load|lab|gateway|scorecard)_[a-z_]+\b", query.promql)
    }
    assert asked <= series
