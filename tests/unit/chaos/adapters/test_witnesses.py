"""Exposure and end state as they are put together from the single witnesses."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from chaos.adapters.postgres import PostgresWitness, _serious
from chaos.adapters.upstream import Upstreams
from chaos.adapters.world import World
from chaos.config import Postgres
from chaos.errors import LabBroken
from chaos.model.evidence import PendingView
from chaos.ports import Pending
from tests.unit.chaos.adapters.servers import closed_port


@dataclass
class FakePostgres:
    """Statistics that the tests move on."""

    n: int = 100
    open_sessions: frozenset[str] = frozenset({"1@a", "2@b"})
    left: tuple[int, int] = (4, 2)
    asked: int = 3

    def transactions(self) -> int:
        return self.n

    def sessions(self) -> frozenset[str]:
        return self.open_sessions

    def asked_since(self, since_unix_s: float) -> int:
        return self.asked

    def pending(self) -> tuple[int, int]:
        return self.left


@dataclass
class FakeWatch:
    """Commands since it began."""

    n: int = 0

    def count(self) -> int:
        return self.n


@dataclass
class FakeRedis:
    """Connection id → idle seconds, per database."""

    watches: dict[int, FakeWatch] = field(default_factory=dict)
    databases: dict[int, dict[str, float]] = field(default_factory=lambda: {0: {"5": 0.0}, 1: {"6": 0.0, "7": 30.0}})

    def clients(self, database: int) -> dict[str, float]:
        return self.databases[database]

    def watch(self, database: int) -> FakeWatch:
        return self.watches.setdefault(database, FakeWatch())

    def broker_depth(self) -> tuple[int, int]:
        return 3, 1


@dataclass
class Ids:
    """Rows of a ledger, of which only the order and the time matter here."""

    order_id: str
    captured_unix_s: float = 0.0


@dataclass
class FakeGateway:
    """Calls by the time of their arrival."""

    arrivals: list[float] = field(default_factory=list)
    charged: list[Ids] = field(default_factory=list)
    refunded: list[Ids] = field(default_factory=list)

    def charges(self) -> list[Ids]:
        return self.charged

    def refunds(self) -> list[Ids]:
        return self.refunded

    def arrived_since(self, since_unix_s: float) -> int:
        return sum(at >= since_unix_s for at in self.arrivals)


@dataclass
class FakeMail:
    """Orders whose mail has arrived, and mails by the time of their arrival."""

    told: list[str] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)

    def mails(self) -> list[Ids]:
        return [Ids(order_id) for order_id in self.told]

    def taken_since(self, since_unix_s: float) -> int:
        return sum(at >= since_unix_s for at in self.arrivals)


@pytest.fixture
def parts() -> tuple[FakePostgres, FakeRedis, FakeGateway, Upstreams]:
    postgres, redis, gateway = FakePostgres(), FakeRedis(), FakeGateway()
    upstreams = Upstreams(
        gateway=gateway,  # type: ignore[arg-type]
        mail=FakeMail(),  # type: ignore[arg-type]
        postgres=postgres,  # type: ignore[arg-type]
        redis=redis,  # type: ignore[arg-type]
        redis_databases={"shop_to_cache": 0, "shop_to_broker": 1},
        now_unix_s=time.time,
    )
    return postgres, redis, gateway, upstreams


def test_postgres_counts_transactions_that_passed_and_sessions_that_were_cut(parts: Any) -> None:
    postgres, _, _, upstreams = parts
    mark = upstreams.mark("shop_to_postgres")
    postgres.n, postgres.open_sessions = 142, frozenset({"2@b", "3@c"})
    assert upstreams.met("shop_to_postgres", mark, cut=False) == (42, "PostgreSQL's statistics: transactions")
    assert upstreams.met("shop_to_postgres", mark, cut=True) == (1, "PostgreSQL's sessions: cut")
    postgres.asked = 50  # behind a black hole their transactions don't end
    assert upstreams.met("shop_to_postgres", mark, cut=False) == (50, "PostgreSQL's sessions: asked")


def test_redis_counts_commands_that_arrived_and_connections_that_were_cut(parts: Any) -> None:
    _, redis, _, upstreams = parts
    mark = upstreams.mark("shop_to_broker")
    redis.watches[1].n = 12
    assert upstreams.met("shop_to_broker", mark, cut=False) == (12, "Redis' own record of its commands")
    redis.databases[1] = {"7": 31.0, "8": 0.0}
    assert upstreams.met("shop_to_broker", mark, cut=True) == (1, "Redis' clients: cut")
    assert upstreams.met("shop_to_cache", upstreams.mark("shop_to_cache"), cut=True) == (0, "Redis' clients: cut")


def test_the_gateway_counts_calls_and_the_shop_s_orders_wait_when_it_is_cut_off(parts: Any) -> None:
    _, _, gateway, upstreams = parts
    gateway.arrivals = [time.time() - 5]
    mark = upstreams.mark("shop_to_gateway")
    gateway.arrivals += [time.time() + 1, time.time() + 2]
    assert upstreams.met("shop_to_gateway", mark, cut=False) == (2, "gateway's record of calls")
    assert upstreams.met("shop_to_gateway", mark, cut=True) == (4, "lab_orders: orders that wait for their charge")


def test_a_worker_is_waited_for_by_what_its_broker_holds(parts: Any) -> None:
    _, _, _, upstreams = parts
    mark = upstreams.mark("worker")
    assert upstreams.met("worker", mark, cut=True) == (4, "the broker: tasks that wait or are in hand")


def test_pending_is_orders_and_messages(parts: Any) -> None:
    postgres, redis, gateway, _ = parts
    gateway.charged, gateway.refunded = [Ids("a"), Ids("b"), Ids("c"), Ids("c")], [Ids("b")]
    mail = FakeMail(told=["a"])
    world = World(  # type: ignore[arg-type]
        gateway=gateway, mail=mail, postgres=postgres, redis=redis, broker=parts[1], commits=parts[1]
    )
    pending = world.pending()
    assert pending == Pending(orders=4, outbox=2, queued=3, unacked=1, untold=1)
    assert pending.total == 11


def test_mails_that_arrived_and_charges_without_one_show_who_met_a_fault_on_their_way(parts: Any) -> None:
    postgres, redis, gateway, _ = parts
    mail = FakeMail(arrivals=[time.time() - 5])
    upstreams = Upstreams(
        gateway=gateway, mail=mail, postgres=postgres, redis=redis, redis_databases={}, now_unix_s=time.time
    )  # type: ignore[arg-type]
    mark = upstreams.mark("shop_to_mail")
    later = time.time() + 1
    mail.arrivals += [later, later]
    gateway.charged = [Ids("before", time.time() - 5), Ids("told", later), Ids("a", later), Ids("b", later)]
    mail.told = ["told"]
    assert upstreams.met("shop_to_mail", mark, cut=False) == (2, "catcher's record of mails")
    said = "gateway's ledger and the catcher: charged, and no mail yet"
    assert upstreams.met("shop_to_mail", mark, cut=True) == (2, said)


def test_pending_work_is_also_a_view(parts: Any) -> None:
    postgres, redis, gateway, _ = parts
    world = World(gateway=gateway, mail=FakeMail(), postgres=postgres, redis=redis, broker=parts[1], commits=parts[1])
    assert world.pending_view() == [PendingView(pending_orders=4, unsent_outbox=2)]


class Rows(PostgresWitness):
    """PostgreSQL that answers every question with the same rows."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        super().__init__(Postgres(host="h", port=1, user="u", password="p"), "naive")
        self.rows = rows

    def _rows(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return self.rows


def test_the_database_is_the_variant_s() -> None:
    assert Rows([]).database == "shop_naive"


def test_pending_of_a_view_that_keeps_the_contract() -> None:
    assert Rows([{"pending_orders": 3, "unsent_outbox": 0}]).pending() == (3, 0)


@pytest.mark.parametrize(
    "rows",
    [[], [{"pending_orders": None, "unsent_outbox": 0}], [{"pending_orders": 1, "unsent_outbox": 1}] * 2],
)
def test_a_view_that_breaks_the_contract_is_no_witness(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(LabBroken, match=r"^lab_pending: got .*, expected one row of two numbers$"):
        Rows(rows).pending()


def test_rows_of_a_learner_s_view_are_checked() -> None:
    with pytest.raises(LabBroken, match=r"^lab_tickets: got .*ticket_id.*, expected the columns of the contract$"):
        Rows([{"order_id": "o", "tier_id": 1}]).tickets()


def test_only_serious_lines_of_our_database_are_kept() -> None:
    lines = [
        '{"error_severity": "ERROR", "dbname": "shop_naive", "message": "deadlock", "state_code": "40P01", "x": 1}',
        '{"error_severity": "LOG", "dbname": "shop_naive", "message": "fine"}',
        '{"error_severity": "ERROR", "dbname": "shop_hardened", "message": "another variant"}',
        '{"error_severity": "PANIC", "message": "the whole server"}',
        '{"error_severity": "FATAL", "dbna',
    ]
    assert _serious([line.encode() for line in lines], "shop_naive") == [
        {"error_severity": "ERROR", "state_code": "40P01", "message": "deadlock"},
        {"error_severity": "PANIC", "message": "the whole server"},
    ]


def test_a_database_that_is_away_is_a_sentence() -> None:
    away = PostgresWitness(Postgres(host="127.0.0.1", port=closed_port(), user="u", password="p4ss"), "naive")
    with pytest.raises(LabBroken, match=r"^postgres: got [^\n]*refused[^\n]*, expected an answer$") as caught:
        away.tiers()
    assert "p4ss" not in str(caught.value)
