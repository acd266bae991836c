"""What a list of drill 1 is worth, by how it was made: `python bench/audit.py [SEED …] [--evidence DIR]`.

It runs nothing itself, but reads for each draft the newest runs of `contract/promises` and `contract/drawn` on it
(`firedrill run contract/promises --variant draft_1_3`).

    expert       the key, a row each
    walk         every deviation that contract/promises saw in answers
    schemathesis every deviation that contract/drawn saw, and nothing else
    comparison   every difference between the served schema and the contract
    everything   every field of the contract with every kind of deviation
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from chaos.config import evidence_dir
from chaos.drills.contract_audit import KEY, key
from chaos.drills.drafts import Draft, any_drill, made
from chaos.evidence.exchanged import read_exchanged
from chaos.evidence.verdict import read_head
from chaos.invariants._contract import deviations, walked
from chaos.invariants._drawn import smallest
from chaos.load.contract import reference
from chaos.model.audit import LEAST, Row, grade
from chaos.model.conform import Contract
from chaos.model.deviation import FAMILIES, Deviation, Place, normal, place
from chaos.model.exchange import Exchanged
from chaos.model.folder import File
from chaos.model.openapi import facts

_KINDS = {
    "type": "type", "format": "type", "pattern": "type", "required": "required", "enum": "enum", "const": "enum",
    "minimum": "limit", "maximum": "limit", "minLength": "limit", "maxLength": "limit", "documented": "status",
}  # fmt: skip


def newest(evidence: Path, scenario: str, variant: str) -> Path | None:
    """Its newest run; None without one."""
    found = [file.parent for file in sorted(evidence.glob(f"*/{File.VERDICT}"))]
    heads = [(folder, read_head(folder)) for folder in found]
    runs = [folder for folder, head in heads if (head.scenario, head.variant) == (scenario, variant)]
    return runs[-1] if runs else None


def walk(contract: Contract, exchanged: Exchanged) -> Iterator[Deviation]:
    """What the walk saw in answers; what its other checks see is no row of its own."""
    for case, exchange in walked(contract, exchanged):
        if exchange.status and not exchange.cut:
            yield from deviations(contract, case, exchange, int(case.about["promised"]))


def comparison(exchanged: Exchanged) -> Iterator[tuple[str, str, str]]:
    """(operation, where, kind) of every difference between the served schema and the contract."""
    schemas = [one for one in exchanged.exchanges if exchanged.case_of[one.case].about.get("schema")]
    promised, served = facts(reference()), facts(schemas[-1].json())
    for fact in sorted(promised.keys() | served.keys()):
        if promised.get(fact) != served.get(fact):
            yield from _row(fact, extra=fact not in promised)


def _row(fact: str, *, extra: bool) -> Iterator[tuple[str, str, str]]:
    operation, *rest = fact.split(" · ")
    if not rest or rest == ["security"]:
        return
    status = rest.pop(0) if rest[0].isdigit() else ""
    alone = len(rest) == 1 and rest[0].startswith(("query", "header"))
    word = rest.pop() if rest and not alone else "documented"
    kind = "extra" if extra and word == "required" else _KINDS.get(word, "type")
    inside = [part for part in rest if not part.startswith("body")]
    field = inside[-1] if inside else ""
    if field.startswith(("query ", "header ")):
        where = field
    elif not status:
        where = f"request {field}"
    elif int(status) >= 400:
        where = f"error {status} {field}"
    else:
        where = f"response {field}" if inside or word != "documented" else f"status {status}"
    yield operation, where.strip(), kind


def everything(contract: Contract) -> Iterator[tuple[str, str, str]]:
    """Every field that the contract has, with every kind."""
    places = {
        (operation, where) for fact in facts(contract.document) for operation, where, _ in _row(fact, extra=False)
    }
    yield from ((operation, where, kind) for operation, where in sorted(places) for kind in FAMILIES)


def rows(told: Iterable[tuple[str, Place | None, str]]) -> list[Row]:
    """Each once."""
    seen: dict[Any, Row] = {}
    for operation, where, kind in told:
        if where is not None:
            row = _row_of(len(seen) + 1, frozenset({normal(operation)}), where, kind)
            seen.setdefault((operation, where, kind), row)
    return list(seen.values())


def _row_of(line: int, operations: frozenset[str], where: Place, kind: str) -> Row:
    return Row(
        line=line, operations=operations, every=False, where=str(where), place=where, kind=kind, promised="",
        served="", code="",
    )  # fmt: skip


def lists(variant: str, evidence: Path, contract: Contract) -> dict[str, list[Row]]:
    """How the list was made → its rows, for what there is a run of; the expert's is the key itself."""
    found: dict[str, list[Row]] = {}
    if (folder := newest(evidence, "contract/promises", variant)) is not None:
        exchanged = read_exchanged(folder, t0_unix_s=0.0)
        found["walk"] = rows((one.operation, one.place, one.family) for one in walk(contract, exchanged))
        found["comparison"] = rows((name, place(where), kind) for name, where, kind in comparison(exchanged))
    if (folder := newest(evidence, "contract/drawn", variant)) is not None:
        shown = smallest(contract, read_exchanged(folder, t0_unix_s=0.0)).values()
        found["schemathesis"] = rows((one.operation, one.place, one.family) for _, one in shown)
    found["everything"] = rows((name, place(where), kind) for name, where, kind in everything(contract))
    return found


def measured(seed: int, evidence: Path) -> dict[str, Any]:
    """Of one draft."""
    contract = Contract(reference())
    draft = Draft(drill=any_drill(KEY).number, seed=seed)
    known = key(made(draft).key)
    found = lists(draft.variant, evidence, contract)
    expert = [_row_of(number, one.operations, one.places[0], one.kinds[0]) for number, one in enumerate(known, 1)]
    graded = {}
    for name, made_so in {"expert": expert, **found}.items():
        one = grade(made_so, known)
        graded[name] = {
            "rows": len(made_so), "recall": round(one.recall, 2), "planted_recall": round(one.planted_recall or 0, 2),
            "precision": round(one.precision, 2), "core": one.reaches(LEAST["core"], LEAST["core"]),
        }  # fmt: skip
    families = {
        name: dict(Counter(row.kind for row in found[name])) for name in ("walk", "schemathesis") if name in found
    }
    return {"draft": draft.variant, "deviations": len(known), "lists": graded, "families": families}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("seeds", nargs="*", type=int, default=[3], metavar="SEED")
    parser.add_argument("--evidence", type=Path, default=evidence_dir())
    asked = parser.parse_args()
    for seed in asked.seeds:
        sys.stdout.write(json.dumps(measured(seed, asked.evidence), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
