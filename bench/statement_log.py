"""What it costs to log every statement of a run: CPU of the database's processes, with the log and without.

Needs a stack that is up (`make up`); plays the statements of one order against it, alternating. CPU time is compared,
not wall time, so that other programs on the machine disturb it little.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

import psycopg

from chaos.adapters.postgres import PostgresWitness
from chaos.config import NotUp, read_stack

ORDERS, ROUNDS = 1500, 5
TAG = "/*request='0-1',route='/api/orders/'*/"
STATEMENTS = (
    f"SELECT id, username, email, role, is_active FROM shop_customer WHERE id = 1 {TAG}",
    f"SELECT id, event_id, name, price_cents, capacity, sold FROM shop_tickettier WHERE id = 1 {TAG}",
    "BEGIN",
    f"UPDATE shop_tickettier SET sold = sold WHERE id = 1 {TAG}",
    "ROLLBACK",
    f"SELECT id, order_id, tier_id FROM shop_ticket WHERE order_id IS NULL {TAG}",
)


def cpu_s(pids: list[int]) -> float:
    """User and system time used by *pids* so far; one that has gone counts nothing."""
    total = 0.0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / 100
    return total


def server_pids() -> list[int]:
    """The processes of the stack's database server."""
    stack = read_stack()
    assert not isinstance(stack, NotUp)
    found = []
    for stat in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = stat.read_bytes()
        except OSError:
            continue
        if str(Path(stack.lab_dir) / "postgres").encode() in words:
            found.append(int(stat.parent.name))
    parents = set(found)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) in parents:
            found.append(int(stat.parent.name))
    return sorted(set(found))


def main() -> int:
    """Prints microseconds of CPU per statement, median over the rounds."""
    stack = read_stack()
    if isinstance(stack, NotUp):
        sys.stderr.write(f"{stack.reason}\n")
        return 4
    witness, address = PostgresWitness(stack.postgres, "hardened"), stack.postgres
    taken: dict[bool, list[float]] = {False: [], True: []}
    try:
        with psycopg.connect(
            host=address.host, port=address.port, user=address.user, password=address.password,
            dbname=witness.database, autocommit=True,
        ) as connection, psycopg.ClientCursor(connection) as cursor:  # fmt: skip
            pids = server_pids()
            for _ in range(ROUNDS):
                for logged in (False, True):
                    witness.log_statements(logged)
                    before = cpu_s(pids)
                    for _ in range(ORDERS):
                        for statement in STATEMENTS:
                            cursor.execute(statement)
                    taken[logged].append((cpu_s(pids) - before) / (ORDERS * len(STATEMENTS)))
    finally:
        witness.log_statements(False)
    without, with_log = (statistics.median(taken[logged]) * 1e6 for logged in (False, True))
    print(f"postgres CPU per statement: {without:.1f} µs without the log, {with_log:.1f} µs with it")
    print(f"{with_log - without:.1f} µs more: {(with_log - without) * 200 / 1e4:.2f} % of a core at 200 statements/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
