"""The lease that the runner holds at the agent."""

from __future__ import annotations

from pathlib import Path

import httpx
import msgspec

from chaos.adapters.http import why
from chaos.errors import LabBroken

TIMEOUT_S = 2.0


class _Health(msgspec.Struct):
    run_id: str | None


class AgentLease:
    """Renews and releases over HTTP."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"X-Lab-Token": token}, timeout=TIMEOUT_S, trust_env=False)

    def _ask(self, method: str, body: dict[str, object]) -> None:
        try:
            self._client.request(method, "/lease", json=body).raise_for_status()
        except httpx.HTTPError as error:
            raise LabBroken(f"agent: {method} /lease: got {why(error)}, expected it to be taken") from None

    def renew(self, *, run_id: str, folder: Path, ttl_s: float) -> None:
        self._ask("PUT", {"run_id": run_id, "folder": str(folder), "ttl_s": ttl_s})

    def release(self, *, run_id: str) -> None:
        self._ask("DELETE", {"run_id": run_id})

    def holder(self) -> str | None:
        """The run that holds the lease; None when no run does. Raises: LabBroken."""
        try:
            answer = self._client.get("/health")
            return msgspec.json.decode(answer.content, type=_Health).run_id
        except httpx.HTTPError as error:
            raise LabBroken(f"agent: GET /health: got {why(error)}, expected its health") from None
        except msgspec.DecodeError as error:
            raise LabBroken(f"agent: GET /health: got {error}, expected its health") from None
