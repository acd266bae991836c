"""The agent labels runs for the dashboard, which may only read evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from chaos.agent.app import make_app
from chaos.agent.watchdog import Watchdog
from chaos.evidence import labels

RUN = "20261101-000000-a-naive-s7"
TOKEN = {"X-Lab-Token": "t"}


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / RUN).mkdir()
    (tmp_path / RUN / "journal.jsonl").touch()
    watchdog = Watchdog(heal=lambda: ([], []), roots=(tmp_path,), monotonic_s=lambda: 0.0, now_unix_s=lambda: 0.0)
    app = make_app(watchdog=watchdog, registry=CollectorRegistry(), token="t", evidence=tmp_path)
    return TestClient(app, base_url="http://localhost")


def test_a_label_is_put_and_removed(client: TestClient, tmp_path: Path) -> None:
    answer = client.put(f"/runs/{RUN}/label", json={"text": " with a lock "}, headers=TOKEN)
    assert (answer.status_code, answer.json()) == (200, {"run_id": RUN, "label": "with a lock"})
    assert labels.of(tmp_path / RUN) == "with a lock"
    answer = client.put(f"/runs/{RUN}/label", json={"text": ""}, headers=TOKEN)
    assert (answer.status_code, answer.json()) == (200, {"run_id": RUN, "label": ""})
    assert labels.of(tmp_path / RUN) == ""


@pytest.mark.parametrize(
    ("run", "body", "token", "status", "detail"),
    [
        (RUN, {"text": "x"}, {}, 401, "X-Lab-Token: got none"),
        (RUN, {"text": "x" * 61}, TOKEN, 400, "body: label: got 61 characters"),
        (RUN, {"txt": "x"}, TOKEN, 400, "body: Object"),
        (RUN, [1], TOKEN, 400, "body: Expected `object`"),
        ("20261101-000000-b-naive-s7", {"text": "x"}, TOKEN, 404, "run: got '20261101-000000-b-naive-s7', expected"),
        ("..", {"text": "x"}, TOKEN, 404, ""),
        ("%2e%2e", {"text": "x"}, TOKEN, 404, ""),
    ],
)
def test_bad_input_is_refused(
    client: TestClient, tmp_path: Path, run: str, body: object, token: dict[str, str], status: int, detail: str
) -> None:
    answer = client.put(f"/runs/{run}/label", json=body, headers=token)
    assert answer.status_code == status
    if detail:
        assert answer.json()["detail"].startswith(detail)
    assert labels.all_in(tmp_path) == {}
