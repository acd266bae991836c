"""A counterexample's tables on the Run page."""

from __future__ import annotations

import re

from chaos.judge.explain.exchanges import explained
from dashboard import story
from tests.unit.chaos.invariants.exchanged import Shop


def test_requests_of_an_exchange_run_can_be_pasted() -> None:
    asked = Shop("reads", rows=[3, 9])
    asked.makes = lambda case, rows: rows
    record = asked.record()
    few, many = story.requests(explained(asked.judge("queries_do_not_grow"), record, ()))
    assert re.fullmatch(r"curl -i \"\$API\"'/api/events/(\?page_size=\d+)?'  # A", few)
    assert many.endswith("  # B")


def test_every_column_of_a_counterexample_has_a_name() -> None:
    """A screen reader reads the head of a column with each of its cells."""
    asked = Shop("reads", rows=[3, 9])
    asked.makes = lambda case, rows: rows
    found = explained(asked.judge("queries_do_not_grow"), asked.record(), ())
    for head, _ in (story.operations(found), story.moments(found)):
        assert all(cell.html for cell in head)
