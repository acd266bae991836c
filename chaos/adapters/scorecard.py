"""The scorecard's index of runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

TIMEOUT_S = 5.0


class Scorecard:
    """Writes runs; repeating one changes nothing."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Token {token}"}, timeout=TIMEOUT_S, trust_env=False
        )

    def put_run(self, run: Mapping[str, Any]) -> None:
        """Raises: OSError with a sentence when the scorecard is away or refuses."""
        try:
            answer = self._client.put(f"/api/runs/{run['run_id']}/", json=dict(run))
        except httpx.HTTPError as error:
            raise OSError(f"scorecard: got {type(error).__name__}, expected it to take the run") from None
        if answer.is_error:
            raise OSError(f"scorecard: got {answer.status_code} {answer.text[:200]}, expected it to take the run")
