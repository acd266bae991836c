"""What `firedrill queries` and `explain` show of an exchange run: request, answer, statements, lines side by side."""

from __future__ import annotations

import re

from chaos.judge.explain.exchanges import explained
from chaos.report import explain, queries
from tests.unit.chaos.invariants.exchanged import Shop


def growing() -> Shop:
    asked = Shop("reads", rows=[3, 9])
    asked.makes = lambda case, rows: 2 + rows if case.operation == "listEvents" else 1
    return asked


def test_all_operations_in_a_row_each() -> None:
    before, after = growing().record(), Shop("reads", rows=[3, 9]).record()
    lines = list(queries.overview_lines(after, before))
    assert len(lines) == 7
    assert lines[0].startswith("listEvents       2 → 2 queries at 3 and 9 rows")
    assert "before 5 → 11 queries at 3 and 9 rows" in lines[0]
    assert "rows that came back: 3, 9" in lines[0]


def test_one_operation_by_statement_and_line() -> None:
    lines = list(queries.operation_lines(growing().record(), None, "listEvents"))
    assert len(lines) == 1
    assert "5 → 11 ×" in lines[0]
    assert "serializers.py:55 EventSerializer.venue: SELECT * FROM shop_event WHERE id = ?" in lines[0]


def test_for_programs() -> None:
    told = queries.document(growing().record(), None, ["listEvents"])
    assert told["before"] is None
    assert told["after"]["listEvents"]["queries"] == {"3": 5, "9": 11}  # type: ignore[index]


def test_a_counterexample_is_the_request_beside_its_statements() -> None:
    shop = growing()
    finding = shop.judge("queries_do_not_grow")
    text = explain.text(explained(finding, shop.record(), ()))
    few, many = (line for line in text.splitlines() if line.startswith(("  A ", "  B ")))
    assert re.search(r"\"\$API\"'/api/events/(?:\?page_size=\d+)?'", few)
    assert "200" in few
    assert "5 queries, 3 rows in the world" in few
    assert "11 queries, 9 rows in the world" in many
    assert "11 × SELECT * FROM shop_event WHERE id = ?" in text
    assert "[serializers.py:55 EventSerializer.venue]" in text


def test_what_is_not_on_record_is_said() -> None:
    shop = growing()
    finding = shop.judge("queries_do_not_grow")
    told = explained(finding, Shop("change").record(), None)
    assert set(told.unknown) == {
        *(f"exchange {id_}: not on record" for id_ in finding.counterexample.operations),  # type: ignore[union-attr]
        "the run kept no lines of the shop's log",
    }
