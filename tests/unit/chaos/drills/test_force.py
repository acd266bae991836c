"""One schedule of a run again, and as a test."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import pytest

from chaos.drills.as_test import PAIRS, test_of
from chaos.drills.force import again, schedule_of
from chaos.errors import InvalidInput
from chaos.exchanges.interleaved import Interleaved
from chaos.model.interleaving import Said, Schedule, Stop
from tests.unit.chaos.load.test_interleaved import SCENARIO, WORLD

test_of.__test__ = False  # type: ignore[attr-defined]  # it makes one


def schedule(name: str = "w2", *, pair: tuple[str, str] = ("buy", "buy"), learnt: bool = False) -> Schedule:
    said = Said(role=pair[0])
    return Schedule(id=f"s/{name}", section="s", pair=pair, steps=(), a=said, b=said, learnt=learnt,
                    stop=Stop(number=4, kind="write", statement="UPDATE shop_tickettier"))  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    text = SCENARIO.format(world=WORLD, pair="[buy, buy]", more=", at_most: 8")
    (tmp_path / "scenario.yaml").write_text(text)
    lines = [schedule("alone", learnt=True), schedule("w1"), schedule("w2")]
    (tmp_path / "schedules.jsonl").write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return tmp_path


def test_the_scenario_is_cut_down_to_one_schedule(run: Path) -> None:
    found = again(run, "s/w2")
    (section,) = found.scenario.exchanges
    assert isinstance(section.params, Interleaved)
    assert section.params.only == "w2"
    assert found.scenario.title == "Forced: s/w2 alone"
    assert found.scenario.proves is None


def test_a_schedule_that_there_was_not_is_refused_with_those_that_there_were(run: Path) -> None:
    with pytest.raises(InvalidInput, match="got 's/w9', expected one of s/w1, s/w2"):
        schedule_of(run, "s/w9")


def test_a_run_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="got a run without forced schedules"):
        schedule_of(tmp_path, "s/w1")


@pytest.mark.parametrize("pair", sorted(PAIRS))
def test_a_test_is_python_and_knows_nothing_of_the_engine(pair: tuple[str, str]) -> None:
    source = test_of(schedule(pair=pair))
    tree = ast.parse(source)
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any(name.split(".")[0] in {"chaos", "services", "loadtests", "launch"} for name in imported)
    assert "@" not in source.replace("@pytest", "")
    assert "FIRST = 4" in source


def test_a_task_is_only_held_by_the_lab() -> None:
    with pytest.raises(InvalidInput, match="expected a pair of requests"):
        test_of(schedule(pair=("charge", "charge")))


def test_a_fault_of_the_run_s_scenario_is_read_as_a_scenario_is(run: Path) -> None:
    """`on` is a word in a scenario; YAML 1.1 would take it for true."""
    file = run / "scenario.yaml"
    fault = "faults:\n  - {inject: down, on: shop_to_cache, during: s}\n"
    file.write_text(file.read_text().replace("blast_radius: []", "blast_radius: [shop_to_cache]") + fault)
    (found,) = again(run, "s/w2").scenario.faults
    assert found.params.on == "shop_to_cache"


@pytest.mark.parametrize("text", ["", "[", "3", "exchanges: []", "title: x\nexchanges: [3]", "a: *b"])
def test_a_scenario_that_can_t_be_read_is_a_sentence(run: Path, text: str) -> None:
    (run / "scenario.yaml").write_text(text)
    with pytest.raises(InvalidInput, match=r"scenario\.yaml: "):
        again(run, "s/w2")
