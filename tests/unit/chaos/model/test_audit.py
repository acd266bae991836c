"""Grading the list: recall and precision by maximum matching, and what tries to get around them."""

from __future__ import annotations

from chaos.drills.contract_audit import key
from chaos.drills.discrepancies import read
from chaos.drills.drafts import Planted
from chaos.model.audit import Known, Row, grade
from chaos.model.deviation import FAMILIES

EVENTS, EVENT, ORDERS, PLACE = "GET /api/events/", "GET /api/events/{slug}/", "GET /api/orders/", "POST /api/orders/"
OPERATIONS = (EVENTS, EVENT, ORDERS, PLACE)
FIELDS = ("title", "starts_at", "venue", "performers", "status", "amount_cents")


def known(name: str, operations: tuple[str, ...], where: str, family: str, *, planted: bool = True) -> Planted:
    return Planted(
        name=name, title=name, slot="", flaw="", caught_by="", operations=operations, where=where, family=family,
        places=(), in_naive=not planted, why="",
    )  # fmt: skip


KEY: list[Known] = key(
    [
        known("price", (EVENTS, EVENT), "response tiers[].price_cents", "type"),
        known("left", (EVENTS, EVENT), "response tiers[].remaining", "null"),
        known("placed", (PLACE,), "status 202/201", "status"),
        known("tier", (PLACE,), "request tier | status 400/500", "null, status"),
        known("down", OPERATIONS, "status 503/500", "status", planted=False),
    ]
)


def rows(*lines: tuple[str, str, str]) -> list[Row]:
    head = "| operation | where | kind | promised | served | code |\n|---|---|---|---|---|---|\n"
    text = head + "".join(f"| {operation} | {where} | {kind} | a | b | |\n" for operation, where, kind in lines)
    return read(text, "list.md", operations=OPERATIONS)


EXPERT = (
    (f"{EVENTS}, {EVENT}", "response tiers[].price_cents", "type"),
    (EVENTS, "response remaining", "null"),
    (PLACE, "status 202/201", "status"),
    (PLACE, "request tier", "status"),
    ("*", "status 503/500", "error"),
)


def test_an_expert_has_everything() -> None:
    found = grade(rows(*EXPERT), KEY)
    assert (found.recall, found.planted_recall, found.precision, found.wrong, found.missed) == (1, 1, 1, (), ())
    assert found.found[3] == "price"
    assert found.reaches(0.9, 0.9)


def test_nothing_named_is_nothing_found() -> None:
    found = grade([], KEY)
    assert (found.recall, found.precision, len(found.missed)) == (0, 0, 5)
    assert not found.reaches(0.7, 0.7)


def test_the_matching_is_the_largest() -> None:
    """`status` alone fits two deviations; the one that only it fits gets it, whatever the order."""
    lines = ((PLACE, "status", "status"), (PLACE, "status 202/201", "status"))
    for order in (lines, lines[::-1]):
        found = grade(rows(*order), KEY)
        assert sorted(found.found.values()) in (["placed", "tier"], ["down", "placed"])
        assert found.wrong == ()


def test_the_same_twice_counts_against_it() -> None:
    found = grade(rows(*EXPERT, EXPERT[2], EXPERT[2]), KEY)
    assert (found.recall, found.wrong) == (1, (8, 9))
    assert found.precision == 5 / 7


def test_another_operation_of_the_same_is_neither_right_nor_wrong() -> None:
    lines = ((EVENTS, "response tiers[].price_cents", "type"), (EVENT, "response tiers[].price_cents", "type"))
    found = grade(rows(*lines), KEY)
    assert (len(found.found), len(found.repeated), found.wrong, found.precision) == (1, 1, (), 1)


def test_a_wrong_operation_place_or_kind_tells_nothing() -> None:
    lines = (
        (ORDERS, "response tiers[].price_cents", "type"),
        (EVENTS, "response tiers[].capacity", "type"),
        (EVENTS, "response tiers[].price_cents", "writable"),
        (f"{EVENTS}, {ORDERS}", "response tiers[].price_cents", "type"),
    )
    found = grade(rows(*lines), KEY)
    assert (found.recall, found.precision, len(found.wrong)) == (0, 0, 4)


def test_all_operations_at_once_say_only_what_shows_in_most() -> None:
    found = grade(rows(("*", "status 202/201", "status"), ("*", "response tiers[].price_cents", "type")), KEY)
    assert list(found.found.values()) == ["price"]  # in two of four


def test_naming_every_possible_deviation_does_not_pass() -> None:
    everything = [
        (operation, f"response {field}", kind) for operation in OPERATIONS for field in FIELDS for kind in FAMILIES
    ]
    found = grade(rows(*EXPERT, *everything), KEY)
    assert found.recall == 1
    assert found.precision < 0.05
    assert not found.reaches(0.7, 0.7)


def test_spraying_kinds_at_the_right_places_does_not_pass() -> None:
    sprayed = [(operation, where, kind) for operation, where, _ in EXPERT for kind in FAMILIES]
    found = grade(rows(*sprayed), KEY)
    assert found.recall == 1
    assert found.precision < 0.2


def test_what_naive_has_anyway_is_not_enough() -> None:
    by_heart = grade(rows(EXPERT[4]), [*KEY[4:], *(KEY[4:] * 9)][:1] + KEY[:1])
    assert (by_heart.recall, by_heart.precision, by_heart.planted_recall) == (0.5, 1, 0)
    assert not by_heart.reaches(0.5, 0.5)


def test_without_anything_planted_the_recall_is_of_the_rest() -> None:
    found = grade(rows(EXPERT[4]), KEY[4:])
    assert (found.planted_recall, found.reaches(0.9, 0.9)) == (None, True)
