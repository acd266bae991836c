"""Client of the scorecard's HTTP API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import msgspec

from dashboard.errors import SourceAway
from dashboard.words import plain

TIMEOUT = httpx.Timeout(3.0, connect=0.5)
T = TypeVar("T")
WAY_ON = "`make status` says how it is; scores already recorded are kept in its own file."


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """An indexed run. Times are ISO 8601."""

    run_id: str
    scenario: str = ""
    title: str = ""
    drill: int | str | None = None
    variant: str = ""
    seed: int | None = None
    verdict: str = ""
    started_at: str = ""
    duration_s: float | None = None
    findings: list[dict[str, Any]] = []

    @property
    def broken(self) -> tuple[str, ...]:
        """Names of the violated checks."""
        return tuple(str(each.get("check", "?")) for each in self.findings if each.get("verdict") == "violated")

    @property
    def started_unix_s(self) -> float | None:
        try:
            at = datetime.fromisoformat(self.started_at)
        except ValueError:
            return None
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """A self-score; `version` counts its changes and guards against overwriting."""

    value: int | None = None
    notes: str = ""
    version: int = 0
    updated_at: str | None = None


class ScoreChange(msgspec.Struct, frozen=True, kw_only=True):
    """A score as it was from a moment (ISO 8601) on."""

    value: int | None = None
    notes: str = ""
    version: int = 0
    changed_at: str = ""


class Dimension(msgspec.Struct, frozen=True, kw_only=True):
    """A competency dimension."""

    key: str
    name: str


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """A drill with its score and its latest run on each variant."""

    key: str
    number: int
    title: str
    competency_focus: str = ""
    dimensions: list[Dimension] = []
    risk_focus: str = ""
    score: Score = Score()
    latest_runs: list[Run] = []


class StaleScore(Exception):
    """Somebody else saved this score since it was loaded; nothing was written."""


class Scorecard:
    """Reads need nothing, writes the token.

    Raises: SourceAway from every call: not reachable, too slow, refused, or an answer of another shape.
    """

    def __init__(self, base_url: str, token: str, *, client: httpx.Client | None = None) -> None:
        self._client = client or httpx.Client(base_url=base_url, timeout=TIMEOUT, trust_env=False)
        self._token = token

    def drills(self) -> list[Drill]:
        """All drills by number; never none: a scorecard without drills counts as not ready."""
        drills = _decode(self._ask("GET", "/api/drills/"), list[Drill])
        if not drills:
            raise SourceAway("The scorecard knows no drills yet.", "It loads them when it starts: `make up`.")
        return sorted(drills, key=lambda drill: drill.number)

    def runs(self) -> list[Run]:
        """The newest runs: one page of them."""
        return _decode(self._ask("GET", "/api/runs/"), list[Run])

    def history(self, key: str) -> list[ScoreChange]:
        """How a drill's score came to be, newest first."""
        return _decode(self._ask("GET", f"/api/drills/{key}/scores/"), list[ScoreChange])

    def save(self, key: str, *, value: int | None, notes: str, version: int) -> Score:
        """Record a score over the version that the page showed; returns what is stored now.

        Raises: StaleScore, when the stored version is another one by now.
        """
        body = {"value": value, "notes": notes, "version": version}
        answer = self._ask("PUT", f"/api/drills/{key}/score/", json=body, accept=(409,))
        if answer.status_code == 409:
            raise StaleScore
        return _decode(answer, Score)

    def _ask(self, method: str, path: str, *, json: Any = None, accept: tuple[int, ...] = ()) -> httpx.Response:
        headers = {"Authorization": f"Token {self._token}"} if method != "GET" else {}
        try:
            answer = self._client.request(method, path, json=json, headers=headers)
        except httpx.TimeoutException as error:
            raise SourceAway("The scorecard does not answer in time.", WAY_ON) from error
        except httpx.HTTPError as error:
            raise SourceAway("The scorecard can't be reached.", WAY_ON) from error
        if answer.is_success or answer.status_code in accept:
            return answer
        if answer.status_code in (401, 403):
            raise SourceAway(
                "The scorecard refused the write token.", "`make up` hands out a new one; then reload this page."
            )
        raise SourceAway(f"The scorecard answered {answer.status_code}{_detail(answer)}.", WAY_ON)


def _detail(answer: httpx.Response) -> str:
    """What a problem+json body says, shortened; empty for any other body."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    said = str(body.get("detail") or body.get("title") or "").strip().rstrip(".")
    return f": {plain(said, most=200)}" if said else ""


def _decode(answer: httpx.Response, type_: type[T]) -> T:
    """The body as *type_*; a page of results counts as its list."""
    try:
        body = msgspec.json.decode(answer.content)
        if isinstance(body, dict) and "results" in body:
            body = body["results"]
        return msgspec.convert(body, type_, strict=False)
    except msgspec.MsgspecError as error:
        raise SourceAway(f"The scorecard's answer can't be understood ({plain(error, most=200)}).", WAY_ON) from error
