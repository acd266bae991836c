"""What the scorecard says of the drills and the hints, and a self-score that is put into it."""

from __future__ import annotations

from typing import TypeVar

import httpx
import msgspec

from chaos.config import Stack
from chaos.errors import InvalidInput, LabBroken

TIMEOUT_S = 5.0
OVERVIEW_TIMEOUT_S = 2.0
"""Short: where the learner stands is told without the scorecard, too."""
Shape = TypeVar("Shape")


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """A self-score; *version* counts its changes."""

    value: int | None = None
    notes: str = ""
    version: int = 0


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A self-score against its evidence; *ceiling* is None while no evidence decides."""

    ceiling: int | None = None
    reason: str = ""
    gap: int = 0
    overclaim: bool = False
    regressed: tuple[str, ...] = ()


class ScoredDrill(msgspec.Struct, frozen=True, kw_only=True):
    """A drill as the scorecard has it."""

    key: str
    number: int
    score: Score = Score()
    standing: Standing = Standing()


class OpenedHint(msgspec.Struct, frozen=True, kw_only=True):
    """A hint's key, and since when it is open; None: it was not opened."""

    key: str
    used_at: str | None = None


class _Brief(msgspec.Struct, frozen=True):
    hints: tuple[OpenedHint, ...] = ()


class Scores:
    """Scores and hints of the scorecard. Every call raises LabBroken with a sentence when it is away or refuses."""

    def __init__(self, url: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Token {token}"}, timeout=TIMEOUT_S, trust_env=False
        )

    def drills(self) -> tuple[ScoredDrill, ...]:
        """Every drill."""
        answer = self._ask("GET", "/api/drills/", "its drills", timeout_s=OVERVIEW_TIMEOUT_S)
        return self._decoded(answer, tuple[ScoredDrill, ...])

    def drill(self, key: str) -> ScoredDrill:
        """One drill."""
        return self._decoded(self._ask("GET", f"/api/drills/{key}/", "the drill"), ScoredDrill)

    def opened(self, key: str) -> frozenset[str]:
        """Keys of the hints of a drill that were opened."""
        brief = self._decoded(self._ask("GET", f"/api/drills/{key}/brief/", "the drill's hints"), _Brief)
        return frozenset(hint.key for hint in brief.hints if hint.used_at)

    def save(self, key: str, *, value: int | None, notes: str, version: int) -> Score:
        """Record a self-score over the *version* that was read. Raises also InvalidInput, when it can't be taken."""
        body = {"value": value, "notes": notes, "version": version}
        answer = self._ask("PUT", f"/api/drills/{key}/score/", "it to keep a score", body, accept=(400, 409))
        if answer.status_code == 409:
            raise InvalidInput("score: got one that was changed elsewhere this moment, expected to save over it: again")
        if answer.status_code == 400:
            raise InvalidInput(f"score: got {answer.text[:200]}, expected one that the scorecard takes")
        return self._decoded(answer, Score)

    def _ask(
        self,
        method: str,
        path: str,
        expected: str,
        body: object = None,
        *,
        accept: tuple[int, ...] = (),
        timeout_s: float = TIMEOUT_S,
    ) -> httpx.Response:
        try:
            answer = self._client.request(method, path, json=body, timeout=timeout_s)
        except httpx.HTTPError as error:
            raise LabBroken(
                f"scorecard: got {type(error).__name__}, expected {expected} (make status, make up)"
            ) from None
        if answer.is_error and answer.status_code not in accept:
            raise LabBroken(f"scorecard: got {answer.status_code} {answer.text[:200]}, expected {expected}")
        return answer

    def _decoded(self, answer: httpx.Response, shape: type[Shape]) -> Shape:
        try:
            return msgspec.json.decode(answer.content, type=shape)
        except msgspec.DecodeError as error:
            raise LabBroken(
                f"scorecard: got {error}, expected an answer of this version (make down, make up)"
            ) from None


def scores_of(stack: Stack) -> Scores:
    """Of a stack that runs."""
    return Scores(stack.url("scorecard"), stack.lab_token)
