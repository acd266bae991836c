"""What the sources of exchanges send tells neither the section nor that the lab asks."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from chaos.exchanges import KINDS as SOURCES
from chaos.exchanges._source import Ground
from chaos.model.disguise import intent_key
from chaos.model.exchange import Case
from tests.unit.chaos.invariants.exchanged import world

SECTION = "walked"
SENT = ("contract_walk", "orders", "writes", "exploits")


def cases(send: str, *, seed: int = 3, salt: str = "s", events: int = 0, **params: Any) -> list[Case]:
    kind, seeded = SOURCES[send], world()
    asked = kind.params.model_validate({"section": SECTION, "send": send, **params})
    people = {name: msgspec.to_builtins(person) for name, person in seeded.cast.items()}
    return list(kind.cases(asked, Ground(seed=seed, world=seeded, people=people, salt=salt, events=events)))


@pytest.mark.parametrize("salt", ["a", "b", "c", "d", "e"])
@pytest.mark.parametrize("send", SENT)
def test_keys_have_the_form_of_the_loads(send: str, salt: str) -> None:
    form = re.sub(r"[0-9a-z]", "x", intent_key(salt, 1))
    keys = [case.headers["Idempotency-Key"] for case in cases(send, salt=salt) if "Idempotency-Key" in case.headers]
    others = {case.headers.get("Idempotency-Key") for case in cases(send, salt=f"{salt}2")}
    given = {key for key in keys if key == "k" * 129}
    assert keys
    for key in set(keys) - given:
        assert re.sub(r"[0-9a-z]", "x", key) == form, key
        assert key not in others


@pytest.mark.parametrize("send", SENT)
def test_no_section_is_named_in_a_request(send: str) -> None:
    for case in cases(send):
        text = re.sub(r"<<[^>]*>>", "", f"{case.path} {case.headers} {case.body}")
        assert SECTION not in text, "places like <<walked-1.id>> are filled in before the request is sent"


@pytest.mark.parametrize("send", ["contract_walk", "orders", "writes"])
def test_bodies_are_written_as_the_load_writes_them(send: str) -> None:
    bodies = [case.body for case in cases(send) if case.operation == "placeOrder" and case.body and '":' in case.body]
    assert bodies
    for body in bodies:
        assert ": " not in body.replace(r"\ud800", "")


def test_a_repeated_key_is_still_repeated() -> None:
    keys = [case.headers.get("Idempotency-Key") for case in cases("contract_walk")]
    again = {key for key in keys if key and keys.count(key) > 1}
    assert len(again) == 1
    sent = [case.body for case in cases("contract_walk") if case.headers.get("Idempotency-Key") in again]
    assert len(sent) == 3
    assert sent[0] == sent[1] != sent[2]
    assert json.loads(sent[0] or "")["reference"]


@pytest.mark.parametrize(("send", "params", "least"), [("reads", {"rows": [5, 20]}, 20), ("pages", {}, 8)])
def test_the_seed_varies_the_size_of_a_page(send: str, params: dict[str, Any], least: int) -> None:
    """A constant one would tell an exchange run; a page of `reads` holds the larger number of rows all the same.

    Some seeds ask `reads` as the load asks, for a page as long as usual.
    """
    seen, usual = set[int](), 0
    for seed in range(20):
        sent = cases(send, seed=seed, **params)
        assert sent == cases(send, seed=seed, **params)
        sizes = {int(found[1]) for case in sent if (found := re.search(r"page_size=(\d+)", case.path))}
        assert len(sizes) <= 1
        usual += not sizes
        for case in sent:
            assert case.about.get("page_size") in (None, *sizes)
        seen |= sizes
    assert len(seen) >= 4
    assert min(seen) >= least
    assert (usual > 0) == (send == "reads")


def test_a_page_as_long_as_usual_holds_all_rows() -> None:
    paths = [case.path for seed in range(20) for case in cases("reads", seed=seed, rows=[5, 51])]
    assert not {"/api/events/", "/api/orders/", "/api/support/orders/"} & set(paths)


@pytest.mark.parametrize("seed", range(20))
def test_the_event_that_changes_is_on_the_page_however_many_there_are_by_then(seed: int) -> None:
    """The cases are made while the world has only its first events."""
    lists = [case for case in cases("change", seed=seed, events=60) if case.operation == "listEvents"]
    assert lists
    assert all(60 <= int(case.path.partition("page_size=")[2]) <= 100 for case in lists)


def made_up(salt: str) -> set[str]:
    """What a walk calls people and things that are not there, without what the contract or the world names."""
    found: set[str] = set()
    for case in cases("contract_walk", salt=salt):
        body = json.loads(case.body) if (case.body or "").startswith("{") and (case.body or "").endswith("}") else {}
        found |= {str(body[name]) for name in ("username", "email", "password", "refresh") if name in body}
        found |= set(re.findall(r"/(?:events|orders|tiers)/([^/?]+)/", case.path))
        found |= set(re.findall(r"[?&]page=(\d+)", case.path))
    given = {"first-event", *(str(tier.tier_id) for tier in world().tiers), *(event.slug for event in world().events)}
    return {one for one in found - given if "<<" not in one and not one.startswith("order-")}


def test_no_name_that_a_walk_makes_up_is_the_same_in_two_labs() -> None:
    one, other = made_up("a"), made_up("b")
    assert len(one) > 10
    assert one & other <= {"a\ud800b"}
