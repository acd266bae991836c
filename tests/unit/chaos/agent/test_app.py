"""The agent over HTTP: who may hold a lease, and what everybody may read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from chaos.adapters.toxiproxy import ProxyState
from chaos.agent.app import make_app
from chaos.agent.metrics import LabCollector
from chaos.agent.watchdog import Watchdog
from chaos.errors import LabBroken
from chaos.ports import ToxicSpec

TOKEN = "s3cret"


class FakeRedis:
    """The broker's depth, or nobody."""

    away = False

    def broker_depth(self) -> tuple[int, int]:
        if self.away:
            raise LabBroken("redis: got a refused connection, expected the depth of the broker's queues")
        return 12, 3


class FakeToxiproxy:
    """Two proxies, one of them with a toxic, or nobody."""

    away = False

    def proxies(self) -> dict[str, ProxyState]:
        if self.away:
            raise LabBroken("toxiproxy: got a refused connection, expected an answer")
        toxic = ToxicSpec(name="t", type="latency", attributes={"latency": 1})
        return {
            "a": ProxyState(name="a", listen="x", upstream="y", enabled=True, toxics=(toxic,)),
            "b": ProxyState(name="b", listen="x", upstream="y", enabled=False),
        }


class Agent:
    """The application with a watchdog that heals nothing."""

    def __init__(self, evidence: Path) -> None:
        (evidence / "r1").mkdir(parents=True)
        self.evidence = evidence
        self.watchdog = Watchdog(
            heal=lambda: ((), ()), roots=(evidence,), monotonic_s=lambda: 0.0, now_unix_s=lambda: 0.0
        )
        self.redis, self.toxiproxy, self.watching = FakeRedis(), FakeToxiproxy(), True
        registry = CollectorRegistry()
        registry.register(
            LabCollector(
                redis=self.redis,  # type: ignore[arg-type]
                toxiproxy=self.toxiproxy,  # type: ignore[arg-type]
                run_id=lambda: self.watchdog.run_id,
            )
        )
        app = make_app(watchdog=self.watchdog, registry=registry, token=TOKEN, watching=lambda: self.watching)
        self.client = TestClient(app, base_url="http://localhost")

    def lease(self, method: str = "PUT", *, token: bytes | None = TOKEN.encode(), **body: Any) -> Any:
        headers: Mapping[bytes, bytes] = {} if token is None else {b"X-Lab-Token": token}
        content = {"run_id": "r1", "folder": str(self.evidence / "r1"), "ttl_s": 5.0}
        if method == "DELETE":
            content = {"run_id": "r1"}
        return self.client.request(method, "/lease", headers=headers, json={**content, **body})

    def metrics(self) -> dict[str, float]:
        lines = self.client.get("/metrics").text.splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path / "evidence")


def test_take_and_release(agent: Agent) -> None:
    assert agent.client.get("/health").json() == {"status": "ok", "run_id": None}
    assert agent.lease().status_code == 204
    assert agent.client.get("/health").json() == {"status": "ok", "run_id": "r1"}
    assert agent.lease("DELETE").status_code == 204
    assert agent.watchdog.run_id is None


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("token", [None, b"", b"S3CRET", b"s3cret ", b"s3cret\xe9", b"\xff"])
def test_bad_tokens(agent: Agent, method: str, token: bytes | None) -> None:
    if token == b"s3cret ":
        token = b"s3cre"  # blanks at the end of a header don't count
    answer = agent.lease(method, token=token)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "X-Lab-Token: got none or a wrong one, expected the lab's token"
    assert agent.watchdog.run_id is None


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"ttl_s": 0}, "body: ttl_s: got 0.0, expected more than 0 and at most 60"),
        ({"ttl_s": 3600}, "body: ttl_s: got 3600.0, expected more than 0 and at most 60"),
        ({"ttl_s": "5"}, "body: Expected `float`, got `str` - at `$.ttl_s`"),
        ({"folder": "/etc"}, "body: folder: got '/etc', expected the evidence folder of r1"),
        ({"more": 1}, "body: Object contains unknown field `more`"),
    ],
)
def test_bad_bodies(agent: Agent, body: dict[str, Any], detail: str) -> None:
    answer = agent.lease(**body)
    assert (answer.status_code, answer.json()["detail"]) == (400, detail)
    assert agent.watchdog.run_id is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"run_id": 1}', b"[" * 100_000])
def test_bodies_that_are_no_lease(agent: Agent, content: bytes) -> None:
    for method in ("PUT", "DELETE"):
        answer = agent.client.request(method, "/lease", headers={"X-Lab-Token": TOKEN}, content=content)
        assert answer.status_code == 400


def test_an_agent_that_does_not_look_takes_no_lease(agent: Agent) -> None:
    agent.watching = False
    assert agent.lease().status_code == 503
    health = agent.client.get("/health")
    assert (health.status_code, health.json()["status"]) == (503, "blind")
    assert agent.watchdog.run_id is None


def test_metrics(agent: Agent) -> None:
    agent.lease()
    assert agent.metrics() == {
        'lab_queue_depth{queue="all"}': 12.0,
        "lab_unacked": 3.0,
        'lab_proxy_enabled{proxy="a"}': 1.0,
        'lab_proxy_enabled{proxy="b"}': 0.0,
        'lab_proxy_toxics{proxy="a"}': 1.0,
        'lab_proxy_toxics{proxy="b"}': 0.0,
        'lab_run_active{run_id="r1"}': 1.0,
    }


def test_no_data_is_not_zero(agent: Agent) -> None:
    agent.redis.away = True
    assert sorted(agent.metrics()) == [
        'lab_proxy_enabled{proxy="a"}',
        'lab_proxy_enabled{proxy="b"}',
        'lab_proxy_toxics{proxy="a"}',
        'lab_proxy_toxics{proxy="b"}',
    ]
    agent.toxiproxy.away = True
    assert agent.metrics() == {}


@pytest.mark.parametrize("host", ["evil.example", "evil.example:18005", "127.0.0.1.evil.example", ""])
def test_a_foreign_host_is_refused_with_the_token_too(host: str) -> None:
    """A stranger's page whose name points at this machine (DNS rebinding)."""
    watchdog = Watchdog(heal=lambda: ((), ()), roots=(Path("/"),), monotonic_s=lambda: 0.0, now_unix_s=lambda: 0.0)
    app = make_app(watchdog=watchdog, registry=CollectorRegistry(), token="t", hostnames=["127.0.0.1", "agent"])
    client = TestClient(app, base_url="http://127.0.0.1")
    for path in ("/health", "/metrics", "/lease"):
        assert client.get(path, headers={"Host": host, "X-Lab-Token": "t"}).status_code == 400
    for known in ("127.0.0.1:18005", "agent:18005"):
        assert client.get("/health", headers={"Host": known}).status_code == 200
