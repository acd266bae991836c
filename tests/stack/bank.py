"""What each flaw of a bank does to a shop: `python -m tests.stack.bank [NAME…]` prints a table of all of them.

Each flaw is tried alone, in `naive` (where a learner meets it) and in `hardened` (where it is a mutant), on a real
PostgreSQL, whose own log says which statements belong to which request and which line made them.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

from services.stack import bank
from services.stack.bank import Flaw
from services.stack.patched import Tree, package, patched, tree
from services.stack.places import span
from services.stack.unified_diff import parse
from tests.stack.shop_fixtures import NOT_COPIED, ROOT, ShopServices, _start, eventually

PROBE: Final = Path(__file__).with_name("bank_probe.py")
SIZES: Final = (5, 50)
MANY: Final = 1000
"""Where it shows how many rows a page reads."""
_SAID: Final = re.compile(
    r"statement: (?P<sql>.*?) ?/\*(?:request|task='[^']*',id)='(?P<id>[^']*)'(?P<tags>[^*]*)\*/(?=\n|$)", re.DOTALL
)
_LINE: Final = re.compile(r"line='([^']*)'")
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")


@dataclass
class Asked:
    """One request of the probe, with what it cost."""

    rows: int
    operation: str
    status: int
    body: str
    statements: list[tuple[str, str]] = field(default_factory=list)
    """SQL, and the line that made it."""


class Trials:
    """Variants in a folder of their own, each with a database, asked one after the other."""

    def __init__(self, services: ShopServices, folder: Path) -> None:
        self.services, self.root = services, folder / "bank"
        shutil.copytree(ROOT / "services/shop", self.root / "services/shop", ignore=NOT_COPIED)
        shutil.copy(ROOT / "services/__init__.py", self.root / "services/__init__.py")
        with psycopg.connect(services.conninfo("postgres"), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET log_min_duration_statement = 0")
            connection.execute("ALTER SYSTEM SET log_line_prefix = '%m [%p] '")
            connection.execute("SELECT pg_reload_conf()")
            eventually(
                lambda: connection.execute("SHOW log_min_duration_statement").fetchone() == ("0",), what="the log is on"
            )

    def put(self, variant: str, texts: Tree) -> None:
        """Make the package of *variant*."""
        package(self.root / "services/shop" / variant, texts)

    def base(self, name: str, sizes: tuple[int, ...] = SIZES) -> list[Asked]:
        """What *name* answers; as `base_NAME`, because `shop_NAME` may be the database of a shop that others use."""
        self.put(f"base_{name}", tree(ROOT / "services/shop" / name))
        return self.asked(f"base_{name}", sizes)

    def asked(self, variant: str, sizes: tuple[int, ...] = SIZES, *, like: str = "") -> list[Asked]:
        """Migrate (or take the tables of the variant *like*), fill and ask."""
        if like:
            with psycopg.connect(self.services.conninfo("postgres"), autocommit=True) as connection:
                connection.execute(f'CREATE DATABASE "shop_{variant}" TEMPLATE "shop_{like}"')
        shop = self.services.make(variant, root=self.root)
        done = None if like else shop.manage("migrate", "--verbosity", "0")
        assert done is None or done.returncode == 0, done.stdout + done.stderr
        log = self.services.folder / "postgres.log"
        start = log.stat().st_size
        ran = subprocess.run(
            [sys.executable, str(PROBE), *map(str, sizes)],
            cwd=self.root, env=shop.environment, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr[-3000:]
        with log.open("rb") as stream:
            stream.seek(start)
            text = stream.read().decode(errors="replace")
        by_id = defaultdict(list)
        for said in _SAID.finditer(re.sub(r"\n(?!\d{4}-\d\d-\d\d )", " ", text)):
            line = _LINE.search(said["tags"])
            by_id[said["id"]].append((said["sql"], line[1] if line else ""))
        return [
            Asked(one["rows"], one["operation"], one["status"], _normal(one["body"]), by_id[one["id"]])
            for one in json.loads(ran.stdout.splitlines()[-1])
        ]

    def rows_read(self, variant: str, asked: Asked) -> int:
        """Rows that the SELECTs of a request read from tables and indexes, found by EXPLAIN ANALYZE of the same."""
        total = 0
        with psycopg.connect(self.services.conninfo(f"shop_{variant}"), autocommit=True) as connection:
            for sql, _ in asked.statements:
                if sql.startswith("SELECT"):
                    plan = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}".replace("%", "%%")).fetchone()  # type: ignore[arg-type]
                    assert plan is not None
                    total += round(_read(plan[0][0]["Plan"]))
        return total


def _read(node: dict[str, Any]) -> float:
    below = sum(_read(child) for child in node.get("Plans", ()))
    if "Scan" not in node["Node Type"] or node["Node Type"] == "Bitmap Index Scan":
        return below
    return below + (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]


def _normal(body: Any) -> str:
    """Without what differs from one world to the next: ids of orders and tickets, times, the port of a link."""
    names: dict[str, str] = {}
    text = json.dumps(_sorted(body), sort_keys=True)
    return _TIME.sub("TIME", _ID.sub(lambda found: names.setdefault(found[0], f"id{len(names)}"), text))


def _sorted(body: Any) -> Any:
    """With performers and tiers by id: nobody promises an order of them."""
    match body:
        case dict():
            return {
                name: sorted(value, key=lambda row: int(row["id"]))
                if name in ("performers", "tiers")
                else _sorted(value)
                for name, value in body.items()
            }
        case list():
            return [_sorted(value) for value in body]
    return body


def alone(flaw: Flaw, base: str) -> Tree | None:
    """*base* with the flaw and nothing else; None where it is in that base anyway."""
    own = flaw.file.with_suffix(".hardened.patch")
    if base == "naive":
        return patched(tree(ROOT / "services/shop/naive"), flaw.diffs) if flaw.diffs else None
    diffs = parse(own.read_text("utf-8")) if own.is_file() else flaw.diffs
    return patched(tree(ROOT / "services/shop/hardened"), diffs)


def flaws(drill: int = 2) -> list[Flaw]:
    """The bank's, and those of `naive` that have a text for `hardened`."""
    return [
        *bank.planted(drill),
        *(one for one in bank.anyway(drill) if one.file.with_suffix(".hardened.patch").is_file()),
    ]


def named(flaw: Flaw, texts: Tree, asked: list[Asked]) -> set[str]:
    """Lines in statements that are the flaw's own: what a learner is shown."""
    spans = [(at.file, lines) for at in flaw.at if (lines := span(texts.get(at.file, ""), at))]
    lines = {line for one in asked for _, line in one.statements if line}
    return {
        line
        for line in lines
        for file, (first, last) in spans
        if line.partition(":")[0] == file and first <= int(line.partition(":")[2]) <= last
    }


def differences(before: list[Asked], after: list[Asked], trials: Trials, names: tuple[str, str]) -> list[str]:
    """Where *after* costs more than *before*: statements at each size, and rows read where there are many."""
    found = []
    cells: dict[str, list[str]] = defaultdict(list)
    for old, new in zip(before, after, strict=True):
        if len(old.statements) != len(new.statements) and new.rows != MANY:
            cells[new.operation].append(f"{new.rows}: {len(old.statements)} → {len(new.statements)}")
        if new.rows == MANY and new.operation.startswith("GET"):
            read = [trials.rows_read(name, one) for name, one in zip(names, (old, new), strict=True)]
            if read[1] > 1.5 * read[0] + 20:
                cells[new.operation].append(f"{new.rows}: {read[0]} → {read[1]} rows read")
    for operation, told in cells.items():
        found.append(f"{operation} ({', '.join(told)})")
    return found


def main(words: list[str]) -> None:
    """Print the table: flaw, check, where it shows in naive and in hardened."""
    with ExitStack() as stack:
        services = _start(stack)
        trials = Trials(services, services.folder)
        base = {name: trials.base(name, (*SIZES, MANY)) for name in ("naive", "hardened")}
        sys.stdout.write("| flaw | slot | caught by | in naive | in hardened |\n|---|---|---|---|---|\n")
        for flaw in flaws():
            if not words or flaw.name in words:
                cells = [_cell(trials, flaw, name, before) for name, before in base.items()]
                about = (flaw.name, flaw.slot, flaw.header.get("caught by", ""))
                sys.stdout.write(f"| {' | '.join((*about, *cells))} |\n")
                sys.stdout.flush()


def _cell(trials: Trials, flaw: Flaw, base: str, before: list[Asked]) -> str:
    """Where the flaw shows in *base*."""
    texts = alone(flaw, base)
    if texts is None:
        return "is there anyway"
    variant = f"{base[0]}_{flaw.name}"
    trials.put(variant, texts)
    own_tables = any(
        path.startswith("migrations/") and text != texts.get(path)
        for path, text in tree(ROOT / "services/shop" / base).items()
    )
    many = flaw.header.get("caught by") == "rows_read_are_rows_returned"
    try:
        after = trials.asked(variant, (*SIZES, MANY) if many else SIZES, like="" if own_tables else f"base_{base}")
    except AssertionError as error:
        return f"**failed: {str(error)[-200:]!r}**"
    before = before[: len(after)]
    shown = differences(before, after, trials, (base, variant))
    other = [
        f"{new.operation} at {new.rows}"
        for old, new in zip(before, after, strict=True)
        if (old.status, old.body) != (new.status, new.body)
    ]
    if other:
        shown.append(f"**other answers: {', '.join(other)}**")
    if not named(flaw, texts, after) and base == "naive":
        shown.append("**its line is not named**")
    return "; ".join(shown) or "**nothing**"


if __name__ == "__main__":
    main(sys.argv[1:])
