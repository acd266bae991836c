"""Each flaw of drill 2's bank alone: it costs what its header says, its line is named, and no answer changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from services.stack.bank import Flaw
from tests.stack.bank import SIZES, Asked, Trials, alone, flaws, named
from tests.stack.shop_fixtures import ROOT, ShopServices, shop_services

pytestmark = [pytest.mark.stack, pytest.mark.extended]
__all__ = ["shop_services"]

FLAWS = flaws()
PLANTED = [flaw for flaw in FLAWS if flaw.diffs]


def ceilings() -> dict[str, int]:
    """`METHOD /path/` → queries that the scenario allows."""
    paths = yaml.safe_load((ROOT / "services/shop/contract.yaml").read_text("utf-8"))["paths"]
    names = {item[method]["operationId"]: f"{method.upper()} {path}" for path, item in paths.items() for method in item}
    checks = yaml.safe_load((ROOT / "scenarios/queries/reads.yaml").read_text("utf-8"))["checks"]
    own = next(check["of"] for check in checks if check["invariant"] == "queries_at_most")
    return {names[operation]: most for operation, most in own.items()}


@pytest.fixture(scope="module")
def trials(shop_services: ShopServices, tmp_path_factory: pytest.TempPathFactory) -> Trials:
    return Trials(shop_services, Path(tmp_path_factory.mktemp("bank")))


@pytest.fixture(scope="module")
def before(trials: Trials) -> dict[str, list[Asked]]:
    """What `naive` and `hardened` answer, and with how many statements."""
    return {base: trials.base(base) for base in ("naive", "hardened")}


def answers(asked: list[Asked]) -> list[tuple[str, int, int, str]]:
    return [(one.operation, one.rows, one.status, one.body) for one in asked]


def grown(asked: list[Asked]) -> dict[str, int]:
    """Statements that the larger size costs beyond the smaller one."""
    return {
        operation: sum(
            len(one.statements) * (1 if one.rows == SIZES[1] else -1) for one in asked if one.operation == operation
        )
        for operation in {one.operation for one in asked}
    }


def most(asked: list[Asked]) -> dict[str, int]:
    return {one.operation: len(one.statements) for one in asked if one.rows == SIZES[0]}


@pytest.mark.parametrize("flaw", PLANTED, ids=lambda flaw: flaw.name)
def test_in_naive_its_line_is_named_no_answer_changes_and_it_is_above_the_ceiling(
    trials: Trials, before: dict[str, list[Asked]], flaw: Flaw
) -> None:
    texts = alone(flaw, "naive")
    assert texts is not None
    trials.put(f"n_{flaw.name}", texts)
    after = trials.asked(f"n_{flaw.name}", like="base_naive")
    assert named(flaw, texts, after)
    assert answers(after) == answers(before["naive"])
    if flaw.header["caught by"] == "queries_at_most":
        calm, loud = most(before["naive"]), most(after)
        assert any(calm[one] != loud[one] > ceiling for one, ceiling in ceilings().items())
    # One that grows with the rows may cost nothing here, where naive reads the same relation row by row itself; it
    # remains when that is mended, which is what it is in hardened: the next test.


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.name)
def test_in_hardened_it_costs_what_it_says_and_no_answer_changes(
    trials: Trials, before: dict[str, list[Asked]], flaw: Flaw
) -> None:
    texts = alone(flaw, "hardened")
    assert texts is not None
    trials.put(f"h_{flaw.name}", texts)
    own_tables = not flaw.diffs  # of indexes
    after = trials.asked(f"h_{flaw.name}", like="" if own_tables else "base_hardened")
    assert answers(after) == answers(before["hardened"])
    match flaw.header["caught by"]:
        case "queries_do_not_grow":
            calm, loud = grown(before["hardened"]), grown(after)
            assert any(loud[operation] > calm[operation] for operation in calm)
        case "queries_at_most":
            calm, loud = most(before["hardened"]), most(after)
            assert any(loud[operation] > calm[operation] for operation in calm)
            assert grown(after) == grown(before["hardened"]), "it is not about growth"
