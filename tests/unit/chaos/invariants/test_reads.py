"""The checks of drill 2: a true shop holds, and each way of cheating on its queries is caught by a check."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chaos.model.exchange import Case, PlanRead
from chaos.model.verdict import Verdict
from tests.unit.chaos.invariants.exchanged import Shop, world

SIZES = [3, 9]
MATCH = "answers_match_the_world"


def shop(**more: Any) -> Shop:
    return Shop("reads", rows=SIZES, **more)


@pytest.mark.parametrize("check", ["queries_do_not_grow", "queries_at_most", MATCH])
def test_a_true_shop_holds(check: str) -> None:
    found = shop().judge(check)
    assert (found.verdict, found.reason) == (Verdict.HELD, "")


# --- queries ---


def test_more_queries_for_more_rows_are_named_with_statement_and_line() -> None:
    asked = shop()
    asked.makes = lambda case, rows: 2 + rows if case.operation == "listEvents" else 2
    found = asked.judge("queries_do_not_grow")
    assert found.verdict is Verdict.VIOLATED
    assert "listEvents: 5 queries at 3 rows, 11 at 9: 6 more × SELECT * FROM shop_event WHERE id = ?" in found.reason
    assert found.where == "serializers.py:55 EventSerializer.venue"
    assert found.figures["listEvents_at_9"] == 11


def test_a_ceiling_is_for_all_or_for_one() -> None:
    asked = shop()
    asked.makes = lambda case, rows: 7 if case.operation == "listSales" else 2
    assert asked.judge("queries_at_most", queries=7).verdict is Verdict.HELD
    found = asked.judge("queries_at_most", queries=6)
    assert (found.verdict, found.reason) == (
        Verdict.VIOLATED, "listSales: 7 queries at 3 rows, at most 6 expected",
    )  # fmt: skip
    assert asked.judge("queries_at_most", queries=6, of={"listSales": 7}).verdict is Verdict.HELD


@pytest.mark.parametrize(
    "label",
    [lambda exchange: "", lambda exchange: "request-of-another"],
    ids=["raw SQL past the comment", "a false one"],
)
def test_what_the_comment_says_decides_nothing(label: Any) -> None:
    asked = shop()
    asked.makes = lambda case, rows: rows
    asked.labels = label
    found = asked.judge("queries_do_not_grow")
    assert found.verdict is Verdict.VIOLATED
    assert "by their comments not all are of their request" in found.reason


def test_a_query_of_a_thread_after_the_answer_counts() -> None:
    asked = shop()
    asked.makes = lambda case, rows: rows
    asked.late_s = 0.5  # the answer came after 0.2 s
    assert asked.judge("queries_do_not_grow").verdict is Verdict.VIOLATED


def test_a_page_that_does_not_grow_is_inconclusive_about_queries() -> None:
    """A page_size that is ignored: the counts are equal, and so were the pages."""
    asked = shop()

    def small(case: Case, rows: int) -> Any:
        page = asked.true(case, rows)
        if isinstance(page, dict) and "results" in page:
            page["results"] = page["results"][:3]
        return page

    asked.answer = small
    found = asked.judge("queries_do_not_grow")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "listEvents: 3 rows came back of a world with 9" in found.reason


@pytest.mark.parametrize("check", ["queries_do_not_grow", "queries_at_most", MATCH])
def test_an_operation_that_never_succeeds_is_inconclusive_and_named(check: str) -> None:
    asked = shop()
    asked.status = lambda case: 500 if case.operation == "listSales" else 200
    found = asked.judge(check)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "listSales never succeeded at 3 rows" in found.reason


@pytest.mark.parametrize("check", ["queries_do_not_grow", "queries_at_most", MATCH])
def test_a_try_that_failed_is_inconclusive(check: str) -> None:
    """The second try may be the one that shows an answer that was kept: failing it must not help."""
    asked = shop()
    asked.status = lambda case: 500 if case.about.get("try") == 2 else 200
    found = asked.judge(check)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "another try of listEvents, failed: 500" in found.reason


def test_an_answer_that_is_not_all_on_record_is_inconclusive() -> None:
    asked = shop()
    asked.cut = frozenset({"listSales"})
    found = asked.judge(MATCH)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "not all are on record" in found.reason


# --- writes ---


def writing(status: str = "paid") -> Shop:
    """The orders are placed and looked at in a section of their own."""
    before, asked = Shop("orders"), Shop("writes")
    asked.cases = (*before.cases, *asked.cases)
    asked.answer = lambda case, rows: {"status": status}
    return asked


def test_writes_are_sent_twice_for_one_seat_and_for_four() -> None:
    cases = Shop("writes").cases
    once = [("placeOrder", 1), ("cancelOrder", 1), ("placeOrder", 4), ("cancelOrder", 4)]
    assert [(case.operation, case.about["seats"]) for case in cases] == [*once * 2, *[("changeTier", 0)] * 2]
    assert [case.path for case in cases if case.operation == "cancelOrder"] == [
        f"/api/orders/<<orders-{n}.id>>/cancel/" for n in (1, 2, 3, 4)
    ]
    orders = Shop("orders").cases
    assert [case.path for case in orders[4:]] == [f"/api/orders/<<orders-{n}.id>>/" for n in (1, 2, 3, 4)]
    assert [case.about["paid"] for case in cases if "paid" in case.about] == [case.id for case in orders[4:]]


@pytest.mark.parametrize("check", ["queries_do_not_grow", "queries_at_most"])
def test_an_order_without_tickets_shows_nothing_of_what_cancelling_costs(check: str) -> None:
    found = writing("pending").judge(check)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "cancelOrder never succeeded on a paid order" in found.reason


@pytest.mark.parametrize("check", ["queries_do_not_grow", "queries_at_most"])
def test_true_writes_hold(check: str) -> None:
    found = writing().judge(check)
    assert (found.verdict, found.reason) == (Verdict.HELD, "")


def test_a_statement_for_each_ticket_is_violated() -> None:
    asked = writing()
    asked.makes = lambda case, rows: 5 + case.about.get("seats", 0) if case.operation == "cancelOrder" else 5
    found = asked.judge("queries_do_not_grow")
    assert found.verdict is Verdict.VIOLATED
    assert "cancelOrder: 6 queries for 1 seat, 9 for 4 seats: 3 more ×" in found.reason


def settled(tickets: Callable[[int], int], *, again: int = 0) -> Shop:
    """Orders that were paid, with so many statements for the tickets; *again*: times that a task came once more."""
    asked = writing()
    asked.answer = lambda case, rows: {"id": f"0a-{case.id}", "status": "paid"}

    def logs(case: Case) -> list[str]:
        if case.section != "orders" or case.operation != "placeOrder":
            return []
        seats, order = json.loads(case.body or "")["quantity"], f"0a{case.id}".replace("-", "")
        update = [f"UPDATE shop_order SET status = 'paid' WHERE id = '{order}'::uuid"]
        write = [f"INSERT INTO shop_ticket (seat, order_id) VALUES ({n}, '{order}')" for n in range(tickets(seats))]
        return [*update * (1 + (again if seats > 1 else 0)), *write, "SELECT 1 FROM shop_order WHERE id = 'another'"]

    asked.logs = logs
    return asked


def test_a_task_that_writes_row_by_row_is_violated() -> None:
    found = settled(lambda seats: seats).judge("queries_do_not_grow")
    assert found.verdict is Verdict.VIOLATED
    assert "settling an order: 2 queries for 1 seat, 5 for 4 seats: 3 more × INSERT INTO shop_ticket" in found.reason
    assert found.where == "tasks.py:20 charge_order"


@pytest.mark.parametrize("again", [0, 2])
def test_a_task_that_comes_again_is_no_growth(again: int) -> None:
    found = settled(lambda seats: 1, again=again).judge("queries_do_not_grow")
    assert (found.verdict, found.reason) == (Verdict.HELD, "")
    assert "settling an order 2 → 2" in found.measured


def test_orders_that_were_not_paid_say_nothing_of_what_settles_them() -> None:
    asked = settled(lambda seats: seats)
    asked.answer = lambda case, rows: {"id": f"0a-{case.id}", "status": "pending"}
    assert "settling" not in asked.judge("queries_do_not_grow").measured


def test_a_write_has_a_ceiling() -> None:
    asked = writing()
    asked.makes = lambda case, rows: 6 if case.operation == "changeTier" else 5
    found = asked.judge("queries_at_most", queries=5)
    assert (found.verdict, found.reason) == (Verdict.VIOLATED, "changeTier: 6 queries, at most 5 expected")


@pytest.mark.parametrize("check", ["queries_do_not_grow", "queries_at_most"])
def test_a_write_that_never_succeeds_is_inconclusive_and_named(check: str) -> None:
    asked = writing()
    asked.status = lambda case: 409 if case.operation == "cancelOrder" else 200
    found = asked.judge(check)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "cancelOrder never succeeded" in found.reason


# --- what is shown ---


def _bend(operation: str, change: Any) -> Any:
    def bent(asked: Shop) -> None:
        def answer(case: Case, rows: int) -> Any:
            body = asked.true(case, rows)
            return change(body) if case.operation == operation else body

        asked.answer = answer

    return bent


def _empty(asked: Shop) -> None:
    asked.answer = lambda case, rows: (
        {"count": 0, "next": None, "previous": None, "results": []}
        if case.operation.startswith("list") and case.operation != "listSales"
        else asked.true(case, rows)
    )


def _hard_coded(asked: Shop) -> None:
    of_another_seed = Shop("reads", rows=SIZES, seeded=world(price_cents=500))
    asked.answer = of_another_seed.true


def _for_ever(asked: Shop) -> None:
    asked.answer = lambda case, rows: asked.true(case, SIZES[0])


def _first_for_all(asked: Shop) -> None:
    first: dict[str, Any] = {}
    asked.answer = lambda case, rows: first.setdefault(case.path.partition("?")[0], asked.true(case, rows))


def _by_counts(asked: Shop) -> None:
    """Kept for as long as no row comes or goes, which needs no statement but a count."""
    kept: dict[Any, Any] = {}
    asked.answer = lambda case, rows: kept.setdefault((case.path, case.identity, rows), asked.true(case, rows))


def _row_by_row(asked: Shop) -> None:
    """Each row is kept by its id."""
    kept: dict[str, Any] = {}

    def answer(case: Case, rows: int) -> Any:
        body = asked.true(case, rows)
        if case.operation != "listOrders":
            return body
        return _rows(body, [kept.setdefault(row["id"], row) for row in body["results"]])

    asked.answer = answer


def _rows(page: Any, rows: list[Any]) -> Any:
    return {**page, "results": rows}


CHEATS = {
    "an empty list": _empty,
    "a cut list": _bend("listEvents", lambda page: _rows(page, page["results"][:2])),
    "a cut list that says so": _bend("listEvents", lambda page: {**page, "count": 2, "results": page["results"][:2]}),
    "hard-coded rows of a seed": _hard_coded,
    "a cache for ever": _for_ever,
    "the first answer for all": _first_for_all,
    "answers kept while no row comes or goes": _by_counts,
    "rows kept by their ids": _row_by_row,
    "a giant join that returns duplicates": _bend(
        "listOrders", lambda page: _rows(page, [page["results"][0]] * len(page["results"]))
    ),
    "data left out": _bend(
        "listEvents", lambda page: _rows(page, [{**row, "performers": []} for row in page["results"]])
    ),
    "a field left out": _bend("getOrder", lambda order: {name: order[name] for name in order if name != "tickets"}),
    "a field renamed": _bend("getMe", lambda me: {**{n: me[n] for n in me if n != "email"}, "mail": me["email"]}),
    "a field too many": _bend("getMe", lambda me: {**me, "password": "x"}),
    "no revenue": _bend("listSales", lambda rows: [{**row, "revenue_cents": 0} for row in rows]),
    "another order of rows": _bend("listEvents", lambda page: _rows(page, page["results"][::-1])),
    "a number as text": _bend("getMe", lambda me: {**me, "id": "71"}),
    "another time": _bend("getOrder", lambda order: {**order, "created_at": "2026-11-20T10:00:01Z"}),
    "a time without an offset": _bend("getOrder", lambda order: {**order, "created_at": "2026-11-20T10:00:00"}),
    "a list instead of a page": _bend("listEvents", lambda page: page["results"]),
    "no list": _bend("listSales", lambda rows: None),
}


@pytest.mark.parametrize("cheat", CHEATS.values(), ids=CHEATS)
def test_what_is_not_the_world_is_violated(cheat: Any) -> None:
    asked = shop()
    cheat(asked)
    found = asked.judge(MATCH)
    assert found.verdict is Verdict.VIOLATED, found.reason
    assert "curl -i" in found.where


# --- a change ---


def changing() -> Shop:
    asked = Shop("change", within="6s")

    def answer(case: Case, rows: int) -> Any:
        if case.about["when"] != "before":
            asked.changed = {case.about["tier"]: case.about["price_cents"]}
        return asked.true(case, rows)

    asked.answer = answer
    return asked


def test_a_change_that_is_seen_holds() -> None:
    assert changing().judge("change_becomes_visible").verdict is Verdict.HELD


def test_one_old_answer_of_a_process_that_remembers_is_violated() -> None:
    asked = changing()
    fresh, last = asked.answer, asked.cases[-1].id

    def one_old(case: Case, rows: int) -> Any:
        body = fresh(case, rows)
        if case.id == last:
            asked.changed = {}
            return asked.true(case, rows)
        return body

    asked.answer = one_old
    found = asked.judge("change_becomes_visible")
    assert (found.verdict, found.examples) == (Verdict.VIOLATED, (last,))


def test_a_change_that_was_refused_is_inconclusive() -> None:
    asked = changing()
    asked.status = lambda case: 403 if case.operation == "changeTier" else 200
    assert asked.judge("change_becomes_visible").verdict is Verdict.INCONCLUSIVE


def test_an_answer_without_the_tier_is_no_proof_of_the_change() -> None:
    asked = changing()
    true = asked.answer
    asked.answer = lambda case, rows: {} if case.operation == "getEvent" else true(case, rows)
    found = asked.judge("change_becomes_visible")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "does not show the tier" in found.reason


# --- rows read ---


def paging(*, read: int, returned: int = 10, text: str = "", plan: str = "Limit: 10 rows", old_orders: int = 0) -> Shop:
    asked = Shop("pages", rows=100, seeded=world(9), old_orders=old_orders)
    asked.answer = lambda case, rows: {"results": [{}] * asked.page_size}
    asked.explained = lambda case: [
        PlanRead(exchange=case.id, sql="SELECT count(*) FROM shop_event", rows_read=400, rows_returned=1,
                 plan="Aggregate: 1 rows"),
        PlanRead(exchange=case.id, sql=text or "SELECT a FROM shop_event LIMIT 10", rows_read=read,
                 rows_returned=returned, plan=plan),
    ]  # fmt: skip
    return asked


def test_a_page_that_reads_what_it_shows_holds() -> None:
    found = paging(read=10).judge("rows_read_are_rows_returned")
    assert (found.verdict, found.reason) == (Verdict.HELD, "")


def test_a_statement_that_could_not_be_explained_is_inconclusive() -> None:
    asked = paging(read=10)
    known = asked.explained
    asked.explained = lambda case: [*known(case), PlanRead(exchange=case.id, sql="SELECT b FROM t", error="timeout")]
    found = asked.judge("rows_read_are_rows_returned")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "listEvents page 1: not explained: SELECT b FROM t (timeout)" in found.reason


def test_a_page_that_reads_the_whole_table_is_violated() -> None:
    found = paging(read=400).judge("rows_read_are_rows_returned")
    assert found.verdict is Verdict.VIOLATED
    assert (
        "listEvents page 1: 400 rows read for 9, at most 47 expected: SELECT a FROM shop_event LIMIT ?" in found.reason
    )


@pytest.mark.parametrize(
    "skipping", ["LIMIT 10 OFFSET 80", "limit 10\noffset 80", "OFFSET 80 ROWS FETCH FIRST 10 ROWS ONLY"]
)
def test_what_a_deep_page_skips_it_may_read(skipping: str) -> None:
    deep = paging(read=0)
    deep.explained = lambda case: [
        PlanRead(exchange=case.id, sql=f"SELECT a FROM shop_event {skipping}", rows_returned=deep.page_size,
                 rows_read=case.about["page"] * deep.page_size, plan="Limit: 10 rows")
    ]  # fmt: skip
    assert deep.judge("rows_read_are_rows_returned", times=1, slack=0).verdict is Verdict.HELD
    none_skipped = paging(read=95)
    assert none_skipped.judge("rows_read_are_rows_returned", times=1, slack=80).verdict is Verdict.VIOLATED


def test_an_aggregate_over_groups_is_no_count() -> None:
    found = paging(read=400, returned=30, plan="Aggregate: 30 rows").judge("rows_read_are_rows_returned")
    assert found.verdict is Verdict.VIOLATED


def test_a_page_behind_all_that_a_list_leads_to_is_not_there() -> None:
    asked = paging(read=10, old_orders=10_200)
    deep = [case for case in asked.cases if "behind" in case.about]
    assert [(case.operation, case.about["behind"] > 10_000) for case in deep] == [("listAllOrders", True)]
    served = asked.judge("rows_read_are_rows_returned")
    assert (served.verdict, served.examples) == (Verdict.VIOLATED, (deep[0].id,))
    assert f"a page behind {deep[0].about['behind']} rows was served, expected 404" in served.reason
    for status, verdict in ((404, Verdict.HELD), (400, Verdict.INCONCLUSIVE), (503, Verdict.INCONCLUSIVE)):
        asked.status = lambda case, status=status: status if "behind" in case.about else 200  # type: ignore[misc]
        assert asked.judge("rows_read_are_rows_returned").verdict is verdict


def test_an_empty_page_costs_little_and_shows_nothing() -> None:
    asked = paging(read=10)
    asked.answer = lambda case, rows: {"results": []}
    found = asked.judge("rows_read_are_rows_returned")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "0 rows came back, expected a full page" in found.reason


def test_without_a_plan_nothing_is_known() -> None:
    asked = paging(read=10)
    asked.explained = lambda case: []
    assert asked.judge("rows_read_are_rows_returned").verdict is Verdict.INCONCLUSIVE


def test_rows_that_the_answer_does_not_show_are_read_for_nothing() -> None:
    """Python cuts the page out of all rows, so the statement read as many rows as it returned."""
    found = paging(read=400, returned=400, text="SELECT a FROM shop_event").judge("rows_read_are_rows_returned")
    assert found.verdict is Verdict.VIOLATED
    assert "400 rows read for 9" in found.reason


def test_rows_that_were_packed_into_one_are_no_count() -> None:
    text = "SELECT json_agg(a) FROM shop_event"
    packed = paging(read=400, returned=1, text=text, plan="Aggregate: 1 rows").judge("rows_read_are_rows_returned")
    assert packed.verdict is Verdict.VIOLATED
    text = "SELECT COUNT(*), json_agg(a) FROM shop_event"
    packed = paging(read=400, returned=1, text=text, plan="Aggregate: 1 rows").judge("rows_read_are_rows_returned")
    assert packed.verdict is Verdict.VIOLATED


@pytest.mark.parametrize(
    "text",
    [
        'SELECT COUNT(*) AS "__count" FROM "shop_event"',
        "select count(id) from shop_event",
        "select count(*)::bigint from shop_event",
        "SELECT COUNT(*) FROM (SELECT DISTINCT a FROM shop_event) subquery",
        'SELECT COUNT(DISTINCT "shop_event"."id") AS "n" FROM "shop_event"',
    ],
)
def test_a_count_may_read_what_it_counts(text: str) -> None:
    counted = paging(read=400, returned=1, text=text, plan="Aggregate: 1 rows")
    assert counted.judge("rows_read_are_rows_returned").verdict is Verdict.HELD


# --- pages ---


def test_pages_that_show_their_rows_hold() -> None:
    found = Shop("pages", rows=100, seeded=world(100)).judge(MATCH)
    assert (found.verdict, found.figures) == (Verdict.HELD, {"answers": 6, "wrong": 0})


def test_one_page_for_all_is_violated() -> None:
    """The first page is cheap to read, and shown whatever page was asked for."""
    asked = Shop("pages", rows=100, seeded=world(100))
    asked.answer = lambda case, rows: asked.true(msgspec.structs.replace(case, about={"page": 1}), rows)
    found = asked.judge(MATCH)
    assert found.verdict is Verdict.VIOLATED
    assert found.figures == {"answers": 6, "wrong": 3}


def test_links_to_pages_that_do_not_exist_are_violated() -> None:
    asked = Shop("pages", rows=100, seeded=world(100))
    asked.answer = lambda case, rows: asked.true(case, rows) | {"previous": None}
    assert "next or previous does not lead where more rows are" in asked.judge(MATCH).reason


@pytest.mark.parametrize("link", ["http://shop/api/events/?page_size=10&page=1", "http://shop/", "n", "http://[", ""])
def test_a_link_that_leads_elsewhere_is_violated(link: str) -> None:
    asked = Shop("pages", rows=100, seeded=world(100))
    asked.answer = lambda case, rows: asked.true(case, rows) | {"next": link}
    assert f"next is {link!r}, which does not lead to the page behind it" in asked.judge(MATCH).reason


def test_a_page_that_was_refused_is_inconclusive() -> None:
    asked = Shop("pages", rows=100, seeded=world(100))
    asked.status = lambda case: 404 if case.about["page"] > 1 else 200
    found = asked.judge(MATCH)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "got 404, expected 200" in found.reason


@pytest.mark.parametrize("kept", ["venue", "performers"])
def test_what_a_process_remembers_of_a_row_is_old_after_an_edition(kept: str) -> None:
    """A name by id, kept by the process, saves the queries of the second try: nothing else shows it."""
    asked = shop()
    first: dict[str, Any] = {}

    def remembering(case: Case, rows: int) -> Any:
        body = asked.true(case, rows)
        if case.operation == "getEvent":
            body[kept] = first.setdefault(body["slug"], body[kept])
        return body

    asked.answer = remembering
    assert asked.judge(MATCH).verdict is Verdict.VIOLATED
