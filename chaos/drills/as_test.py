"""A forced schedule as a pytest for the learner's own suite: it needs PostgreSQL and the API, and no engine."""

from __future__ import annotations

from pathlib import Path

from chaos.adapters import gate
from chaos.errors import InvalidInput
from chaos.model.interleaving import Schedule
from chaos.report.interleaving import title

TEMPLATE = Path(__file__).parent / "starter" / "forced.py.txt"
PAIRS = frozenset(
    {
        ("buy", "buy"), ("buy", "buy_again"), ("buy", "cancel"), ("cancel", "buy"), ("cancel", "cancel"),
        ("refresh", "refresh"), ("refresh", "logout"), ("logout", "refresh"), ("refresh", "password"),
        ("password", "refresh"),
    }
)  # fmt: skip
"""Of requests only. A task can be held only together with its worker, which needs the lab."""


def test_of(schedule: Schedule) -> str:
    """Its source. Raises: InvalidInput for a pair with a task."""
    if schedule.pair not in PAIRS:
        raise InvalidInput(
            f"--as-test: got {schedule.id}, which has a task in it, expected a pair of requests:"
            " a worker stands still only for the lab (firedrill force without --as-test)"
        )
    name = schedule.id.replace("/", "_").replace("-", "_")
    number = schedule.stop.number if schedule.stop is not None else 2
    return (
        TEMPLATE.read_text(encoding="utf-8")
        .replace("@TITLE@", title(schedule))
        .replace("@NAME@", name)
        .replace("@PAIR@", repr(schedule.pair))
        .replace("@FIRST@", str(number))
        .replace("@SQL@", gate.INSTALL.strip())
        .replace("@TABLES@", gate.TABLES.strip())
        .replace("@STOPPED@", gate.STOPPED.strip())
        .replace("@WAITING@", gate.WAITING.strip())
    )
