import gzip
from dataclasses import replace

import msgspec
import pytest

from chaos.evidence.manifest import write_manifest
from chaos.evidence.record import read_record
from chaos.judge.explain import MOST_MOMENTS, MOST_OPERATIONS, explain, readable
from chaos.judge.judge import judge
from chaos.judge.verify import verify
from chaos.model.disguise import request_id
from chaos.model.evidence import GatewayCall, Tier
from chaos.model.trace import LogLine, Statement

T0_UNIX_S = 1_000_000.0


@pytest.fixture
def oversold(run):
    """Sixty orders on a tier of three seats."""
    run.state.tiers = [Tier(tier_id=1, event_slug="gig", capacity=3, sold=3, price_cents=100)]
    return run


def trace(run, statements=(), lines=()):
    run.folder.mkdir(exist_ok=True)
    for name, content in (("statements.jsonl.gz", statements), ("log.jsonl.gz", lines)):
        (run.folder / name).write_bytes(gzip.compress(msgspec.json.Encoder().encode_lines(list(content))))


def explained(run):
    run.write()
    record = read_record(run.folder)
    return explain(run.folder, run.scenario, judge(run.scenario, record), record.state).counterexamples


def statement(at_s, sql, **more):
    return Statement(**{"at_unix_s": T0_UNIX_S + at_s, "pid": 11, "sql": sql, "took_ms": 1.0, **more})


def test_what_is_held_needs_no_explanation(run):
    assert explained(run) == ()


def test_the_two_orders_and_their_operations_stand_on_one_time_line(oversold):
    (found,) = explained(oversold)
    assert found.check == "no_oversell"
    assert [(op.label, op.order) for op in found.operations] == [("A", "o114"), ("B", "o119")]
    assert [m.at_s for m in found.moments] == sorted(m.at_s for m in found.moments)
    assert {m.kind for m in found.moments} == {"operation", "order", "charge"}
    assert {m.who: m.label for m in found.moments} == {"0-114": "A", "0-119": "B", "o114": "A", "o119": "B"}
    assert found.unknown == (
        "the run kept no statements of the database's log",
        "the run kept no lines of the shop's log",
    )


def test_statements_and_log_lines_of_these_operations_only(oversold):
    trace(
        oversold,
        [
            statement(1.401, "SELECT … FROM shop_tickettier", request="0-114", route="/api/orders/"),
            statement(1.402, 'UPDATE "shop_tickettier" SET "sold" = 3', request="0-114", route="/api/orders/"),
            statement(1.403, "SELECT 1", request="0-115"),
        ],
        [
            LogLine(at_unix_s=T0_UNIX_S + 1.41, part="api", level="INFO", text="shop.access: POST", acting_for="0-114"),
            LogLine(at_unix_s=T0_UNIX_S + 1.42, part="api", level="INFO", text="somebody else", acting_for="0-99"),
        ],
    )
    (found,) = explained(oversold)
    sql = [(m.label, m.text, m.where, m.session) for m in found.moments if m.kind == "statement"]
    assert sql == [
        ("A", "SELECT … FROM shop_tickettier", "/api/orders/", 11),
        ("A", "UPDATE shop_tickettier SET sold = 3", "/api/orders/", 11),
    ]
    assert [m.text for m in found.moments if m.kind == "log"] == ["INFO shop.access: POST"]
    assert [op.route for op in found.operations] == ["/api/orders/", ""]
    assert found.unknown == ()


def test_requests_are_known_again_by_the_ids_that_were_sent(oversold):
    """What went over the wire says nothing of the lab; with the history's salt it is made from the operation's id."""
    oversold.write()
    (file,) = (oversold.folder / "history").iterdir()
    plain = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    salted = plain.replace(b'"seed":7', b'"seed":7,"salt":"pepper"', 1)
    assert salted != plain
    file.write_bytes(gzip.compress(salted) if file.suffix == ".gz" else salted)
    sent = request_id("pepper", "0-114")
    lines = [LogLine(at_unix_s=T0_UNIX_S + 1.41, part="api", level="INFO", text="POST", acting_for=sent)]
    trace(oversold, [statement(1.401, "SELECT mine", request=sent), statement(1.4, "SELECT other", request="x")], lines)
    record = read_record(oversold.folder)
    judgement = judge(oversold.scenario, record)
    (found,) = explain(oversold.folder, oversold.scenario, judgement, record.state).counterexamples
    assert [(m.who, m.text) for m in found.moments if m.kind == "statement"] == [("0-114", "SELECT mine")]
    assert [m.who for m in found.moments if m.kind == "log"] == ["0-114"]


def test_a_task_that_names_the_order_belongs_to_it_with_all_its_statements(oversold):
    oversold.change = lambda _at_s, _op, _number: {}
    trace(
        oversold,
        [
            statement(2.0, "SELECT … WHERE id = 'o-114'::uuid", task="shop.charge_order", task_id="t1"),
            statement(2.1, "INSERT INTO payment", task="shop.charge_order", task_id="t1"),
            statement(2.2, "SELECT … WHERE id = 'o99'", task="shop.charge_order", task_id="t2"),
        ],
    )
    (found,) = explained(oversold)
    assert [(m.label, m.where, m.text) for m in found.moments if m.who == "t1"] == [
        ("A", "shop.charge_order", "SELECT … WHERE id = 'o-114'::uuid"),
        ("A", "shop.charge_order", "INSERT INTO payment"),
    ]
    assert not [m for m in found.moments if m.who == "t2"]


def test_statements_of_a_session_keep_the_order_of_the_log(oversold):
    """The log has whole milliseconds: a COMMIT may seem to begin before the UPDATE that it commits."""
    trace(
        oversold,
        [statement(1.4019, "UPDATE a", request="0-114"), statement(1.4012, "COMMIT", request="0-114", took_ms=2.0)],
    )
    (found,) = explained(oversold)
    assert [m.text for m in found.moments if m.kind == "statement"] == ["UPDATE a", "COMMIT"]


def test_calls_of_the_gateway_say_whether_anybody_was_answered(oversold):
    oversold.state.gateway_calls = [
        GatewayCall(order_id="o114", idempotency_key="", arrived_unix_s=T0_UNIX_S + 2, answered_unix_s=None, status=0),
        GatewayCall(order_id="o1", idempotency_key="", arrived_unix_s=T0_UNIX_S + 2, answered_unix_s=None, status=0),
    ]
    (found,) = explained(oversold)
    (call,) = [m for m in found.moments if m.kind == "call"]
    assert (call.label, call.at_s) == ("A", 2.0)
    assert call.text == "charge asked for (no idempotency key): nobody was left to answer"


def test_examples_that_are_operations_name_no_orders(oversold):
    """An id such as 0-11 is in half of all statements: once it drew in what other people's tasks did."""
    trace(oversold, [statement(2.0, "INSERT … 'a-0115'", task="shop.charge_order", task_id="t9")])
    oversold.write()
    record = read_record(oversold.folder)
    judged = judge(oversold.scenario, record)
    findings = tuple(
        replace(finding, counterexample=None, examples=("0-11", "0-114")) if finding.check == "no_oversell" else finding
        for finding in judged.findings
    )
    (found,) = explain(
        oversold.folder, oversold.scenario, replace(judged, findings=findings), record.state
    ).counterexamples
    assert [op.id for op in found.operations] == ["0-11", "0-114"]
    assert not [m for m in found.moments if m.who == "t9"]


def test_what_else_became_of_an_order_fills_up_to_three(oversold):
    """The operations pointed at come first, however many others asked for the same orders."""
    oversold.change = lambda _at_s, op, number: {"order": "o114"} if op == "browse" and number > 120 else {}
    (found,) = explained(oversold)
    assert [op.id for op in found.operations] == ["0-114", "0-119", "0-121"]


def test_it_stays_readable(oversold):
    trace(oversold, [statement(1.4 + n / 1e5, f"SELECT {n}", request="0-114") for n in range(2 * MOST_MOMENTS)])
    (found,) = explained(oversold)
    assert len(found.moments) <= MOST_MOMENTS
    assert len(found.operations) <= MOST_OPERATIONS
    assert found.left_out == 2 * MOST_MOMENTS
    assert {m.kind for m in found.moments} == {"operation", "order", "charge"}


def test_a_violated_slo_shows_its_worst_operations(run):
    run.change = lambda _at_s, op, number: (
        {"took_s": 2.0 + number / 1000} if op == "browse" and 110 < number < 190 else {}
    )
    found = {one.check: one for one in explained(run)}["slo:latency[spike,browse,p95]"]
    assert [op.id for op in found.operations] == ["0-187", "0-188"]
    assert found.says.startswith("the worst operations of phase spike: ")


def test_it_can_be_verified_and_a_changed_one_is_noticed(oversold):
    oversold.write_verdict()
    path = oversold.folder / "counterexamples.json"

    def problems():
        write_manifest(oversold.folder, {})
        return verify(oversold.folder, lambda _: oversold.scenario)

    assert problems() == ["counterexamples.json: got none, expected no_oversell from the record"]
    record = read_record(oversold.folder)
    document = explain(oversold.folder, oversold.scenario, judge(oversold.scenario, record), record.state)
    path.write_bytes(msgspec.json.encode(document))
    assert problems() == []
    path.write_bytes(path.read_bytes().replace(b'"who":"0-114"', b'"who":"0-115"', 1))
    assert problems() == ["counterexamples.json: got others for no_oversell, expected those from the record"]
    path.write_text("[]")
    assert problems()[0].startswith("counterexamples.json: got Expected `object`, got `array`")


def test_sql_without_its_quotes():
    sql = 'UPDATE "shop_t" SET "sold" = 1 WHERE "shop_t"."id" = 7 AND "shop_t"."name" = \'a "b"\''
    assert readable(sql) == "UPDATE shop_t SET sold = 1 WHERE id = 7 AND name = 'a b'"
