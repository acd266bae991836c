"""Client of the agent: what can be started, what is going on, start, stop."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from dashboard.errors import SourceAway
from dashboard.words import plain

TIMEOUT = httpx.Timeout(5.0, connect=0.5)
WAY_ON = "`make status` says how it is; a run can be started in a terminal too: `make scenario S=… VARIANT=…`."
T = TypeVar("T")


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario that can be started; `seed` is its own."""

    name: str
    title: str = ""
    drill: int | None = None
    seed: int = 0
    lasts_s: float = 0.0


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """What can be started, on which variants."""

    scenarios: list[Offered] = []
    variants: list[str] = []


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was started from here. `exit_code` is None while it goes on; `said` is its message on stderr."""

    scenario: str
    variant: str
    seed: int | None = None
    started_unix_s: float = 0.0
    stopping: bool = False
    exit_code: int | None = None
    said: str = ""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The run that was started from here and goes on, and how the last one ended."""

    running: Started | None = None
    ended: Started | None = None


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """A run's label; empty when it has none."""

    label: str


class Refused(Exception):
    """The agent refused the request; carries its sentence."""


class Agent:
    """Raises: SourceAway from every call: not reachable, too slow, or an answer of another shape."""

    def __init__(self, base_url: str, token: str, *, client: httpx.Client | None = None) -> None:
        self._client = client or httpx.Client(base_url=base_url, timeout=TIMEOUT, trust_env=False)
        self._token = token

    def catalogue(self) -> Catalogue:
        return self._decoded(self._ask("GET", "/scenarios"), Catalogue)

    def state(self) -> State:
        return self._decoded(self._ask("GET", "/runs"), State)

    def start(self, scenario: str, variant: str, seed: int | None) -> State:
        """Raises: Refused, when one is going on or there is no such scenario or variant."""
        body = {"scenario": scenario, "variant": variant, "seed": seed}
        return self._decoded(self._ask("POST", "/runs", json=body), State)

    def stop(self) -> State:
        """Ask the run to end cleanly: it heals, and its verdict is inconclusive. Raises: Refused."""
        return self._decoded(self._ask("DELETE", "/runs"), State)

    def label(self, run_id: str, text: str) -> str:
        """Label a run, or take its label away; returns the label as it is kept. Raises: Refused."""
        return self._decoded(
            self._ask("PUT", f"/runs/{quote(run_id, safe='')}/label", json={"text": text}), Labelled
        ).label

    def _ask(self, method: str, path: str, *, json: Any = None) -> httpx.Response:
        headers = {} if method == "GET" else {"X-Lab-Token": self._token}
        try:
            answer = self._client.request(method, path, json=json, headers=headers)
        except httpx.HTTPError as error:
            raise SourceAway("The agent can't be reached.", WAY_ON) from error
        if answer.is_success:
            return answer
        if answer.status_code in (400, 404, 409):
            raise Refused(_detail(answer))
        if answer.status_code == 401:
            raise SourceAway("The agent refused the lab's token.", "`make up` hands out a new one; reload this page.")
        raise SourceAway(f"The agent answered {answer.status_code}: {_detail(answer)}.", WAY_ON)

    @staticmethod
    def _decoded(answer: httpx.Response, type_: type[T]) -> T:
        try:
            return msgspec.json.decode(answer.content, type=type_)
        except msgspec.MsgspecError as error:
            raise SourceAway("The agent's answer can't be understood.", "`make down`, then `make up`.") from error


def _detail(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return "no reason given"
    said = str(body.get("detail") or "") if isinstance(body, dict) else ""
    return plain(said or "no reason given", most=200)
