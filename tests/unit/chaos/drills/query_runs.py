"""Folders of runs of drill 2, as far as its report and `firedrill queries` read them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import msgspec

from chaos.drills.deliverables.queries import READS
from chaos.evidence.journal import Journal
from chaos.model.exchange import Case, PlanRead
from chaos.model.folder import File
from chaos.model.journal import EventKind
from chaos.model.verdict import plain
from tests.unit.chaos.documents import document
from tests.unit.chaos.invariants.exchanged import T0_UNIX_S, Shop, world


def reading(growth: int) -> Shop:
    asked = Shop("reads", rows=[3, 9])
    asked.makes = lambda case, rows: 2 + growth * rows if case.operation == "listEvents" else 2
    return asked


def paging(read: int) -> Shop:
    def plans(case: Case) -> list[PlanRead]:
        rows = read if case.operation == "listOrders" else 10
        return [PlanRead(exchange=case.id, sql="SELECT a FROM shop_order LIMIT 10", rows_read=rows, rows_returned=10,
                         plan=f"Limit: 10 rows\n  Sort: {rows} rows")]  # fmt: skip

    asked = Shop("pages", rows=100, seeded=world(9))
    asked.answer = lambda case, rows: {"results": [{}] * 10}
    asked.explained = plans
    return asked


def ran(evidence: Path, name: str, shop: Shop, *, variant: str, scenario: str = READS, base: str = "draft_2_4") -> None:
    folder = evidence / name
    folder.mkdir()
    journal = Journal(folder / File.JOURNAL)
    journal.write(EventKind.LOAD_STARTED, t0_unix_s=T0_UNIX_S)
    told = document(variant=variant, scenario=scenario, verdict="violated", exit_code=1, versions={"base": base})
    (folder / File.VERDICT).write_text(json.dumps(plain(told)))
    record = shop.record()
    for file, found in ((File.CASES, record.cases), (File.EXCHANGES, record.exchanges),
                        (File.QUERIES, record.queries), (File.PLANS, record.plans)):  # fmt: skip
        lines = b"".join(msgspec.json.encode(one) + b"\n" for one in found)
        (folder / file).write_bytes(gzip.compress(lines) if file.endswith(".gz") else lines)
