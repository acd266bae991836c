"""`python -m dashboard.grafana`: a Grafana dashboard of the lab's queries, as JSON for Grafana's provisioning.

It is made of `dashboard.queries`, which are tested against a live Prometheus, so it can't ask for a metric that is not
there. `services/stack/grafana/dashboards/firedrill.json` is its output; a test compares the two.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from chaos.evidence.limits import Curve
from dashboard import queries
from dashboard.queries import Query

DATASOURCE = {"type": "prometheus", "uid": "firedrill"}
VARIANT = "$variant"
UNITS = {"per_s": "reqps", "s": "s", "count": "short", "ratio": "percentunit"}
WIDTH, HEIGHT = 12, 8


def panels() -> list[tuple[str, list[Query]]]:
    """Title and queries; of one panel all have one unit."""
    curve = queries.client_quantile(VARIANT, Curve())
    return [
        ("Requests per second", [queries.offered(VARIANT), queries.served(VARIANT), queries.errors(VARIANT)]),
        ("Share of errors", [queries.error_ratio(VARIANT)]),
        (
            "Latency: p95 of the load from the intended start, and inside the API",
            [curve, queries.api_quantile(VARIANT, 0.95)],
        ),
        ("Answers 5xx of the API", [queries.api_failures(VARIANT)]),
        (
            "Backlog",
            [queries.queued(), queries.unacked(), queries.gateway_in_flight(), queries.outbox_pending(VARIANT)],
        ),
        ("Charges captured since the gateway started", [queries.charges()]),
        ("Proxies: 1 connected, 0 cut", [queries.proxies_enabled()]),
        ("Toxics on the proxies", [queries.proxy_toxics()]),
        ("Circuit breakers: 0 closed, 1 half open, 2 open", [queries.breakers(VARIANT)]),
        ("Failed calls to dependencies", [queries.dependency_errors(VARIANT)]),
        ("Wait for a database connection, p95", [queries.pool_wait(VARIANT)]),
    ]


def document() -> dict[str, Any]:
    """The whole dashboard."""
    return {
        "uid": "firedrill", "title": "Firedrill", "tags": ["firedrill"], "schemaVersion": 39, "version": 1,
        "timezone": "browser", "refresh": "2s", "time": {"from": "now-5m", "to": "now"},
        "description": "What the lab's Prometheus knows. Verdicts come from evidence, never from metrics.",
        "templating": {"list": [{
            "name": "variant", "label": "Variant", "type": "query", "datasource": DATASOURCE, "refresh": 2,
            "query": {"query": "label_values(load_scheduled_total, variant)", "refId": "variant"},
        }]},
        "panels": [_panel(number, title, listed) for number, (title, listed) in enumerate(panels())],
    }  # fmt: skip


def _panel(number: int, title: str, listed: list[Query]) -> dict[str, Any]:
    return {
        "id": number + 1, "type": "timeseries", "title": title, "datasource": DATASOURCE,
        "gridPos": {"h": HEIGHT, "w": WIDTH, "x": number % 2 * WIDTH, "y": number // 2 * HEIGHT},
        "fieldConfig": {"defaults": {"unit": UNITS[listed[0].unit], "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + index), "datasource": DATASOURCE, "expr": query.promql,
                "legendFormat": f"{{{{{query.by}}}}}" if query.by else query.name,
            }
            for index, query in enumerate(listed)
        ],
    }  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=2) + "\n")
