"""The race that explain shows: two buys of the run, both of which read the tier before either wrote it."""

import msgspec
import pytest

from chaos.evidence.manifest import write_manifest
from chaos.judge.verify import verify
from chaos.model.counterexamples import Counterexamples
from chaos.model.evidence import Tier
from tests.unit.chaos.judge.test_explain import explained, statement, trace

READ = 'SELECT … FROM "shop_tickettier" WHERE "shop_tickettier"."id" = 1 LIMIT 21'
ROUTE = {"route": "/api/orders/"}


def save(sold, more=""):
    return f'UPDATE "shop_tickettier" SET "name" = \'F\', "sold" = {sold} WHERE "shop_tickettier"."id" = 1{more}'


def buy(request, pid, at_s, sold):
    """BEGIN, UPDATE and COMMIT of one request."""
    more = {"request": request, "pid": pid, **ROUTE}
    return [
        statement(at_s, "BEGIN", **more),
        statement(at_s + 0.002, save(sold), line="services.py:47 place_order", **more),
        statement(at_s + 0.004, "COMMIT", **more),
    ]


def read(request, pid, at_s, sql=READ):
    return statement(at_s, sql, request=request, pid=pid, line="views.py:79 OrderList.post", **ROUTE)


@pytest.fixture
def oversold(run):
    """Sixty orders on a tier of three seats."""
    run.state.tiers = [Tier(tier_id=1, event_slug="gig", capacity=3, sold=3, price_cents=100)]
    return run


def raced(run):
    """The two buys on which the finding does not point, and two that lose another change."""
    trace(
        run,
        [
            read("0-14", 11, 1.40), read("0-19", 12, 1.41), *buy("0-14", 11, 1.42, 1), *buy("0-19", 12, 1.43, 1),
            read("0-24", 11, 1.50), read("0-29", 12, 1.51), *buy("0-24", 11, 1.52, 2), *buy("0-29", 12, 1.53, 2),
        ],
    )  # fmt: skip


def test_the_first_pair_and_how_many_changes_were_lost(oversold):
    raced(oversold)
    (found,) = explained(oversold)
    race = found.race
    assert race is not None
    assert race.counted == "2 lost updates of shop_tickettier 1 in this run; this is the first"
    assert race.says == (
        "both read shop_tickettier 1 before either wrote it: C set sold = 1, "
        "then D set sold = 1 from what it had read, and C's change is lost"
    )
    assert race.lines == ("C and D: read at views.py:79 OrderList.post, written at services.py:47 place_order",)
    assert [(op.label, op.id, op.op, op.route) for op in race.operations] == [
        ("C", "0-14", "buy", "/api/orders/"),
        ("D", "0-19", "buy", "/api/orders/"),
    ]
    assert [(m.label, m.text.split()[0]) for m in race.moments if m.kind == "statement"] == [
        ("C", "SELECT"), ("D", "SELECT"),
        ("C", "BEGIN"), ("C", "UPDATE"), ("C", "COMMIT"), ("D", "BEGIN"), ("D", "UPDATE"), ("D", "COMMIT"),
    ]  # fmt: skip
    assert {m.label for m in race.moments} == {"C", "D"}
    assert [m.at_s for m in race.moments] == sorted(m.at_s for m in race.moments)


def test_a_save_of_the_whole_row_shows_the_column_that_matters(oversold):
    """One pair of requests, forced, tells not which column moves: all are written alike."""
    wide = (
        'UPDATE "shop_tickettier" SET "event_id" = 2, "name" = \'F\', "price_cents" = 8400, "capacity" = 2, "sold" = 1 '
        'WHERE "shop_tickettier"."id" = 1'
    )
    more = [{"request": request, "pid": pid, **ROUTE} for request, pid in (("0-14", 11), ("0-19", 12))]
    trace(oversold, [
        read("0-14", 11, 1.40), read("0-19", 12, 1.41),
        *(statement(1.42 + 0.01 * at, wide, line="services.py:47 place_order", **who) for at, who in enumerate(more)),
    ])  # fmt: skip
    (found,) = explained(oversold)
    assert found.race is not None
    assert "set capacity = 2, event_id = 2, name = 'F', price_cents = 8400, sold = 1 from" in found.race.says


def test_who_has_a_letter_in_the_finding_keeps_it(oversold):
    trace(
        oversold,
        [read("0-114", 11, 11.4), read("0-119", 12, 11.41), *buy("0-114", 11, 11.42, 1), *buy("0-119", 12, 11.43, 1)],
    )
    (found,) = explained(oversold)
    assert found.race is not None
    assert [(op.label, op.id) for op in found.race.operations] == [("A", "0-114"), ("B", "0-119")]
    assert found.race.counted == "one lost update of shop_tickettier 1 in this run"


@pytest.mark.parametrize("row", ['"shop_tickettier"."id" = 2', '"shop_tickettier"."id" = \'o114x\''])
def test_a_row_that_the_finding_is_not_about_is_not_shown(oversold, row):
    def elsewhere(one):
        return msgspec.structs.replace(one, sql=one.sql.replace('"shop_tickettier"."id" = 1', row))

    pair = [read("0-14", 11, 1.40), read("0-19", 12, 1.41), *buy("0-14", 11, 1.42, 1), *buy("0-19", 12, 1.43, 1)]
    trace(oversold, map(elsewhere, pair))
    (found,) = explained(oversold)
    assert found.race is None


def test_a_tiers_number_in_another_table_is_another_row(oversold):
    """An event that has the number of the tier by chance: nobody who raced for it bought of the tier."""
    trace(
        oversold,
        [read("0-11", 11, 1.40), read("0-12", 12, 1.41), *buy("0-11", 11, 1.42, 1), *buy("0-12", 12, 1.43, 1)],
    )
    (found,) = explained(oversold)
    assert found.race is None


def test_a_locked_read_is_no_race(oversold):
    locked = READ + " FOR UPDATE"
    first, second = buy("0-14", 11, 1.42, 1), buy("0-19", 12, 1.45, 2)
    first.insert(1, read("0-14", 11, 1.421, locked))
    second.insert(1, read("0-19", 12, 1.451, locked))
    trace(oversold, [read("0-14", 11, 1.40), read("0-19", 12, 1.41), *first, *second])
    (found,) = explained(oversold)
    assert found.race is None


def test_counterexamples_of_a_run_before_there_were_races_are_still_believed(oversold):
    raced(oversold)
    oversold.write_verdict()
    path = oversold.folder / "counterexamples.json"

    def problems():
        write_manifest(oversold.folder, {})
        return verify(oversold.folder, lambda _: oversold.scenario)

    found = explained(oversold)
    without = tuple(msgspec.structs.replace(one, race=None) for one in found)
    path.write_bytes(msgspec.json.encode(Counterexamples(counterexamples=found)))
    assert problems() == []
    path.write_bytes(msgspec.json.encode(Counterexamples(counterexamples=without, version=1)))
    assert problems() == []
    path.write_bytes(msgspec.json.encode(Counterexamples(counterexamples=without)))
    assert problems() == ["counterexamples.json: got others for no_oversell, expected those from the record"]
