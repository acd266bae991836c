"""What PostgreSQL's log of commits says, byte by byte as `pgoutput` writes it."""

from __future__ import annotations

import struct

import pytest

from chaos.adapters.commits import CommitRecorder, decoded
from chaos.adapters.postgres import PostgresWitness
from chaos.config import Postgres
from chaos.errors import LabBroken
from chaos.model.evidence import Commit

T0_UNIX_S = 1_000_000_000


def begin(at_unix_s: float) -> bytes:
    return b"B" + struct.pack("!qqi", 1, round((at_unix_s - 946_684_800) * 1e6), 7)


def relation(oid: int, table: str, *columns: str) -> bytes:
    listed = b"".join(b"\0" + name.encode() + b"\0" + struct.pack("!ii", 25, -1) for name in columns)
    return (
        b"R" + struct.pack("!i", oid) + b"public\0" + table.encode() + b"\0d" + struct.pack("!h", len(columns)) + listed
    )


def insert(oid: int, *values: str | None) -> bytes:
    def told(value: str | None) -> bytes:
        return b"n" if value is None else b"t" + struct.pack("!i", len(value.encode())) + value.encode()

    return b"I" + struct.pack("!i", oid) + b"N" + struct.pack("!h", len(values)) + b"".join(map(told, values))


COMMIT = b"C" + struct.pack("!bqqq", 0, 1, 2, 3)


def test_a_row_has_the_time_of_its_transaction() -> None:
    messages = [
        begin(T0_UNIX_S + 0.25),
        relation(9, "shop_order", "status", "id"),
        insert(9, None, "o-1"),
        insert(9, "päid", "o-2"),
        COMMIT,
        begin(T0_UNIX_S + 0.5),  # the table is not described again
        insert(9, "paid", "o-3"),
        COMMIT,
    ]
    assert [(row.row_id, row.committed_unix_s) for row in decoded(messages)] == [
        ("o-1", T0_UNIX_S + 0.25),
        ("o-2", T0_UNIX_S + 0.25),
        ("o-3", T0_UNIX_S + 0.5),
    ]


def test_only_orders_are_told() -> None:
    messages = [
        begin(T0_UNIX_S),
        relation(1, "shop_outbox", "id", "order_id"),
        relation(2, "my_order", "id"),
        insert(1, "5", "o-1"),
        insert(2, "6"),
        COMMIT,
    ]
    assert list(decoded(messages)) == [Commit(table="my_order", row_id="6", committed_unix_s=T0_UNIX_S)]


def test_what_is_cut_off_is_no_answer() -> None:
    with pytest.raises(struct.error):
        list(decoded([begin(T0_UNIX_S), relation(9, "shop_order", "id"), insert(9, "o-1")[:9]]))


def test_without_a_server_asking_says_why() -> None:
    nobody = Postgres(host="127.0.0.1", port=1, user="u", password="p")
    recorder = CommitRecorder(PostgresWitness(nobody, "naive"))
    recorder.start()
    with pytest.raises(LabBroken, match=r"commits: got .* expected a replication slot"):
        recorder.commits()


def test_a_recording_that_was_never_started_has_no_answer() -> None:
    recorder = CommitRecorder(PostgresWitness(Postgres(host="h", port=1, user="u", password="p"), "naive"))
    with pytest.raises(LabBroken, match="never started"):
        recorder.commits()
