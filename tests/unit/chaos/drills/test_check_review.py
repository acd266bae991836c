"""`firedrill check 6`: what can't be graded is refused, and the code before and after, over evidence on disk."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.adapters.samples import sample
from chaos.drills import attempt as attempts
from chaos.drills import review as reviews
from chaos.drills.check import Passed, Try
from chaos.drills.check_review import begun, succeeded
from chaos.drills.results import RunResult
from chaos.errors import InvalidInput
from chaos.exploits._exploit import Scene
from chaos.model.exchange import Case
from chaos.model.folder import File
from chaos.model.notes import Note
from chaos.model.verdict import Verdict
from tests.unit.chaos.invariants.test_back_office import mended, played

SEED = 3
HELD, VIOLATED, INCONCLUSIVE = Verdict.HELD, Verdict.VIOLATED, Verdict.INCONCLUSIVE


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FIREDRILL_LAB_DIR", str(tmp_path / "lab"))
    folder = tmp_path / "shop"
    for name in ("naive", sample(SEED).variant):
        shutil.copytree(attempts.SHOP / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    reviews.start(SEED, shop=folder)
    return folder


def told(shop: Path, *, share: float = 1.0) -> None:
    """Notes of a reader who sees that much of what is planted."""
    flaws = [one for one in sample(SEED).key if one.kind == "flaw"]
    seen_of_it = flaws[: round(len(flaws) * share)]
    notes = [
        Note(file=p.file, line=p.line, last_line=p.last_line, cwe=one.cwe[0], severity="high", why="it is wrong")
        for one in seen_of_it
        for p in one.places[:1]
    ]
    reviews.save_notes(shop / "attempt" / "review", notes)


def planted() -> frozenset[str]:
    return frozenset(one.exploit for one in sample(SEED).key if one.kind == "flaw" and one.exploit)


def test_what_can_t_be_graded_is_refused_before_anything_runs(shop: Path, tmp_path: Path) -> None:
    attempt = shop / "attempt"
    (attempt / ".base").write_text("draft_6_4\n")
    with pytest.raises(InvalidInput, match="got a review of seed 3 in code of draft_6_4, expected both of one seed"):
        begun("attempt", shop)
    (attempt / ".base").write_text("draft_2_4\n")
    with pytest.raises(InvalidInput, match="made from draft_2_4, expected one from a draft of drill 6"):
        begun("attempt", shop)
    shutil.rmtree(attempt / "review")
    with pytest.raises(InvalidInput, match="got no review, expected one"):
        begun("attempt", shop)
    code = tmp_path / "own.py"
    code.write_text("print(1)\n")
    reviews.import_code(code, shop=shop)
    with pytest.raises(InvalidInput, match="check: got imported code, expected a sample of a seed: no machine knows"):
        begun("attempt", shop)


@pytest.mark.parametrize(
    ("before", "after", "judged", "expected", "said"),
    [
        (planted(), (), HELD, HELD, "planted exploits worked on draft_6_3, 0 still work"),
        (planted() - {min(planted())}, (), HELD, INCONCLUSIVE, f"proves nothing: {min(planted())}"),
        (planted(), {min(planted())}, VIOLATED, VIOLATED, "1 still work"),
        (planted(), {"brought_in"}, VIOLATED, VIOLATED, "work that were not planted: brought_in"),
        (planted(), (), VIOLATED, VIOLATED, "0 still work"),  # an address that no longer does what it is for
        (planted(), (), INCONCLUSIVE, INCONCLUSIVE, "0 still work"),  # one that answers 500
    ],
)  # fmt: skip
def test_a_refactor_is_the_code_before_and_after(
    shop: Path, before: Collection[str], after: Collection[str], judged: Verdict, expected: Verdict, said: str
) -> None:
    found = begun("attempt", shop).mended(frozenset(before), frozenset(after), judged)
    assert found.verdict is expected
    assert said in found.reason


def written(folder: Path, *, foreign: bool) -> Path:
    """Evidence of a run; *foreign*: whoever knows the id of an order sees its receipt."""

    def answer(case: Case, scene: Scene) -> tuple[int, Any]:
        if foreign and case.about.get("exploit") == "foreign_receipt":
            return 200, {"id": case.path.split("/")[4]}
        return mended(case, scene)

    folder.mkdir()
    on_record = played(answer)
    (folder / File.CASES).write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in on_record.cases))
    with gzip.open(folder / File.EXCHANGES, "wb") as file:
        file.writelines(msgspec.json.encode(one) + b"\n" for one in on_record.exchanges)
    return folder


def test_what_succeeded_is_read_from_the_evidence(tmp_path: Path) -> None:
    assert succeeded(written(tmp_path / "before", foreign=True)) == {"foreign_receipt"}
    assert succeeded(written(tmp_path / "after", foreign=False)) == frozenset()


def test_the_draft_runs_in_the_core_alone(shop: Path, tmp_path: Path) -> None:
    its = begun("attempt", shop)
    asked: list[str] = []

    def run(variant: str) -> RunResult:
        asked.append(variant)
        folder = written(tmp_path / variant, foreign=True)
        return RunResult(folder=folder, variant=variant, verdict=VIOLATED, findings=(), document={})

    after = written(tmp_path / "attempt", foreign=False)
    tried = Try(seed=7, verdict=HELD, folder=str(after), reason="held")
    found = [Passed(name="review/exploits", verdict=HELD, reason="held", tries=(tried,))]
    assert its.passed("stretch", (), run) == []
    assert asked == []
    (code,) = its.passed("core", found, run)
    assert asked == ["draft_6_3"]
    assert code.verdict is INCONCLUSIVE  # only one exploit worked before
    assert f"1 of {len(planted())} planted exploits worked on draft_6_3" in code.reason
