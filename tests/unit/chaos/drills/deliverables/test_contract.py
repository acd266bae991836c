"""Drill 1's deliverable: what is refused, what is written, and that each row has a request that shows it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.drills import attempt as attempts
from chaos.drills.catalogue import Drill
from chaos.drills.contract_audit import FOLDER, LIST
from chaos.drills.deliverables import contract as deliver_contract
from chaos.drills.deliverables.contract import Run, deliver
from chaos.drills.discrepancies import read
from chaos.drills.shown import shown
from chaos.errors import InvalidInput
from chaos.evidence.record import Record
from chaos.load.contract import reference
from chaos.model.conform import Contract
from chaos.model.exchange import Case, Exchange, Exchanged

ONE = Drill(key="api-contract", number=1, title="T", core=("contract/promises",))
HEAD = "| operation | where | kind | promised | served | code |\n|---|---|---|---|---|---|\n"
ROWS = (
    HEAD
    + "| GET /api/me/ | response id | type | a number | text | serializers.py:3 |\n"
    + "| POST /api/orders/ | request customer | writable | nobody's | taken, a \\| b | views.py:9 |\n"
    + "| GET /api/admin/sales/ | response revenue_cents | null | a number | null | views.py:1 |\n"
    + "| GET /api/events/ | status 404/400 | status | 404 | 400 | views.py:1 |\n"
)


def exchange(name: str, operation: str, body: str, **about: Any) -> tuple[Case, Exchange]:
    common: dict[str, Any] = {"section": "walk", "operation": operation, "identity": "customer", "method": "GET"}
    case = Case(id=name, path="/", about={"promised": 200, **about}, **common)
    answer = Exchange(
        id=name, case=name, path="/", intended=0.0, status=about.get("promised", 200), body=body,
        headers={"content-type": "application/json"}, **common,
    )  # fmt: skip
    return case, answer


def record() -> Record:
    asked = [
        exchange("walk-1", "getMe", '{"id": 1, "username": "a", "email": "a@b", "role": "customer"}'),
        exchange("walk-2", "getMe", '{"id": "1", "username": "```", "email": "a@b", "role": "customer"}'),
        exchange("walk-3", "placeOrder", "{}", promised=202, writes=["customer", 2]),
    ]
    exchanged = Exchanged(cases=tuple(case for case, _ in asked), exchanges=tuple(answer for _, answer in asked))
    nothing: Any = None
    return Record(
        events=[], history=nothing, state=None, driver=None, host=[], histograms=None,
        exchanged=exchanged, contract=Contract(msgspec.json.decode(msgspec.json.encode(reference()))),
    )  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop with a draft and an attempt that was made from it; the newest runs are the ones above."""
    shop = tmp_path / "checkout" / "services" / "shop"
    (shop / "draft_1_4").mkdir(parents=True)
    (shop / "draft_1_4" / "views.py").write_text("old = 1\n")
    attempts.start(shop, base="draft_1_4")
    runs = {"draft_1_4": Run(name="run-1", verdict="violated", summary="Violated: 2.", folder=tmp_path)}
    monkeypatch.setattr(deliver_contract, "newest", runs.get)
    monkeypatch.setattr(deliver_contract, "read_record", lambda _: record())
    return shop


@pytest.fixture
def hand_in(shop: Path, tmp_path: Path) -> Callable[[], list[str]]:
    return lambda: deliver(ONE, tmp_path / "out", shop=shop, top=shop.parent.parent, make=lambda _: None)


def test_what_is_refused(shop: Path, hand_in: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="got a table without rows"):
        hand_in()
    (shop / "attempt" / FOLDER / LIST).write_text(ROWS)
    with pytest.raises(InvalidInput, match="got the code as it was given"):
        hand_in()
    (shop / "attempt" / "views.py").write_text("new = 2\n")
    monkeypatch.setattr(deliver_contract, "newest", lambda _: None)
    with pytest.raises(InvalidInput, match="got no run of contract/promises on draft_1_4, expected one as evidence"):
        hand_in()
    (shop / "attempt" / ".base").write_text("draft_2_4")
    with pytest.raises(InvalidInput, match="expected one from a draft of drill 1"):
        hand_in()


def test_document_text_and_branch(shop: Path, hand_in: Callable[[], list[str]], tmp_path: Path) -> None:
    top = shop.parent.parent
    subprocess.run(["git", "init", "-q"], cwd=top, check=True)
    (shop / "attempt" / FOLDER / LIST).write_text(ROWS)
    (shop / "attempt" / "views.py").write_text("new = 2\n")
    said = hand_in()
    assert said[-1] == "branch: drill-1, to be merged into drill-1-base (git diff drill-1-base drill-1)"
    text = (tmp_path / "out" / "pull-request.md").read_text()
    assert text.startswith("# The API and its contract: 4 discrepancies\n")
    assert "| 4 | GET /api/events/ | status 404/400 | status |" in text  # promised, then served
    assert "Before: contract/promises violated (run-1). Violated: 2." in text
    assert "No run on the attempt yet." in text
    assert "| 2 | POST /api/orders/ | request customer | writable | nobody's | taken, a \\| b | views.py:9 |" in text
    assert "walk-2: '1' is not of type 'integer'" in text
    assert "curl -i -H 'Authorization: Bearer <access token of customer>' \"$API\"'/'" in text
    assert "````\n200 application/json" in text  # what the shop says ends no fence
    assert "walk-3: its answer alone does not show it" in text
    assert "No request of the run is about it: found by reading." in text
    diff = ["git", "diff", "--name-only", "drill-1-base", "drill-1"]
    changed = subprocess.run(diff, cwd=top, check=True, capture_output=True, text=True).stdout.split()
    assert changed == [f"services/shop/attempt/{name}" for name in ("contract/discrepancies.md", "views.py")]
    assert "new = 2" in (tmp_path / "out" / "fixes.patch").read_text()
    assert (tmp_path / "out" / "discrepancies.md").read_text().startswith("# Discrepancies of draft_1_4\n")


@pytest.mark.parametrize(
    ("verdict", "patched", "title", "after"),
    [
        ("held", "new = 2", "# The API keeps its contract: 4 discrepancies mended", "held (run-2). Held: 4.\n"),
        ("violated", "new = 2", "# The API and its contract: 4 discrepancies", "violated (run-2). Held: 4.\n"),
        ("held", "other", "# The API and its contract: 4 discrepancies", "Held: 4. The code has been changed since.\n"),
    ],
)
def test_mended_is_said_only_of_code_that_was_seen_to_hold(
    shop: Path,
    hand_in: Callable[[], list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    verdict: str,
    patched: str,
    title: str,
    after: str,
) -> None:
    (shop / "attempt" / "views.py").write_text(f"{patched}\n")
    ran = attempts.patch("attempt", shop, make=lambda _: None)
    assert ran is not None
    (tmp_path / "attempt.patch").write_bytes(ran)
    (shop / "attempt" / FOLDER / LIST).write_text(ROWS)  # what is written about the code is no change of it
    (shop / "attempt" / "views.py").write_text("new = 2\n")
    before = deliver_contract.newest("draft_1_4")
    assert before is not None
    runs = {"draft_1_4": before, "attempt": Run(name="run-2", verdict=verdict, summary="Held: 4.", folder=tmp_path)}
    monkeypatch.setattr(deliver_contract, "newest", runs.get)
    hand_in()
    text = (tmp_path / "out" / "pull-request.md").read_text()
    assert text.startswith(f"{title}\n")
    assert after in text


def test_a_request_that_is_very_long_is_cut(
    shop: Path, hand_in: Callable[[], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = record()
    long = tuple(msgspec.structs.replace(one, request_body="[" * 100_000) for one in kept.exchanged.exchanges)
    exchanged = Exchanged(cases=kept.exchanged.cases, exchanges=long)
    monkeypatch.setattr(deliver_contract, "read_record", lambda _: replace(kept, exchanged=exchanged))
    (shop / "attempt" / FOLDER / LIST).write_text(ROWS)
    (shop / "attempt" / "views.py").write_text("new = 2\n")
    hand_in()
    text = (tmp_path / "out" / "pull-request.md").read_text()
    assert len(text) < 20_000
    assert "characters in all; `exchanges.jsonl.gz` of the run has it whole" in text


def test_evidence_of_a_status_is_of_that_status() -> None:
    table = HEAD + "| GET /api/me/ | status 200/403 | status | a | b | |\n"
    rows = read(table, LIST, operations=Contract(reference()).operations)
    case, answer = exchange("walk-1", "getMe", "{}")
    exchanged = Exchanged(cases=(case,), exchanges=(msgspec.structs.replace(answer, status=409),))
    assert [one.says for one in shown(rows, replace(record(), exchanged=exchanged)).values()] == [""]


def test_without_a_repository_there_is_the_patch(shop: Path, hand_in: Callable[[], list[str]]) -> None:
    (shop / "attempt" / FOLDER / LIST).write_text(ROWS)
    (shop / "attempt" / "views.py").write_text("new = 2\n")
    assert "is no git repository; fixes.patch has the same change" in hand_in()[-1]


def test_the_request_that_shows_a_row_comes_before_one_that_is_about_it() -> None:
    rows = read(ROWS, LIST, operations=Contract(reference()).operations)
    found = shown(rows, record())
    assert {line: one.exchange.id for line, one in found.items()} == {3: "walk-2", 4: "walk-3"}
    assert found[4].says == ""
