"""The Grafana dashboard asks for what the lab's parts export, and for nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from dashboard import grafana, queries

CHECKOUT = Path(__file__).resolve().parents[3]
FOLDER = CHECKOUT / "services" / "stack" / "grafana"
STORED = json.loads((FOLDER / "dashboards" / "firedrill.json").read_text())
# tests/unit/test_metrics_doc.py holds this page to what is exported.
DOCUMENTED = set(re.findall(r"^\| `([a-z_]+)` \|", (CHECKOUT / "docs/operate/metrics.md").read_text(), re.MULTILINE))


def expressions() -> list[str]:
    return [target["expr"] for panel in STORED["panels"] for target in panel["targets"]]


def test_the_stored_dashboard_is_what_the_queries_make() -> None:
    assert grafana.document() == STORED, (
        "python -m dashboard.grafana > services/stack/grafana/dashboards/firedrill.json"
    )


def test_every_metric_that_it_asks_for_is_exported() -> None:
    words = {word for expr in expressions() for word in re.findall(r"\b(?:load|shop|gateway|lab|mail)_[a-z_]+", expr)}
    asked = {word.removesuffix("_bucket") if word not in DOCUMENTED else word for word in words}
    assert asked
    assert asked - DOCUMENTED == set()
    (variable,) = STORED["templating"]["list"]
    assert re.search(r"label_values\((\w+),", variable["query"]["query"])[1] in DOCUMENTED  # type: ignore[index]


def test_no_query_of_the_dashboard_is_left_out_but_bounds() -> None:
    every = {query.promql for query in queries.every(grafana.VARIANT)} - {
        queries.client_latency_bounds(grafana.VARIANT).promql, queries.queue_depths().promql,
    }  # fmt: skip
    drawn = set(expressions())
    quantiles = {promql for promql in every if promql.startswith("histogram_quantile(0.5,")}
    assert every - quantiles - drawn == set()


def test_panels_have_one_unit_each_and_do_not_overlap() -> None:
    for _, listed in grafana.panels():
        assert len({query.unit for query in listed}) == 1
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in STORED["panels"]]
    assert len(set(places)) == len(places)


def test_what_provisions_it_names_the_same_source_and_folder() -> None:
    (source,) = yaml.safe_load((FOLDER / "provisioning/datasources/firedrill.yml").read_text())["datasources"]
    assert source["uid"] == grafana.DATASOURCE["uid"]
    (provider,) = yaml.safe_load((FOLDER / "provisioning/dashboards/firedrill.yml").read_text())["providers"]
    service = yaml.safe_load((CHECKOUT / "compose.grafana.yaml").read_text())["services"]["grafana"]
    for value in (source["url"], provider["options"]["path"]):
        assert value.removeprefix("$") in service["environment"]
    assert service["ports"][0].startswith("127.0.0.1:")
