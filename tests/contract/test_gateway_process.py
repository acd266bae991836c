"""The gateway as its callers meet it: a real process, HTTP, signals."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

TOKEN = "the lab's token"
LAB = {"X-Lab-Token": TOKEN}
GENEROUS_S = 20.0


class Gateway:
    """A gateway process on a port of its own choice."""

    def __init__(self, folder: Path) -> None:
        token = folder / "token"
        token.write_text(TOKEN)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.gateway"],
            env={
                "GATEWAY_PORT": "0",
                "GATEWAY_DATABASE": str(folder / "gateway.sqlite3"),
                "GATEWAY_LAB_TOKEN_FILE": str(token),
                "GATEWAY_PROCESSING_MS": "40",
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        listening = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert listening is not None, line + self._process.stderr.read()
        self.port = int(listening[1])
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=GENEROUS_S)
        eventually(self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.http.get("/health").json() == {"status": "ok"})
        except httpx.TransportError:
            return False

    def charge(self, order_id: str, key: str | None = None, amount_cents: int = 100) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self.http.post("/charges", json={"order_id": order_id, "amount_cents": amount_cents}, headers=headers)

    def lab(self, name: str, **params: str) -> list[dict[str, Any]]:
        """The first list that a GET under /lab answers: the ledger's charges, before its refunds."""
        answer = self.http.get(f"/lab/{name}", headers=LAB, params=params)
        answer.raise_for_status()
        rows, *_ = answer.json().values()
        assert isinstance(rows, list)
        return rows

    def faults(self, **faults: Any) -> None:
        self.http.put("/lab/faults", headers=LAB, json=faults).raise_for_status()

    def outcomes(self) -> dict[str, float]:
        families = text_string_to_metric_families(self.http.get("/metrics").text)
        samples = [sample for family in families for sample in family.samples]
        return {sample.labels["outcome"]: sample.value for sample in samples if sample.name == "gateway_calls_total"}

    def metric(self, name: str) -> float:
        families = text_string_to_metric_families(self.http.get("/metrics").text)
        (value,) = (sample.value for family in families for sample in family.samples if sample.name == name)
        return float(value)

    def end(self, signal_number: signal.Signals = signal.SIGTERM) -> int:
        if self._process.poll() is None:
            self._process.send_signal(signal_number)
        code = self._process.wait(GENEROUS_S)
        self.http.close()
        assert self._process.stderr is not None
        self._process.stderr.close()
        return code


def eventually(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + GENEROUS_S
    while not condition():
        assert time.monotonic() < deadline_s, f"still waiting for {condition}"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path_factory.mktemp("gateway"))
    yield gateway
    gateway.end()


@pytest.fixture
def gateway(shared: Gateway) -> Gateway:
    """The module's gateway, emptied and healthy."""
    shared.http.post("/lab/reset", headers=LAB).raise_for_status()
    return shared


def test_a_charge_and_its_replay(gateway: Gateway) -> None:
    before = time.time()
    first, again = gateway.charge("o1", "k1"), gateway.charge("o1", "k1")
    assert (first.status_code, again.status_code) == (201, 200)
    charge_id = first.json()["charge_id"]
    assert first.json()["status"] == "captured"
    assert "replayed" not in first.json()
    assert again.json() == first.json() | {"replayed": True}
    (charge,) = gateway.lab("ledger")
    assert before + 0.04 <= charge.pop("captured_unix_s") <= time.time()
    assert charge == {"charge_id": charge_id, "order_id": "o1", "idempotency_key": "k1", "amount_cents": 100}
    calls = gateway.lab("calls")
    assert [(call["status"], call["replayed"]) for call in calls] == [(201, False), (200, True)]
    assert all(call["arrived_unix_s"] < call["answered_unix_s"] for call in calls)
    assert gateway.lab("calls", since=str(calls[1]["arrived_unix_s"])) == calls[1:]


def test_a_key_for_another_amount_is_refused(gateway: Gateway) -> None:
    gateway.charge("o1", "k1")
    refused = gateway.charge("o1", "k1", amount_cents=999)
    assert (refused.status_code, refused.json()["code"]) == (422, "key_reused")
    assert len(gateway.lab("ledger")) == 1


def test_concurrent_calls_with_one_key_charge_once(gateway: Gateway) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: gateway.charge("o1", "k1"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["charge_id"] for answer in answers}) == 1
    assert len(gateway.lab("ledger")) == 1


def test_without_a_key_every_call_charges(gateway: Gateway) -> None:
    assert gateway.charge("o1").json()["charge_id"] != gateway.charge("o1").json()["charge_id"]
    assert len(gateway.lab("ledger")) == 2


def test_a_caller_that_hangs_up_is_charged(gateway: Gateway) -> None:
    gateway.faults(slow_s=0.3)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            str(gateway.http.base_url.join("/charges")), json={"order_id": "left", "amount_cents": 5}, timeout=0.1
        )
    (in_flight,) = gateway.lab("inflight")
    assert in_flight["order_id"] == "left"
    eventually(lambda: gateway.lab("inflight") == [])
    (charge,) = gateway.lab("ledger")
    assert charge["order_id"] == "left"
    (call,) = gateway.lab("calls")
    assert (call["status"], call["answered_unix_s"]) == (201, None)


def test_charge_then_drop(gateway: Gateway) -> None:
    dropped_before = gateway.outcomes()["dropped"]
    charges_before = gateway.metric("gateway_charges_total")
    gateway.faults(charge_then_drop={"ratio": 1.0})
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected without sending a response"):
        gateway.charge("o1", "k1")
    assert len(gateway.lab("ledger")) == 1
    (call,) = gateway.lab("calls")
    assert call["answered_unix_s"] is None
    assert gateway.outcomes()["dropped"] == dropped_before + 1
    assert gateway.metric("gateway_charges_total") == charges_before + 1, "a charge, whatever became of its answer"
    gateway.faults()
    gateway.charge("o1", "k1")
    assert gateway.metric("gateway_charges_total") == charges_before + 1, "a replay is no charge"
    gateway.faults()
    assert gateway.charge("o1", "k1").json()["replayed"] is True


def test_a_refused_call_is_answered_even_while_charges_are_dropped(gateway: Gateway) -> None:
    gateway.charge("o1", "k1")
    gateway.faults(charge_then_drop={"ratio": 1.0})
    assert gateway.charge("other", "k1").status_code == 422


def test_status_fault_does_not_charge(gateway: Gateway) -> None:
    gateway.faults(status={"code": 503, "ratio": 1.0})
    answer = gateway.charge("o1", "k1")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    assert gateway.lab("ledger") == []
    (call,) = gateway.lab("calls")
    assert call["status"] == 503


def test_faults_are_read_back_and_reset(gateway: Gateway) -> None:
    healthy = gateway.http.get("/lab/faults", headers=LAB).json()
    assert healthy["status"] == {"code": 503, "ratio": 0.0}
    gateway.faults(slow_s=0.5, seed=9)
    assert gateway.http.get("/lab/faults", headers=LAB).json() == healthy | {"slow_s": 0.5, "seed": 9}
    gateway.http.post("/lab/reset", headers=LAB).raise_for_status()
    assert gateway.http.get("/lab/faults", headers=LAB).json() == healthy


@pytest.mark.parametrize(
    "on",
    [
        {},
        {"slow_s": 0.5},
        {"status": {"code": 502, "ratio": 0.25}},
        {"charge_then_drop": {"ratio": 1.0}, "slow_s": 0.1},
    ],
)
def test_it_says_which_switches_are_on(gateway: Gateway, on: dict[str, Any]) -> None:
    gateway.faults(**on, seed=9)  # a seed is no switch
    assert gateway.http.get("/lab/faults/on", headers=LAB).json() == {"on": on}


def test_a_call_from_before_a_reset_leaves_no_trace(gateway: Gateway) -> None:
    gateway.faults(slow_s=0.3)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(gateway.charge, "late")
        eventually(lambda: len(gateway.lab("inflight")) == 1)
        gateway.http.post("/lab/reset", headers=LAB).raise_for_status()
        assert gateway.lab("inflight") == []
        assert late.result().json()["code"] == "ledger_reset"
    assert (gateway.lab("ledger"), gateway.lab("calls")) == ([], [])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b'{"order_id": "o1"', 400),
        (b"\xff\xfe", 400),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"order_id": "", "amount_cents": 1}', 422),
        (b'{"order_id": "o 1", "amount_cents": 1}', 422),
        (b'{"order_id": 1, "amount_cents": 1}', 422),
        (b'{"order_id": "%s", "amount_cents": 1}' % (b"x" * 65), 422),
        (b'{"order_id": "o1", "amount_cents": 0}', 422),
        (b'{"order_id": "o1", "amount_cents": -5}', 422),
        (b'{"order_id": "o1", "amount_cents": 1.5}', 422),
        (b'{"order_id": "o1", "amount_cents": "1"}', 422),
        (b'{"order_id": "o1", "amount_cents": 1e30}', 422),
        (b'{"order_id": "o1", "amount_cents": 1, "currency": "EUR"}', 422),
        (b" " * 70_000, 413),
    ],
)
def test_bad_bodies(gateway: Gateway, body: bytes, status: int) -> None:
    answer = gateway.http.post("/charges", content=body)
    assert_problem(answer, status)
    assert (gateway.lab("ledger"), gateway.lab("calls")) == ([], [])


@pytest.mark.parametrize("key", ["", "x" * 256, "clé"])
def test_bad_keys(gateway: Gateway, key: str) -> None:
    body = {"order_id": "o1", "amount_cents": 1}
    assert_problem(gateway.http.post("/charges", json=body, headers={b"Idempotency-Key": key.encode()}), 400)
    assert gateway.lab("ledger") == []


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b'{"slow_s": "fast"}', 422), (b'{"latency": 1}', 422)])
def test_bad_faults_change_nothing(gateway: Gateway, body: bytes, status: int) -> None:
    gateway.faults(slow_s=0.25)
    assert_problem(gateway.http.put("/lab/faults", headers=LAB, content=body), status)
    assert gateway.http.get("/lab/faults", headers=LAB).json()["slow_s"] == 0.25


@pytest.mark.parametrize("since", ["yesterday", "nan", "inf"])
def test_bad_since(gateway: Gateway, since: str) -> None:
    assert_problem(gateway.http.get("/lab/calls", headers=LAB, params={"since": since}), 400)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nowhere", 404), ("GET", "/charges", 405)])
def test_other_pages(gateway: Gateway, method: str, path: str, status: int) -> None:
    assert_problem(gateway.http.request(method, path), status)


@pytest.mark.parametrize("headers", [{}, {"X-Lab-Token": "guess"}, {"X-Lab-Token": ""}])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/lab/reset"),
        ("GET", "/lab/ledger"),
        ("GET", "/lab/calls"),
        ("GET", "/lab/inflight"),
        ("GET", "/lab/faults"),
        ("GET", "/lab/faults/on"),
        ("PUT", "/lab/faults"),
    ],
)
def test_the_lab_needs_its_token(gateway: Gateway, method: str, path: str, headers: dict[str, str]) -> None:
    gateway.charge("o1")
    assert_problem(gateway.http.request(method, path, headers=headers, json={}), 401)
    assert len(gateway.lab("ledger")) == 1


def test_metrics_have_every_outcome_from_the_start(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    try:
        names = {"captured", "replayed", "key_reused", "invalid", "fault_status", "dropped", "gone", "stale", "failed"}
        assert gateway.outcomes() == dict.fromkeys(names, 0.0)
        gateway.charge("o1")
        assert gateway.outcomes()["captured"] == 1.0
        text = gateway.http.get("/metrics").text
        assert "gateway_in_flight 0.0" in text
        assert "gateway_call_seconds_count 1.0" in text
    finally:
        gateway.end()


def test_a_restart_keeps_the_ledger_and_stops_in_time(tmp_path: Path) -> None:
    first = Gateway(tmp_path)
    charge_id = first.charge("o1", "k1").json()["charge_id"]
    first.faults(slow_s=60.0)
    with socket.create_connection(("127.0.0.1", first.port)) as waiting:
        body = b'{"order_id":"slow","amount_cents":1}'
        waiting.sendall(
            b"POST /charges HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        eventually(lambda: len(first.lab("inflight")) == 1)
        first.end(signal.SIGTERM)  # with a call in flight that would last a minute
    second = Gateway(tmp_path)
    try:
        assert [charge["charge_id"] for charge in second.lab("ledger")] == [charge_id]
        assert second.charge("o1", "k1").json()["charge_id"] == charge_id
        assert second.lab("inflight") == []
    finally:
        second.end()


def test_a_kill_leaves_the_call_on_record(tmp_path: Path) -> None:
    first = Gateway(tmp_path)
    first.charge("o1", "k1")
    first.faults(slow_s=60.0)
    with socket.create_connection(("127.0.0.1", first.port)) as waiting:
        body = b'{"order_id":"slow","amount_cents":1}'
        waiting.sendall(
            b"POST /charges HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        eventually(lambda: len(first.lab("inflight")) == 1)
        assert first.end(signal.SIGKILL) == -signal.SIGKILL
    second = Gateway(tmp_path)
    try:
        paid, cut = second.lab("calls")
        assert (paid["order_id"], paid["status"]) == ("o1", 201)
        assert (cut["order_id"], cut["status"], cut["answered_unix_s"]) == ("slow", 0, None)
        assert len(second.lab("ledger")) == 1
    finally:
        second.end()


def test_a_taken_port_is_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = _start(tmp_path, GATEWAY_PORT=str(port))
    assert ended.returncode == 4
    assert ended.stderr == f"gateway: 127.0.0.1:{port}: got Address already in use, expected a free port\n"


def test_a_file_that_is_no_ledger_is_a_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(b"not a database" * 100)
    ended = _start(tmp_path, GATEWAY_DATABASE=str(broken))
    assert ended.returncode == 4
    assert ended.stderr.startswith(f"gateway: {broken}: got file is not a database")


def test_a_bad_setting_is_a_sentence(tmp_path: Path) -> None:
    ended = _start(tmp_path, GATEWAY_PROCESSING_MS="soon")
    assert ended.returncode == 2
    assert ended.stderr == "gateway: GATEWAY_PROCESSING_MS: got 'soon', expected a number from 0 to 60000\n"


def _start(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "token").write_text(TOKEN)
    usual = {
        "GATEWAY_PORT": "0",
        "GATEWAY_DATABASE": str(folder / "gateway.sqlite3"),
        "GATEWAY_LAB_TOKEN_FILE": str(folder / "token"),
    }
    return subprocess.run(
        [sys.executable, "-m", "services.gateway"],
        env=usual | environment,
        capture_output=True,
        text=True,
        timeout=GENEROUS_S,
        check=False,
    )


def assert_problem(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["detail"]
    assert body["code"]


def test_a_refund_gives_back_all_of_an_order_and_closes_it(gateway: Gateway) -> None:
    gateway.charge("o1", "k1")
    first = gateway.http.post("/refunds", json={"order_id": "o1"})
    assert (first.status_code, first.json()) == (201, {"order_id": "o1", "status": "refunded", "refunded_cents": 100})
    again = gateway.http.post("/refunds", json={"order_id": "o1"})
    assert (again.status_code, again.json()) == (200, first.json() | {"replayed": True})
    ledger = gateway.http.get("/lab/ledger", headers=LAB).json()
    assert [(refund["order_id"], refund["amount_cents"]) for refund in ledger["refunds"]] == [("o1", 100)]
    late = gateway.charge("o1", "k2")
    assert (late.status_code, late.json()["code"]) == (402, "order_closed")
    assert len(gateway.lab("ledger")) == 1
    assert gateway.lab("calls")[-1]["status"] == 402


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"{}", 422), (b'{"order_id": "a b"}', 422), (b'{"order_id": "a", "x": 1}', 422)]
)
def test_what_is_no_request_for_a_refund_is_refused(gateway: Gateway, body: bytes, status: int) -> None:
    answer = gateway.http.post("/refunds", content=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert gateway.http.get("/lab/ledger", headers=LAB).json()["refunds"] == []


# --- the lab's own calls ---------------------------------------------------------------------------------------------


def canary(gateway: Gateway, key: str = "k") -> httpx.Response:
    return gateway.http.post("/lab/canary", content=key, headers=LAB)


def taken(gateway: Gateway, key: str = "k") -> bool:
    return bool(gateway.http.get("/lab/canary", params={"key": key}, headers=LAB).json()["captured"])


def hits(gateway: Gateway) -> dict[str, int]:
    found: dict[str, int] = gateway.http.get("/lab/hits", headers=LAB).json()
    return found


def test_a_canary_meets_the_faults_and_leaves_no_trace(gateway: Gateway) -> None:
    before = hits(gateway)
    assert (canary(gateway).status_code, taken(gateway)) == (201, True)
    gateway.http.put("/lab/faults", json={"status": {"code": 502, "ratio": 1.0}}, headers=LAB)
    assert (canary(gateway, "hit").status_code, taken(gateway, "hit")) == (502, False)
    gateway.http.put("/lab/faults", json={"charge_then_drop": {"ratio": 1.0}}, headers=LAB)
    with pytest.raises(httpx.RemoteProtocolError):
        canary(gateway, "dropped")
    assert taken(gateway, "dropped")
    assert gateway.lab("ledger") == gateway.lab("calls") == []
    assert hits(gateway) == before


def test_hits_are_counted_per_fault(gateway: Gateway) -> None:
    before = hits(gateway)
    gateway.http.put("/lab/faults", json={"status": {"code": 502, "ratio": 1.0}}, headers=LAB)
    assert gateway.charge("o-1").status_code == 502
    gateway.http.put("/lab/faults", json={"charge_then_drop": {"ratio": 1.0}}, headers=LAB)
    for order in ("o-2", "o-3"):
        with pytest.raises(httpx.RemoteProtocolError):
            gateway.charge(order)
    gateway.faults(slow_s=0.01)
    assert gateway.charge("o-4").status_code == 201
    more = {fault: count - before[fault] for fault, count in hits(gateway).items() if count != before[fault]}
    assert more == {"status": 1, "charge_then_drop": 2, "slow_s": 1}


def test_a_canary_needs_the_lab_s_token(gateway: Gateway) -> None:
    for answer in (
        gateway.http.post("/lab/canary", content="k"),
        gateway.http.get("/lab/canary"),
        gateway.http.get("/lab/hits"),
    ):
        assert answer.status_code == 401


def test_how_often_the_lab_looks_does_not_decide_which_calls_are_hit(gateway: Gateway) -> None:
    def hit(looks: int) -> list[int]:
        gateway.http.put("/lab/faults", json={"status": {"code": 502, "ratio": 0.5}, "seed": 7}, headers=LAB)
        statuses = []
        for number in range(12):
            for _ in range(looks):
                canary(gateway)
            statuses.append(gateway.charge(f"o-{looks}-{number}").status_code)
        return statuses

    assert hit(0) == hit(2)


def test_an_echo(gateway: Gateway) -> None:
    payload = b"x" * 8000
    assert gateway.http.post("/echo", content=payload).content == payload
    assert gateway.http.post("/echo", content=b"x" * 100_000).status_code == 413
