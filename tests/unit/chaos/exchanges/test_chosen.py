"""Some of a section's cases: what they need comes with them, and nothing else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chaos.errors import LabBroken
from chaos.exchanges import KINDS
from chaos.exchanges._chosen import chosen
from chaos.exchanges._source import Ground
from chaos.model.exchange import PLACE, Case
from tests.unit.chaos.invariants.exchanged import world


def of(send: str, ids: tuple[str, ...] = (), **keys: Any) -> list[Case]:
    source = KINDS[send]
    params = source.params.model_validate({"section": "s", "send": send, "ids": ids, **keys})
    seeded = world()
    people = {name: msgspec.to_builtins(person) for name, person in seeded.cast.items()}
    return chosen(source, params, Ground(seed=3, world=seeded, people=people, salt="s", events=60))


def find(cases: list[Case], **wanted: Any) -> Case:
    return next(
        case for case in cases if all(getattr(case, key, case.about.get(key)) == value for key, value in wanted.items())
    )


@pytest.mark.parametrize("send", sorted(KINDS.keys() - {"interleaved", "contract_drawn"}))
def test_all_of_them_without_names(send: str) -> None:
    assert len(of(send)) == len({case.id for case in of(send)})


def test_each_answer_of_the_walk_by_itself() -> None:
    whole = of("contract_walk")
    first = find(whole, operation="listEvents", promised=406)
    kept = of("contract_walk", (first.id,))
    assert first in kept
    assert all(case.about["success"] for case in kept if case != first)
    assert {case.operation for case in kept if case.method == "GET"} == {"listEvents"}
    assert len(kept) < len(whole) / 4


def test_what_has_to_be_refused_comes_with_a_success() -> None:
    whole = of("contract_walk")
    foreign = find(whole, operation="getOrder", identity="admin")
    kept = [case for case in of("contract_walk", (foreign.id,)) if case.operation == "getOrder"]
    assert [case.about["success"] for case in kept] == [True, False]
    assert not kept[0].wait_s


def test_what_a_case_uses_comes_before_it() -> None:
    whole = of("contract_walk")
    for case in whole:
        kept = of("contract_walk", (case.id,))
        ids = [each.id for each in kept]
        assert ids == [each.id for each in whole if each.id in ids]
        for each in kept:
            used = {found["case"] for text in (each.path, each.body or "") for found in PLACE.finditer(text)}
            assert used - {"world"} <= set(ids[: ids.index(each.id)])


def test_what_made_the_state_comes_before_it() -> None:
    """Sold out, tried too often, used twice, logged out: each is expected only after what came before."""
    whole = of("contract_walk")
    sold_out = find(whole, operation="placeOrder", promised=409)
    assert sum(case.operation == "placeOrder" for case in of("contract_walk", (sold_out.id,))) > 1
    too_often = find(whole, operation="login", promised=429)
    assert sum(case.body == too_often.body for case in of("contract_walk", (too_often.id,))) == 6
    again = find(whole, replayed=True)
    assert sum(case.headers == again.headers for case in of("contract_walk", (again.id,))) == 2
    logged_out = next(case for case in whole if case.operation == "getMe" and "Authorization" in case.headers)
    assert any(case.operation == "logout" and case.about["success"] for case in of("contract_walk", (logged_out.id,)))


def test_a_read_is_sent_at_both_sizes() -> None:
    kept = [case for case in of("reads", ("s-17",), rows=(5, 50)) if "closes" not in case.about]
    assert len(kept) == 2
    assert {case.rows for case in kept} == {5, 50}
    assert len({case.operation for case in kept}) == 1


def test_what_the_lab_writes_falls_into_nobodys_time() -> None:
    """Between two sizes comes a request of which nothing is counted, whatever else is left out."""
    kept = of("reads", ("s-1",), rows=(5, 50))
    assert [(case.rows, "closes" in case.about) for case in kept[:3]] == [(5, False), (None, True), (None, True)]


def test_an_order_of_each_size_is_placed_and_looked_at() -> None:
    assert [case.id for case in of("orders", ("s-2",))] == ["s-1", "s-2", "s-5", "s-6"]
    assert [case.id for case in of("orders", ("s-8",))] == ["s-3", "s-4", "s-7", "s-8"]


def test_all_steps_of_an_exploit() -> None:
    whole = of("exploits")
    step = next(case for case in whole if "exploit" in case.about and case.about["step"] == 1)
    kept = of("exploits", (step.id,))
    assert {case.about.get("exploit") for case in kept} == {step.about["exploit"]}
    assert [case.about["step"] for case in kept] == list(range(len(kept)))


def test_an_id_that_no_case_has_is_named() -> None:
    with pytest.raises(LabBroken, match=r"s: ids: got s-999, expected one of s-1 to s-\d+"):
        of("contract_walk", ("s-1", "s-999"))
