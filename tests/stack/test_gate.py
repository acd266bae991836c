"""The gate on a real PostgreSQL: who is held where, what it leaves alone, and that nothing of it stays behind."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from chaos.adapters.gate import Gate, GateControl
from chaos.config import Postgres
from chaos.model.interleaving import Stop
from tests.stack.shop_fixtures import ShopServices, eventually, shop_services

__all__ = ["shop_services"]

SCHEMA = """
CREATE TABLE seats (id int PRIMARY KEY, taken int NOT NULL DEFAULT 0);
INSERT INTO seats VALUES (1, 0), (2, 0);
CREATE TABLE log (what text);
CREATE TABLE "Odd ""name" (id int);
CREATE TABLE sales (day int, n int) PARTITION BY RANGE (day);
CREATE TABLE sales_1 PARTITION OF sales FOR VALUES FROM (0) TO (10);
CREATE TABLE sales_2 PARTITION OF sales FOR VALUES FROM (10) TO (20);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO log VALUES ('sold'); RETURN NEW; END $$;
CREATE TRIGGER note AFTER UPDATE ON seats FOR EACH ROW EXECUTE FUNCTION note();
"""
CATALOGUE = """
SELECT 'trigger ' || tgrelid::regclass || ' ' || tgname AS what FROM pg_trigger
UNION SELECT 'function ' || oid::regprocedure FROM pg_proc WHERE pronamespace > 16383
UNION SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_'
UNION SELECT 'table ' || oid::regclass FROM pg_class WHERE relkind IN ('r', 'p', 'S', 'v') AND oid > 16383
ORDER BY 1
"""


@dataclass
class Shop:
    """A database of a variant that nobody runs: its sessions are the test's own."""

    address: Postgres
    database: str
    gate: Gate

    @contextmanager
    def session(self, *, autocommit: bool = True, options: str = "") -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(
            host=self.address.host, port=self.address.port, user=self.address.user, password=self.address.password,
            dbname=self.database, autocommit=autocommit, options=options or None,
        ) as connection:  # fmt: skip
            yield connection

    def rows(self, query: str) -> list[Any]:
        with self.session() as connection:
            return connection.execute(query).fetchall()

    def held(self, actor: str) -> Stop:
        eventually(lambda: self.gate.stopped(actor) is not None, what=f"{actor} held", within_s=20)
        stop = self.gate.stopped(actor)
        assert stop is not None
        return stop


def told(statement: str, actor: str) -> str:
    """*statement* with the comment of the shop's middleware."""
    return f"{statement} /*request='{actor}',route='/api/orders/',line='services.py:7',at='place_order'*/"


class Actor(threading.Thread):
    """Runs statements in a session of its own."""

    def __init__(self, shop: Shop, *statements: str, autocommit: bool = True, options: str = "") -> None:
        super().__init__(daemon=True)
        self.shop, self.statements, self.autocommit, self.options = shop, statements, autocommit, options
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            with self.shop.session(autocommit=self.autocommit, options=self.options) as session:
                for statement in self.statements:
                    session.execute(statement)
        except BaseException as error:
            self.error = error

    def end(self) -> None:
        self.join(30)
        assert not self.is_alive()


@pytest.fixture
def shop(shop_services: ShopServices) -> Iterator[Shop]:
    prefix = f"gate{uuid.uuid4().hex[:8]}_"
    address = Postgres("127.0.0.1", shop_services.postgres_port, "postgres", shop_services.password,
                       database_prefix=prefix)  # fmt: skip
    database = f"{prefix}naive"
    with psycopg.connect(shop_services.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database}"')
    shop = Shop(address, database, Gate(address, database))
    with shop.session() as session:
        session.execute(SCHEMA)
    yield shop
    shop.gate.close()
    with psycopg.connect(shop_services.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


def test_a_write_of_nobody_is_counted_even_when_it_is_taken_back(shop: Shop) -> None:
    """A request that decides over a connection of its own, without the comment, can't be held anywhere."""
    shop.gate.install()
    write = "INSERT INTO log VALUES ('x')"
    with shop.session() as session:
        session.execute(told(write, "a1"))
        session.execute("SELECT * FROM seats")
    assert shop.gate.unnamed() == 0
    with shop.session(options="-c application_name=shop\\ relay") as session:
        session.execute(write)
    assert shop.gate.unnamed() == 0
    with shop.session() as session:
        session.execute(write)
    with shop.session(autocommit=False) as session:
        session.execute(write)
        session.rollback()
    assert shop.gate.unnamed() == 2


def test_one_actor_is_held_before_its_write_and_nobody_else(shop: Shop) -> None:
    shop.gate.install()
    shop.gate.hold("a1", [2])
    held = Actor(shop, told("UPDATE seats SET taken = taken + 1 WHERE id = 1", "a1"))
    stop = shop.held("a1")
    assert (stop.name, stop.statement, stop.place) == ("w1", "UPDATE seats", "services.py:7 place_order")
    other = Actor(shop, told("UPDATE seats SET taken = taken + 1 WHERE id = 1", "b1"))
    other.end()
    assert shop.rows("SELECT taken FROM seats WHERE id = 1") == [(1,)]
    shop.gate.let_go("a1", 2)
    held.end()
    assert shop.rows("SELECT taken FROM seats WHERE id = 1") == [(2,)]


def test_a_hold_before_the_commit_has_written_and_nobody_sees_it(shop: Shop) -> None:
    shop.gate.install()
    shop.gate.hold("a1", [5])
    held = Actor(shop, "BEGIN", told("INSERT INTO seats VALUES (7)", "a1"), "COMMIT")
    stop = shop.held("a1")
    assert (stop.name, stop.statement) == ("c2", "COMMIT")
    assert shop.rows("SELECT count(*) FROM seats") == [(2,)]
    shop.gate.let_go("a1", 5)
    held.end()
    assert shop.rows("SELECT count(*) FROM seats") == [(3,)]


def stops_of(shop: Shop, actor: str, running: Actor) -> list[str]:
    """Every stop of *actor*, let go one after the other."""
    seen: list[str] = []

    def step() -> bool:
        stop = shop.gate.stopped(actor)
        if stop is not None and (not seen or stop.name != seen[-1]):
            seen.append(stop.name)
            shop.gate.let_go(actor, stop.number)
        return not running.is_alive()

    eventually(step, what=f"{actor} at its end", within_s=30)
    return seen


def test_statements_that_commit_by_themselves_are_counted_on(shop: Shop) -> None:
    shop.gate.install()
    shop.gate.hold_everywhere("a1")
    running = Actor(shop, told("UPDATE seats SET taken = 1 WHERE id = 2", "a1"), told("DELETE FROM log", "a1"),
                    told("INSERT INTO log VALUES ('x')", "a1"))  # fmt: skip
    # The trigger of the variant's own writes once within the first one; the DELETE takes that row away.
    assert stops_of(shop, "a1", running) == ["w1", "w2", "c3", "w4", "c5", "w6", "c7"]


def test_a_write_that_changes_nothing_has_no_commit_to_hold(shop: Shop) -> None:
    shop.gate.install()
    shop.gate.hold_everywhere("a1")
    assert stops_of(shop, "a1", Actor(shop, told("UPDATE seats SET taken = 1 WHERE id = 99", "a1"))) == ["w1"]


def test_a_transaction_that_is_tried_again_counts_from_its_start(shop: Shop) -> None:
    shop.gate.install()
    shop.gate.hold_everywhere("a1")
    write = told("UPDATE seats SET taken = 1 WHERE id = 99", "a1")
    running = Actor(shop, "BEGIN", write, "ROLLBACK", "BEGIN", write, "COMMIT")
    assert stops_of(shop, "a1", running) == ["w1"]  # the second try passes where the first one was let go


def test_a_message_that_comes_twice_is_held_once(shop: Shop) -> None:
    shop.gate.install()
    shop.gate.hold("t1", [2])
    write = "UPDATE seats SET taken = taken + 1 WHERE id = 1 /*task='shop.charge_order',id='t1'*/"
    first = Actor(shop, write)
    shop.held("t1")
    second = Actor(shop, write)
    second.end()
    assert first.is_alive()
    shop.gate.let_go("t1", 2)
    first.end()
    assert shop.rows("SELECT taken FROM seats WHERE id = 1") == [(2,)]


def test_who_waits_for_a_row_of_the_held_one_is_told(shop: Shop) -> None:
    shop.gate.install()
    write = "UPDATE seats SET taken = taken + 1 WHERE id = 1"
    shop.gate.hold("a1", [7])  # after the write of the variant's own trigger
    held = Actor(shop, "BEGIN", told(write, "a1"), "COMMIT")
    stop = shop.held("a1")
    other = Actor(shop, told(write, "b1"))
    eventually(lambda: shop.gate.waiting_for(stop.pid, "b1") is not None, what="b1 waiting")
    wait = shop.gate.waiting_for(stop.pid, "b1")
    assert wait is not None
    assert (wait.lock, wait.table, wait.statement, wait.known) == ("transactionid", "seats", "UPDATE seats", True)
    shop.gate.let_go("a1", 7)
    held.end()
    other.end()
    assert shop.rows("SELECT taken FROM seats WHERE id = 1") == [(2,)]


def test_a_lock_of_a_whole_table_is_waited_for_like_others(shop: Shop) -> None:
    shop.gate.install()
    shop.gate.hold("a1", [2])
    held = Actor(shop, "BEGIN", "LOCK TABLE seats", told("UPDATE seats SET taken = 1", "a1"), "COMMIT")
    stop = shop.held("a1")
    other = Actor(shop, told("UPDATE seats SET taken = 2", "b1"))
    eventually(lambda: shop.gate.waiting_for(stop.pid, "b1") is not None, what="b1 waiting")
    wait = shop.gate.waiting_for(stop.pid, "b1")
    assert wait is not None
    assert (wait.lock, wait.table) == ("relation", "seats")
    shop.gate.let_go("a1", 2)
    held.end()
    other.end()


def test_the_variants_lock_timeout_does_not_end_a_hold(shop: Shop) -> None:
    shop.gate.install()
    shop.gate.hold("a1", [2])
    held = Actor(shop, told("UPDATE seats SET taken = 1 WHERE id = 1", "a1"), "SELECT pg_sleep(0)",
                 options="-c lock_timeout=20")  # fmt: skip
    shop.held("a1")
    held.join(0.3)
    assert shop.gate.stopped("a1") is not None
    shop.gate.let_go("a1", 2)
    held.end()
    assert held.error is None


def test_its_statement_timeout_does_and_leaves_no_lock(shop: Shop) -> None:
    shop.gate.install()
    shop.gate.hold("a1", [2])
    held = Actor(shop, told("UPDATE seats SET taken = 1 WHERE id = 1", "a1"), options="-c statement_timeout=200")
    held.end()
    assert isinstance(held.error, psycopg.errors.QueryCanceled)
    assert shop.gate.stopped("a1") is None
    shop.gate.let_all_go()
    assert shop.rows("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]


@pytest.mark.parametrize(
    ("statement", "first"),
    [
        ("INSERT INTO sales VALUES (3, 1), (13, 1)", "INSERT INTO sales"),
        ("INSERT INTO sales_2 VALUES (13, 1)", "INSERT INTO sales_2"),
        ('INSERT INTO "Odd ""name" VALUES (1)', "INSERT INTO Odd "),
        ("TRUNCATE log", "TRUNCATE log"),
        ("MERGE INTO seats USING (SELECT 1 AS id) n USING (id) WHEN MATCHED THEN UPDATE SET taken = 2", "MERGE INTO"),
        ("WITH gone AS (DELETE FROM seats RETURNING id) INSERT INTO log SELECT id::text FROM gone", ""),
    ],
)
def test_every_kind_of_table_and_write_has_a_stop(shop: Shop, statement: str, first: str) -> None:
    shop.gate.install()
    if "MERGE" in statement:
        statement = statement.replace("USING (id)", "ON n.id = seats.id")
    shop.gate.hold_everywhere("a1")
    running = Actor(shop, told(statement, "a1"))
    assert shop.held("a1").statement.startswith(first)
    names = stops_of(shop, "a1", running)
    assert names[0] == "w1"
    assert running.error is None


def test_a_table_that_was_renamed_meanwhile_still_has_its_stop(shop: Shop) -> None:
    shop.gate.install()
    with shop.session() as session:
        session.execute("ALTER TABLE log RENAME TO diary")
    shop.gate.hold("a1", [2])
    running = Actor(shop, told("INSERT INTO diary VALUES ('x')", "a1"))
    shop.held("a1")
    shop.gate.close()
    running.end()
    assert shop.rows("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'firedrill%'") == [(0,)]


def test_a_statement_that_does_not_say_whose_it_is_holds_nobody(shop: Shop) -> None:
    shop.gate.install()
    shop.gate.hold_everywhere("a1")
    running = Actor(shop, told("UPDATE seats SET taken = 1 WHERE id = 99", "a0"), "UPDATE seats SET taken = 3")
    running.end()
    assert shop.rows("SELECT DISTINCT taken FROM seats") == [(3,)]


def test_a_prepared_statement_has_the_text_with_which_it_was_prepared(shop: Shop) -> None:
    shop.gate.install()
    shop.gate.hold_everywhere("a1")
    running = Actor(shop, told("PREPARE take AS UPDATE seats SET taken = 4", "a9"), "EXECUTE take")
    running.end()
    assert shop.rows("SELECT DISTINCT taken FROM seats") == [(4,)]


def test_a_comment_in_a_value_is_no_comment(shop: Shop) -> None:
    shop.gate.install()
    shop.gate.hold_everywhere("a1")
    running = Actor(shop, told("INSERT INTO log VALUES ('/*request=''a1''*/')", "b1"))
    running.end()
    assert running.error is None


def test_nothing_of_it_stays_behind(shop: Shop) -> None:
    before = shop.rows(CATALOGUE)
    tables = shop.gate.install()
    assert tables == 6
    assert shop.rows(CATALOGUE) != before
    assert GateControl(shop.address).deviations() == [f"{shop.database}: has the gate of forced interleavings"]
    Actor(shop, told("UPDATE seats SET taken = 1", "a1")).end()
    shop.gate.close()
    shop.gate.close()
    assert shop.rows(CATALOGUE) == before
    assert GateControl(shop.address).deviations() == []


def test_a_lab_that_died_holds_nobody_and_its_gate_is_healed(shop: Shop) -> None:
    before = shop.rows(CATALOGUE)
    shop.gate.install()
    shop.gate.hold("a1", [2])
    running = Actor(shop, told("UPDATE seats SET taken = 5", "a1"))
    shop.held("a1")
    assert shop.gate._connection is not None
    shop.gate._connection.close()  # what the kernel does to a process that is killed
    running.end()
    assert shop.rows("SELECT DISTINCT taken FROM seats") == [(5,)]
    control = GateControl(shop.address)
    assert control.deviations() != []
    control.remove()
    assert control.deviations() == []
    assert shop.rows(CATALOGUE) == before


def test_removal_is_patient_with_a_transaction_that_has_the_table(shop: Shop) -> None:
    shop.gate.install()
    with shop.session(autocommit=False) as session:
        session.execute("UPDATE seats SET taken = 1")
        removing = threading.Thread(target=shop.gate.close)
        removing.start()
        removing.join(0.5)
        assert removing.is_alive()
        session.commit()
    removing.join(20)
    assert GateControl(shop.address).deviations() == []


def test_no_answer_of_the_server_is_a_broken_lab_in_words() -> None:
    control = GateControl(Postgres("127.0.0.1", 1, "postgres", "x"))
    with pytest.raises(Exception, match=r"gate: got .*expected PostgreSQL"):
        control.deviations()


def test_a_view_and_a_function_that_look_for_the_gate_are_named(shop: Shop) -> None:
    shop.gate.install()
    assert shop.gate.lookouts() == []
    with shop.session() as session:
        session.execute("CREATE VIEW weather AS SELECT count(*) FROM pg_trigger WHERE tgname ~ 'gate'")
        session.execute(
            "CREATE FUNCTION mood() RETURNS text LANGUAGE sql AS $$ SELECT current_setting('firedrill.stops') $$"
        )
        session.execute("CREATE VIEW sold AS SELECT sum(taken) FROM seats")
        session.execute("CREATE VIEW humour AS SELECT count(*) FROM pg_constraint WHERE contype = 't'")
        session.execute("CREATE VIEW about AS SELECT reltuples::bigint AS n FROM pg_class WHERE relname = 'seats'")
    assert shop.gate.lookouts() == ["function mood()", "view humour", "view weather"]
