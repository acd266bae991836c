"""A counterexample and exchanges as a run leaves them."""

from __future__ import annotations

from typing import Any

from chaos.model.counterexamples import Explained, Moment, Race, Shown
from chaos.model.samples import Sample

OVERSOLD = Explained(
    check="no_oversell",
    says="10 seats were taken when this order took 1 more",
    expected="in every tier, seats ≤ capacity",
    measured="11 of 10 seats taken",
    where="tier 1 (gig)",
    operations=(
        Shown(label="A", id="0-1", op="buy", phase="spike", sent_s=2.0, ended_s=2.1, answer="202 order pending",
              key="k1", order="o1", route="/api/orders/", customer=3, quantity=1),
        Shown(label="B", id="0-2", op="buy", phase="spike", sent_s=2.01, answer="no answer: timeout", quantity=2),
    ),
    moments=(
        Moment(at_s=2.0, until_s=2.1, lane="client", kind="operation", who="0-1", label="A", text="buy: 202"),
        Moment(at_s=2.02, until_s=2.021, lane="database", kind="statement", who="0-1", label="A", session=7,
               text="SELECT <b> & FROM shop_tickettier", where="/api/orders/"),
        Moment(at_s=2.03, until_s=2.04, lane="database", kind="statement", who="0-1", label="A", session=7,
               text="UPDATE shop_tickettier SET sold = 11"),
        Moment(at_s=2.2, lane="gateway", kind="charge", who="o1", label="A", text="charge c1 captured: 100 cents"),
        Moment(at_s=2.3, lane="api", kind="log", who="0-2", label="B", text="ERROR boom\nTraceback"),
    ),
    left_out=4,
    unknown=("the run kept no lines of the shop's log",),
)  # fmt: skip

RACE = Race(
    says="both read shop_tickettier 1 before either wrote it: C set sold = 1, then D set <b> = 1",
    row="shop_tickettier 1",
    count=36,
    lines=("C and D: read at views.py:79 OrderList.post, written at services.py:47 place_order",),
    operations=(
        Shown(label="C", id="0-3", op="buy", phase="spike", sent_s=1.0, ended_s=1.1, answer="202 order pending"),
        Shown(label="D", id="0-4", op="buy", phase="spike", sent_s=1.01, ended_s=1.2, answer="202 order pending"),
    ),
    moments=(
        Moment(at_s=1.0, until_s=1.1, lane="client", kind="operation", who="0-3", label="C", text="buy: 202"),
        Moment(at_s=1.02, lane="database", kind="statement", who="0-4", label="D", session=8, text="SELECT sold",
               line="views.py:79 OrderList.post"),
        Moment(at_s=1.04, lane="database", kind="statement", who="0-3", label="C", session=7, text="UPDATE sold = 1"),
    ),
)  # fmt: skip


def sample(id: str, ended: float, **more: Any) -> Sample:
    base = {"op": "buy", "phase": "spike", "intended": ended - 0.2, "sent": ended - 0.1, "outcome": "ok"}
    return Sample(**{**base, "method": "POST", "path": "/api/orders/", "status": 202, "id": id, "ended": ended, **more})


SAMPLES = (
    sample("0-1", 1.0, body='{"id": 1}'),
    sample(
        "0-5",
        13.0,
        status=503,
        outcome="info",
        reason="http_503",
        headers={"Retry-After": "2", "Content-Type": "application/problem+json", "X-Request-Id": "0-5", "server": "g"},
        body='{"title": "<Busy>"}',
    ),
)
