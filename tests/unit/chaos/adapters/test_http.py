"""Gateway, agent and scorecard as seen from the engine: what is asked, and what becomes of strange answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos.adapters.agent import AgentLease
from chaos.adapters.gateway import Gateway
from chaos.adapters.scorecard import Scorecard
from chaos.errors import LabBroken
from tests.unit.chaos.adapters.servers import Http, closed_port, http_server

QUIET = {
    "slow_s": 0.0,
    "status": {"code": 503, "ratio": 0.0},
    "charge_then_drop": {"ratio": 0.0},
    "seed": 1,
}
CALL = {"order_id": "o", "idempotency_key": "", "status": 201, "replayed": False}


@pytest.fixture
def server() -> Iterator[Http]:
    with http_server() as state:
        yield state


# --- gateway ---------------------------------------------------------------------------------------------------------


def test_the_ledger(server: Http) -> None:
    charge = {"charge_id": "c", "order_id": "o", "idempotency_key": "k", "amount_cents": 5, "captured_unix_s": 1.5}
    server.json("GET /lab/ledger", {"charges": [charge]})
    (found,) = Gateway(server.url, "t0ken").charges()
    assert (found.charge_id, found.order_id, found.amount_cents, found.captured_unix_s) == ("c", "o", 5, 1.5)
    assert server.asked[0][2]["X-Lab-Token"] == "t0ken"


def test_charges_in_flight(server: Http) -> None:
    server.json("GET /lab/inflight", {"in_flight": [{"order_id": "o", "idempotency_key": "", "arrived_unix_s": 7.25}]})
    assert Gateway(server.url, "t").in_flight_since() == [7.25]


@pytest.mark.parametrize(
    ("asked", "arrived", "charges"),
    [
        pytest.param([], [5.0], 0, id="another process had the charge on its way"),
        pytest.param([5.0], [], 0, id="the question was no charge"),
        pytest.param([5.0], [5.01], 1, id="one charge"),
        pytest.param([5.0], [4.99], 1, id="its body was sent after its head came in"),
        pytest.param([5.0], [4.5], 0, id="a charge of before"),
        pytest.param([4.0, 5.0], [5.01], 1, id="one charge for two questions"),
        pytest.param([4.0, 5.0], [4.01, 5.01], 2, id="two charges"),
        pytest.param([4.0, 5.0], [4.01, 4.02], 1, id="the second charge came before the later question"),
        pytest.param([5.0], [6.2], 0, id="a charge of after the signal"),
    ],
)
def test_questions_that_may_be_charges(server: Http, asked: list[float], arrived: list[float], charges: int) -> None:
    calls = [{**CALL, "arrived_unix_s": at, "answered_unix_s": at + 0.04} for at in arrived]
    server.json("GET /lab/calls", {"calls": calls})
    assert Gateway(server.url, "t").charges_among(asked, 6.0) == charges


def test_a_charge_past_the_proxy_is_no_question_to_it(server: Http) -> None:
    server.json(
        "GET /lab/calls", {"calls": [{**CALL, "arrived_unix_s": 5.0, "answered_unix_s": 5.1, "through_proxy": False}]}
    )
    assert Gateway(server.url, "t").charges_among([5.0], 6.0) == 0


def test_calls_since(server: Http) -> None:
    calls = [{**CALL, "arrived_unix_s": at, "answered_unix_s": None} for at in (1.0, 5.0, 6.0)]
    server.json("GET /lab/calls", {"calls": calls})
    assert Gateway(server.url, "t").arrived_since(5.0) == 2
    assert server.paths() == ["GET /lab/calls?since=5.0"]


def test_healing_a_quiet_gateway_leaves_it_alone(server: Http) -> None:
    server.json("GET /lab/faults/on", {"on": {}})
    Gateway(server.url, "t").heal()
    assert server.paths() == ["GET /lab/faults/on"]


@pytest.mark.parametrize(
    "on",
    [
        {"slow_s": 2.0},
        {"status": {"code": 500, "ratio": 0.5}},
        {"charge_then_drop": {"ratio": 1.0}},
        {"a_switch_that_nobody_told_the_engine_of": {"bytes": 7}},
    ],
)
def test_healing_switches_every_fault_off_and_looks(server: Http, on: dict[str, Any]) -> None:
    server.json("GET /lab/faults/on", {"on": on})

    def put(body: Any) -> tuple[int, bytes]:
        server.json("GET /lab/faults/on", {"on": {}})
        return 200, b"{}"

    server.answers["PUT /lab/faults"] = put
    Gateway(server.url, "t").heal()
    assert server.paths() == ["GET /lab/faults/on", "PUT /lab/faults", "GET /lab/faults/on"]
    assert set(server.asked[1][3]) == {"seed"}  # what is left out is off


def test_faults_that_stay_on_are_no_healed_gateway(server: Http) -> None:
    server.json("GET /lab/faults/on", {"on": {"slow_s": 2.0}})
    server.answers["PUT /lab/faults"] = (200, b"{}")
    with pytest.raises(LabBroken, match=r"^gateway: PUT /lab/faults: got gateway: got the fault slow_s on \(2\),"):
        Gateway(server.url, "t").heal()


def test_a_gateway_that_does_not_say_what_is_on_is_not_pristine(server: Http) -> None:
    server.json("GET /lab/faults/on", {})
    with pytest.raises(LabBroken, match=r"^gateway: GET /lab/faults/on: got .*expected the gateway's answer"):
        Gateway(server.url, "t").deviations()


def test_switching_one_fault_leaves_the_others_on(server: Http) -> None:
    strange = {"bytes": 7}
    server.json("GET /lab/faults", {**QUIET, "charge_then_drop": {"ratio": 0.5}, "strange": strange})

    def put(body: Any) -> tuple[int, bytes]:
        server.json("GET /lab/faults", body)
        return 200, b"{}"

    server.answers["PUT /lab/faults"] = put
    gateway = Gateway(server.url, "t")
    assert gateway.switch("status", {"code": 502, "ratio": 0.25}, seed=7) == {"code": 502, "ratio": 0.25}
    assert server.asked[1][3] == {
        "slow_s": 0.0,
        "status": {"code": 502, "ratio": 0.25},
        "charge_then_drop": {"ratio": 0.5},
        "strange": strange,
        "seed": 7,
    }


def test_what_is_on_in_words(server: Http) -> None:
    server.json("GET /lab/faults/on", {"on": {"status": {"code": 502, "ratio": 0.25}, "slow_s": 0.5}})
    assert Gateway(server.url, "t").deviations() == [
        "gateway: got the fault status on (code 502, ratio 0.25), expected it off",
        "gateway: got the fault slow_s on (0.5), expected it off",
    ]


def test_a_switch_that_is_not_read_back_as_it_was_set(server: Http) -> None:
    server.json("GET /lab/faults", QUIET)
    server.answers["PUT /lab/faults"] = (200, b"{}")
    with pytest.raises(LabBroken, match=r"^gateway: status: got .* after setting it, expected .*502"):
        Gateway(server.url, "t").switch("status", {"code": 502, "ratio": 1.0}, seed=1)


ASKS: list[Callable[[Gateway], Any]] = [Gateway.charges, Gateway.calls, Gateway.in_flight_since, Gateway.heal]


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize(
    "answer", [(200, b""), (200, b"<html>"), (200, b"[]"), (200, b"{}"), (200, b'{"charges": [{}]}'), (500, b"{}")]
)
def test_a_gateway_that_answers_strangely(
    server: Http, ask: Callable[[Gateway], Any], answer: tuple[int, bytes]
) -> None:
    for path in ("ledger", "calls", "inflight", "faults/on"):
        server.answers[f"GET /lab/{path}"] = answer
    with pytest.raises(LabBroken, match=r"^gateway: GET /lab/.*, expected [^\n]*$"):
        ask(Gateway(server.url, "t"))


@pytest.mark.parametrize("ask", ASKS)
def test_a_gateway_that_is_away(ask: Callable[[Gateway], Any]) -> None:
    with pytest.raises(LabBroken, match=r"^gateway: GET /lab/[\w/]+: got .*refused.*, expected an answer$"):
        ask(Gateway(f"http://127.0.0.1:{closed_port()}", "t"))


# --- agent -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("run_id", "status"), [("r", 200), (None, 200), ("r", 503)])
def test_who_holds_the_lease(server: Http, run_id: str | None, status: int) -> None:
    server.json("GET /health", {"status": "ok", "run_id": run_id}, status)
    assert AgentLease(server.url, "t").holder() == run_id


def test_an_agent_that_does_not_say_who_holds_the_lease(server: Http) -> None:
    for answer in ((200, b"<html>"), (404, b"{}")):
        server.answers["GET /health"] = answer
        with pytest.raises(LabBroken, match=r"^agent: GET /health: got .*, expected its health$"):
            AgentLease(server.url, "t").holder()
    with pytest.raises(LabBroken, match=r"refused"):
        AgentLease(f"http://127.0.0.1:{closed_port()}", "t").holder()


def test_taking_and_giving_back_the_lease(server: Http, tmp_path: Path) -> None:
    server.answers |= {"PUT /lease": (204, b""), "DELETE /lease": (204, b"")}
    lease = AgentLease(server.url, "t0ken")
    lease.renew(run_id="r", folder=tmp_path, ttl_s=5.0)
    lease.release(run_id="r")
    assert server.paths() == ["PUT /lease", "DELETE /lease"]
    assert [body for *_, body in server.asked] == [
        {"run_id": "r", "folder": str(tmp_path), "ttl_s": 5.0},
        {"run_id": "r"},
    ]
    assert {headers["X-Lab-Token"] for _, _, headers, _ in server.asked} == {"t0ken"}


def test_an_agent_that_refuses(server: Http, tmp_path: Path) -> None:
    server.answers["PUT /lease"] = (401, b'{"detail": "X-Lab-Token: got none"}')
    said = r'^agent: PUT /lease: got 401 {"detail": "X-Lab-Token: got none"}, expected it to be taken$'
    with pytest.raises(LabBroken, match=said):
        AgentLease(server.url, "t").renew(run_id="r", folder=tmp_path, ttl_s=5.0)


def test_an_agent_that_is_away(tmp_path: Path) -> None:
    with pytest.raises(LabBroken, match=r"^agent: PUT /lease: got .*refused.*, expected it to be taken$"):
        AgentLease(f"http://127.0.0.1:{closed_port()}", "t").renew(run_id="r", folder=tmp_path, ttl_s=5.0)


# --- scorecard -------------------------------------------------------------------------------------------------------


def test_a_run_is_put_under_its_id(server: Http) -> None:
    server.answers["PUT /api/runs/20261123-x/"] = (200, b"{}")
    Scorecard(server.url, "t0ken").put_run({"run_id": "20261123-x", "verdict": "held"})
    (asked,) = server.asked
    assert asked[2]["Authorization"] == "Token t0ken"
    assert asked[3] == {"run_id": "20261123-x", "verdict": "held"}


def test_a_scorecard_that_refuses(server: Http) -> None:
    server.answers["PUT /api/runs/r/"] = (400, b'{"detail": "verdict: got x"}')
    with pytest.raises(
        OSError, match=r'^scorecard: got 400 {"detail": "verdict: got x"}, expected it to take the run$'
    ):
        Scorecard(server.url, "t").put_run({"run_id": "r"})


def test_a_scorecard_that_is_away() -> None:
    with pytest.raises(OSError, match=r"^scorecard: got ConnectError, expected it to take the run$"):
        Scorecard(f"http://127.0.0.1:{closed_port()}", "t").put_run({"run_id": "r"})
