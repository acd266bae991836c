"""Client of the scorecard's HTTP API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec

from dashboard.errors import SourceAway
from dashboard.words import plain

TIMEOUT = httpx.Timeout(3.0, connect=0.5)
EXPORT_TIMEOUT = httpx.Timeout(20.0, connect=0.5)
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


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """A mentor's re-run of the learner's code that held."""

    mentor: str
    run_id: str = ""
    seed: int = 0
    confirmed_at: str = ""
    notes: str = ""


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


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A self-score against its evidence; `ceiling` is None while no evidence decides."""

    ceiling: int | None = None
    reason: str = ""
    gap: int = 0
    overclaim: bool = False
    regressed: list[str] = []
    self_attested: bool = False


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """A drill with its score and its latest run on each variant."""

    key: str
    number: int
    title: str
    competency_focus: str = ""
    dimensions: list[Dimension] = []
    risk_focus: str = ""
    score: Score = Score()
    standing: Standing = Standing()
    core: list[str] = []
    stretch: list[str] = []
    latest_runs: list[Run] = []
    confirmations: list[Confirmation] = []


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """A hint; `text` is None until it was opened. It helps with `checks`, named without their brackets."""

    key: str
    level: str = ""
    title: str = ""
    checks: list[str] = []
    used_at: str | None = None
    text: str | None = None


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """What a learner reads before a drill; texts are Markdown."""

    brief: str = ""
    steps: list[str] = []
    deliverable: list[str] = []
    checked: list[str] = []
    files: dict[str, list[str]] = {}
    hints: list[Hint] = []

    def ladder(self, check: str) -> list[Hint]:
        """The hints for *check*."""
        return [hint for hint in self.hints if check.partition("[")[0] in hint.checks]

    def files_of(self, check: str) -> list[str]:
        """The files of an attempt that *check* is about."""
        return self.files.get(check.partition("[")[0], [])


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """An axis of the radar; drills by number."""

    key: str
    name: str
    mean: float | None = None
    scored: int = 0
    drills: list[int] = []
    raise_with: list[int] = []


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a level still asks for."""

    text: str
    drill: int | None = None


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """A completion level."""

    key: str
    name: str
    asks: str = ""
    reached: bool = False
    missing: list[Missing] = []


class RedFlag(msgspec.Struct, frozen=True, kw_only=True):
    """Something to look at; `kind` is `critical_gap`, `overclaim` or `regression`."""

    kind: str
    drill: int
    text: str = ""


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """A month of the trend with its notes."""

    month: str
    has_data: bool = False
    average: float | None = None
    scored: int = 0
    red_flags: list[RedFlag] = []
    notes: str = ""
    version: int = 0


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that Progress shows."""

    average: float | None = None
    scored: int = 0
    radar: list[Axis] = []
    weakest: list[Axis] = []
    levels: list[Level] = []
    reached: str | None = None
    next_level: str | None = None
    self_attested: list[int] = []
    red_flags: list[RedFlag] = []
    months: list[Month] = []


class Learner(msgspec.Struct, frozen=True, kw_only=True):
    """Whose scorecard this is; an empty name was not given yet."""

    name: str = ""
    version: int = 0


class StaleScore(Exception):
    """Somebody else saved this since it was loaded; nothing was written."""


class Refused(Exception):
    """The scorecard refused the request; carries its sentence."""


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

    def runs(self, **filters: str) -> list[Run]:
        """The newest runs: one page. *filters*: `drill`, `scenario`, `variant`, `verdict`, `q`; empty for any."""
        asked = urlencode({name: value for name, value in filters.items() if value})
        return _decode(self._ask("GET", f"/api/runs/?{asked}" if asked else "/api/runs/"), list[Run])

    def newest_of_drill(self, drill: int) -> list[Run]:
        """The newest run of each scenario and variant of a drill, the newest first."""
        return _decode(self._ask("GET", f"/api/runs/?drill={drill}&newest=true&page_size=100"), list[Run])

    def run(self, run_id: str) -> Run | None:
        """One indexed run; None when the scorecard doesn't know it."""
        answer = self._ask("GET", f"/api/runs/{quote(run_id, safe='')}/", accept=(404,))
        return None if answer.status_code == 404 else _decode(answer, Run)

    def history(self, key: str) -> list[ScoreChange]:
        """How a drill's score came to be, newest first: one page of it."""
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

    def progress(self) -> Progress:
        return _decode(self._ask("GET", "/api/progress/"), Progress)

    def save_month(self, month: str, *, notes: str, version: int) -> None:
        """Raises: StaleScore."""
        self._put(f"/api/months/{month}/", {"notes": notes, "version": version})

    def learner(self) -> Learner:
        return _decode(self._ask("GET", "/api/learner/"), Learner)

    def name_learner(self, name: str, *, version: int) -> None:
        """Raises: StaleScore."""
        self._put("/api/learner/", {"name": name, "version": version})

    def brief(self, key: str) -> Brief:
        return _decode(self._ask("GET", f"/api/drills/{key}/brief/"), Brief)

    def open_hint(self, key: str, hint: str) -> Hint:
        """Its text; that it was opened is logged, once."""
        return _decode(self._ask("PUT", f"/api/drills/{key}/hints/{hint}/", json={}), Hint)

    def confirm(self, key: str, *, mentor: str, run_id: str) -> None:
        """Record a mentor's re-run. Raises: Refused, when that run confirms nothing."""
        body = {"mentor": mentor, "run_id": run_id}
        answer = self._ask("POST", f"/api/drills/{key}/confirmations/", json=body, accept=(400, 409))
        if not answer.is_success:
            raise Refused(_detail(answer).removeprefix(": "))

    def exported(self, kind: str) -> bytes:
        """The whole drill map, as `markdown` or `json`."""
        path = "/api/drill-map.md" if kind == "markdown" else "/api/drill-map/"
        return self._ask("GET", path, timeout=EXPORT_TIMEOUT).content

    def imported(self, document: bytes) -> dict[str, int]:
        """Put a drill map back. Returns how many of what were added. Raises: Refused, for a damaged document."""
        answer = self._ask("POST", "/api/drill-map/", content=document, accept=(400, 413), timeout=EXPORT_TIMEOUT)
        if not answer.is_success:
            raise Refused(_detail(answer).removeprefix(": "))
        return _decode(answer, dict[str, int])

    def _put(self, path: str, body: dict[str, Any]) -> None:
        if self._ask("PUT", path, json=body, accept=(409,)).status_code == 409:
            raise StaleScore

    def _ask(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        accept: tuple[int, ...] = (),
        timeout: httpx.Timeout = TIMEOUT,
    ) -> httpx.Response:
        headers = {"Authorization": f"Token {self._token}"} if method != "GET" else {}
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            answer = self._client.request(method, path, json=json, content=content, headers=headers, timeout=timeout)
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
