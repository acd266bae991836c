"""A whole exchange run with a fake lab and a real HTTP server: what is sent when, what is kept, and its verdict."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaos.adapters.clock import SystemClock
from chaos.drills.conclude import conclude, read_judged
from chaos.drills.crashed import conclude_crashed
from chaos.drills.written import packed
from chaos.errors import LabBroken
from chaos.evidence.figures import read_figures
from chaos.evidence.journal import read_events
from chaos.evidence.manifest import write_manifest
from chaos.evidence.record import read_record
from chaos.evidence.verdict import read_verdict
from chaos.judge.judge import Judgement, judge
from chaos.judge.verify import verify
from chaos.load import parse_scenario
from chaos.load.contract import reference
from chaos.model.exchange import PlanRead, Query
from chaos.model.folder import EXCHANGES_GROWING, File
from chaos.model.journal import EventKind
from chaos.model.verdict import Verdict
from chaos.plan import judged, plan
from chaos.run.request import Pace, Request, Stop, Tools
from chaos.run.runner import perform
from tests.unit.chaos.fakes import FakeCustomers, FakeLease, FakeStack, FakeView, FakeWorld, Outside
from tests.unit.chaos.invariants.exchanged import world
from tests.unit.chaos.invariants.test_written_audit import FIELDS, audited, row
from tests.unit.chaos.scenarios import WHERE

PACE = Pace(heal_s=0.3, worker_ping_s=0.1)
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjo3MX0.c2lnbmF0dXJl"
TEXT = """\
title: Short
drill: 2
hypothesis: It holds.
world: {events: 9, customers: 20}
blast_radius: [shop_to_cache]
settle: 300ms
exchanges:
  - {section: reads, send: reads, rows: [3, 9]}
checks:
  - {invariant: queries_do_not_grow}
  - {invariant: queries_at_most, queries: 3}
"""
OUTAGE = TEXT.replace("checks:", "  - {section: outage, send: change, within: 100ms}\nchecks:").replace(
    "checks:", "faults:\n  - {inject: down, on: shop_to_cache, during: outage}\nchecks:"
)

CONTRACT = """\
title: Short
drill: 1
hypothesis: It holds.
world: {events: 9, customers: 20}
settle: 300ms
exchanges:
  - {section: walk, send: contract_walk, outage: true}
checks:
  - {invariant: conforms_in_an_outage}
"""
AUDIT = CONTRACT.replace(", outage: true", ", only: schema").replace(
    "{invariant: conforms_in_an_outage}", "{invariant: discrepancies_are_told}\n  - {invariant: own_contract_is_right}"
)


class _Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bench: Bench

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, body = self.bench.answer(self.path)
        self.bench.asked.append((self.path, self.headers.get("X-Request-Id", ""), self.bench.paused))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PATCH = do_POST = _answer

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@dataclass
class _Stack(FakeStack):
    def prepare(self, *, world_file: Path, **asked: Any) -> Mapping[str, Any]:
        told = super().prepare(world_file=world_file, **asked)
        document = msgspec.to_builtins(world())
        for person in document["cast"].values():
            person["access"] = TOKEN
        world_file.write_bytes(msgspec.json.encode(document | {"password": "p4ssw0rd-of-all"}))
        return {**told, "identities": {"code": "files"}}

    def identities(self) -> Mapping[str, str]:
        return {**self.parts, "code": "files"}


@dataclass
class _Recorder:
    """Has *makes* queries logged for each request, whatever it was."""

    bench: Bench
    on: bool = False
    emptied: int = 0
    error: str = ""

    def start(self) -> None:
        self.on = True

    def stop(self) -> None:
        self.on = False

    def queries(self) -> list[Query]:
        if self.error:
            raise LabBroken(self.error)
        return self.bench.logged

    def busy(self) -> int:
        return 0

    def empty_cache(self) -> None:
        self.emptied += 1

    def explained(self, exchange: str, queries: Sequence[Query]) -> list[PlanRead]:
        return []


@dataclass
class Bench:
    """Everything around a run."""

    root: Path
    url: str = ""
    outside: Outside = field(default_factory=lambda: Outside(SystemClock()))
    stack: _Stack = field(default_factory=_Stack)
    view: FakeView = field(default_factory=FakeView)
    stop: Stop = field(default_factory=Stop)
    asked: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    logged: list[Query] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    makes: int = 2
    stop_after: int = 10**9

    def __post_init__(self) -> None:
        self.recorder = _Recorder(self)

    @property
    def paused(self) -> tuple[str, ...]:
        return tuple(sorted(self.outside.processes.paused))

    def answer(self, path: str) -> tuple[int, bytes]:
        now = time.time()
        if len(self.asked) >= self.stop_after:
            self.stop.ask("by a test")
        rows = 9 if len(self.asked) >= 14 else 3
        self.logged += [
            Query(at_unix_s=now + n / 1e6, pid=4, sql=f"SELECT {n} FROM shop_event") for n in range(self.makes)
        ]
        listed = json.dumps({"count": rows, "results": [{}] * rows, "token": TOKEN}).encode()
        return self.statuses.get(path.partition("?")[0], 200), listed

    def run(self, text: str = TEXT, *, written: tuple[File, bytes] | None = None) -> Path:
        self.scenario = parse_scenario(text, name="own/short", where=WHERE)
        tools = Tools(
            stack=self.stack, lease=FakeLease(), lab=self.outside.lab, world=FakeWorld(), customers=FakeCustomers(),
            mark_log=lambda: None, api_url=self.url, metrics={}, driver_metrics_port=0, recorder=self.recorder,
        )  # fmt: skip
        asked = Request(
            scenario=self.scenario, variant="naive", root=self.root, versions={}, pace=PACE, written=written
        )
        return perform(asked, tools, self.view, self.stop)

    def judge(self, folder: Path) -> Judgement:
        return judge(judged(self.scenario, plan(self.scenario)), read_record(folder))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "evidence")
    handler = type("Shop", (_Shop,), {"bench": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield made
    server.shutdown()
    server.server_close()


def verdicts(judgement: Judgement) -> dict[str, tuple[Verdict, str]]:
    return {finding.check: (finding.verdict, finding.reason) for finding in judgement.findings}


def events(folder: Path, kind: EventKind) -> list[dict[str, Any]]:
    return [event.data for event in read_events(folder / "journal.jsonl") if event.event is kind]


def test_from_few_rows_to_many(bench: Bench) -> None:
    folder = bench.run()
    assert bench.stack.prepared[0]["rows"] == 3
    filled = [(done["filled"], done["edition"]) for done in bench.stack.prepared[1:]]
    assert filled == [(9, 0), (9, 1)], "the last reads are of rows that were edited meanwhile"
    assert len(bench.asked) == 32
    assert bench.recorder.emptied == 28
    assert not bench.recorder.on
    assert [event["phase"] for event in events(folder, EventKind.PHASE_STARTED)] == ["reads"]
    assert events(folder, EventKind.LOAD_ENDED)[0]["ended"] == "finished"


def test_who_works_by_itself_stands_still_meanwhile_and_goes_on_afterwards(bench: Bench) -> None:
    bench.run()
    assert {paused for _, _, paused in bench.asked} == {("relay", "worker")}
    assert bench.paused == ()


def test_statements_are_told_by_time_not_by_their_comment(bench: Bench) -> None:
    """None of the fake's statements has a comment at all."""
    found = bench.judge(bench.run())
    told = {finding.check: finding for finding in found.findings}
    assert told["queries_do_not_grow"].verdict is Verdict.HELD, told["queries_do_not_grow"].reason
    assert told["queries_at_most"].figures["listSales"] == 2
    assert found.phases[0].end_s > found.phases[0].start_s
    bench_again = told["self_check:exchanges"]
    assert bench_again.measured == "32 exchanges of 32 cases"


def test_more_than_the_ceiling_is_violated(bench: Bench) -> None:
    bench.makes = 4
    assert bench.judge(bench.run()).verdict is Verdict.VIOLATED


def test_no_secret_reaches_the_disk(bench: Bench) -> None:
    folder = bench.run()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            text = gzip.decompress(content) if path.suffix == ".gz" else content
            assert TOKEN.encode() not in text, path.name
            assert b"p4ssw0rd-of-all" not in text, path.name


def test_an_operation_that_never_succeeds_makes_the_run_inconclusive_and_is_named(bench: Bench) -> None:
    bench.statuses["/api/admin/sales/"] = 500
    found = bench.judge(bench.run())
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "listSales never succeeded: it was answered 500" in verdicts(found)["self_check:succeeded"][1]
    assert found.advice.startswith("See in the report what the operation was answered")


def test_a_run_without_its_statements_is_inconclusive(bench: Bench) -> None:
    bench.recorder.error = "postgres: got no end of its log"
    folder = bench.run()
    assert not (folder / File.QUERIES).exists()
    found = verdicts(bench.judge(folder))
    verdict, reason = found["queries_do_not_grow"]
    assert (verdict, reason.split(" (")[0]) == (Verdict.INCONCLUSIVE, "queries.jsonl.gz is missing")


def test_a_run_that_is_stopped_keeps_what_it_has_and_tells_what_was_not_sent(bench: Bench) -> None:
    bench.stop_after = 5
    folder = bench.run()
    assert (folder / File.EXCHANGES).exists()
    found = bench.judge(folder)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.aborted == "user"
    assert "cases were never sent" in verdicts(found)["self_check:exchanges"][1]
    assert bench.paused == ()


def test_a_fault_is_held_for_its_section_and_gone_after_it(bench: Bench) -> None:
    folder = bench.run(OUTAGE)
    (injected,), (lifted,) = (events(folder, kind) for kind in (EventKind.FAULT_INJECTED, EventKind.FAULT_LIFTED))
    sections = {span.name: span for span in bench.judge(folder).phases}
    assert sections["outage"].start_s <= injected["effective_s"] <= lifted["lifted_s"] <= sections["outage"].end_s
    assert bench.outside.proxies.dirt == []


def test_a_lost_exchange_is_noticed(bench: Bench) -> None:
    folder = bench.run()
    whole = gzip.decompress((folder / File.EXCHANGES).read_bytes()).splitlines(keepends=True)
    (folder / File.EXCHANGES).write_bytes(gzip.compress(b"".join(whole[:-1])))
    found = verdicts(bench.judge(folder))
    assert found["self_check:exchanges"][1] == "1 cases were never sent: reads-32"
    assert "not as when it was collected" in found["self_check:collected"][1]


def test_a_damaged_file_decides_nothing(bench: Bench) -> None:
    folder = bench.run()
    (folder / File.CASES).write_bytes(b'{"id": 7}\n')
    found = verdicts(bench.judge(folder))
    assert found["queries_do_not_grow"][0] is Verdict.INCONCLUSIVE
    assert "cases.jsonl: line 1" in found["self_check:exchanges"][1]


def test_a_run_is_judged_by_the_contract_of_its_own_day(bench: Bench) -> None:
    """Whatever `contract.yaml` says later, or not at all: it is the one in the folder that counts."""
    folder = bench.run(CONTRACT)
    document = json.loads((folder / File.CONTRACT).read_bytes())
    assert document == reference()
    before = verdicts(bench.judge(folder))["conforms_in_an_outage"]
    assert "GET /api/events/" in before[1]
    (promised,) = [path for path in document["paths"] if path == "/api/events/"]
    document["paths"][promised]["get"]["operationId"] = "nobody"
    (folder / File.CONTRACT).write_text(json.dumps(document))
    assert "GET /api/events/ " not in verdicts(bench.judge(folder))["conforms_in_an_outage"][1]


def test_without_its_contract_nothing_is_known(bench: Bench) -> None:
    folder = bench.run(CONTRACT)
    (folder / File.CONTRACT).unlink()
    found = verdicts(bench.judge(folder))
    assert found["conforms_in_an_outage"] == (Verdict.INCONCLUSIVE, found["conforms_in_an_outage"][1])
    assert "witness contract is missing: contract.json is missing" in found["conforms_in_an_outage"][1]
    assert "self_check:collected" in found
    assert found["self_check:collected"][0] is Verdict.INCONCLUSIVE


def test_a_run_about_something_else_has_no_contract(bench: Bench) -> None:
    folder = bench.run()
    assert not (folder / File.CONTRACT).exists()
    assert (folder / File.HOST).exists()  # orders that did not end may have had no machine to end on


def test_what_was_written_is_graded_from_the_folder_and_nothing_can_be_taken_out_of_it(bench: Bench) -> None:
    """Not even by somebody who writes the manifest anew: the journal knows the file as it was."""
    audit = audited([row(field) for field in FIELDS])
    folder = bench.run(AUDIT, written=(File.AUDIT, packed(audit)))
    found = conclude(folder, index=None, say=pytest.fail)
    told = {one.check: one.verdict for one in found.findings}
    assert (told["discrepancies_are_told"], told["own_contract_is_right"]) == (Verdict.HELD, Verdict.HELD)
    assert verify(folder, read_judged) == []
    for less in (
        msgspec.structs.replace(audit, known=audit.known[:-1]),
        msgspec.structs.replace(audit, rows=audit.rows[:-1]),
        msgspec.structs.replace(audit, own={}),
        None,
    ):
        if less is None:
            (folder / File.AUDIT).unlink()
        else:
            (folder / File.AUDIT).write_bytes(packed(less))
        write_manifest(folder, {"versions": {}, "seed": 1, "git_revision": ""})
        assert verify(folder, read_judged) != []


def test_a_page_counts_what_the_report_counts(bench: Bench) -> None:
    """The operations of the history are a part of the exchanges, and may be none of them."""
    folder = bench.run()
    judgement, figures = bench.judge(folder), read_figures(folder)
    assert sum(second.offered for second in judgement.timeline) == 32
    assert figures.all.seconds() == judgement.timeline
    assert figures.timelines == judgement.timelines


def test_exchanges_of_a_runner_that_died_are_judged(bench: Bench) -> None:
    folder = bench.run()
    growing = folder / EXCHANGES_GROWING
    growing.write_bytes(gzip.decompress((folder / File.EXCHANGES).read_bytes()))
    (folder / File.EXCHANGES).unlink()
    assert read_figures(folder).all.totals().offered == 32
    said: list[str] = []
    assert conclude_crashed(bench.root, index=None, say=said.append) == [folder]
    assert not growing.exists()
    found = {finding.check: finding.measured for finding in read_verdict(folder).findings}
    assert found["self_check:exchanges"] == "32 exchanges of 32 cases"
