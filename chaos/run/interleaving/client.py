"""Sends requests and writes them into the run's history, as the load driver does: many threads, one file."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec

from chaos.model.answers import order_seen
from chaos.model.disguise import request_id
from chaos.model.dress import Clients, Lines, of_body
from chaos.model.history import HISTORY_VERSION, End, Fail, Info, Invoke, Line, Ok, Outcome, Start, fingerprint

TIMEOUT_S = 10.0
_TIMES = {"timeout": httpx.Timeout(TIMEOUT_S).as_dict()}
MOST_TRIES = 32
"""Of two processes, one gets none of this many connections less than once in four billion times."""
_ENDINGS: dict[Outcome, type[Ok] | type[Fail] | type[Info]] = {Outcome.OK: Ok, Outcome.FAIL: Fail}
_ORDER_ID = re.compile(r"[A-Za-z0-9-]{1,64}")  # checked, since the API's id goes into a request line


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request. Fields from *key* on as in `chaos.model.history.Invoke`.

    Attributes:
        access: Access token to send; empty: none.
        refusals: Status and code of documented refusals, which are no failures; code `*` stands for any.
    """

    op: str
    method: str
    path: str
    body: Any = None
    access: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    refusals: frozenset[tuple[int, str]] = frozenset()
    main: bool = False
    attempt: int = 1
    key: str = ""
    customer: int | None = None
    tier: int | None = None
    quantity: int = 0
    order: str = ""
    token: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a request.

    Attributes:
        status: HTTP status; 0 without an answer.
        issued: Access and refresh token; the history gets only a fingerprint.
    """

    outcome: Outcome
    status: int
    reason: str = ""
    order: str = ""
    order_status: str = ""
    issued: tuple[str, str] | None = None

    def __str__(self) -> str:
        if not self.status:
            return self.reason or "no answer"
        told = self.order_status or ("new tokens" if self.issued else self.reason.removeprefix(f"http_{self.status}"))
        return f"{self.status} {told}".strip()


class HistoryFile:
    """One history file. An `invoke` line is given to the kernel before its request is sent."""

    def __init__(self, path: Path, start: Start) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._lock, self._lines = threading.Lock(), 0
        self.write(start)

    def write(self, line: Line) -> None:
        """Raises: OSError."""
        payload = msgspec.json.encode(line) + b"\n"
        with self._lock:
            if self._file < 0:
                return  # an answer that came after the end of the run
            rest = memoryview(payload)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            self._lines += 1

    def close(self) -> None:
        """Write the `end` line and close. Idempotent."""
        if self._file < 0:
            return
        self.write(End(lines=self._lines))
        with self._lock:
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1


class Client:
    """Sends the requests of one run; *phase* is written with them into the history.

    It keeps two connections open, to two processes of the API if it has several: a lock inside one process must not
    be enough to pass.
    """

    def __init__(
        self,
        *,
        base_url: str,
        history: HistoryFile,
        salt: str,
        seed: int,
        now_s: Callable[[], float],
        worker: int = 0,
    ) -> None:
        self._url = httpx.URL(base_url)
        self._clients = Clients(seed, self._url.netloc.decode())
        self._history, self._salt, self._now_s, self._worker = history, salt, now_s, worker
        self._lanes = apart(lambda number: self._request("GET", "/ready", f"{worker}-ready-{number}"))
        self._lock, self._number = threading.Lock(), 0
        self.phase = ""
        self.orders: dict[str, None] = {}
        """Ids of all orders that were in answers, in the order of the answers."""

    def close(self) -> None:
        """Idempotent."""
        for lane in self._lanes:
            lane.close()

    def new_id(self) -> str:
        """The id of the next operation."""
        with self._lock:
            self._number += 1
            return f"{self._worker}-{self._number}"

    def tag(self, id_: str) -> str:
        """The request id by which the operation's statements are known."""
        return request_id(self._salt, id_)

    def send(self, ask: Ask, id_: str | None = None, *, lane: int = 0) -> Answer:
        """Send *ask* over the connection *lane* and wait. Raises: OSError when the history can't be written."""
        id_ = id_ or self.new_id()
        now_s = round(self._now_s(), 6)
        self._history.write(
            Invoke(
                id=id_, op=ask.op, phase=self.phase, intended=now_s, sent=now_s, main=ask.main, attempt=ask.attempt,
                key=ask.key, customer=ask.customer, tier=ask.tier, quantity=ask.quantity, order=ask.order,
                token=ask.token, state=ask.state,
            )
        )  # fmt: skip
        own = [("Authorization", f"Bearer {ask.access}"), *ask.headers] if ask.access else ask.headers
        request = self._request(ask.method, ask.path, id_, body=ask.body, own=own, customer=ask.customer)
        try:
            response = self._lanes[lane].send(request)
        except httpx.ConnectError:
            return self._end(id_, Answer(outcome=Outcome.FAIL, status=0, reason="ConnectError"))
        except httpx.HTTPError as error:
            return self._end(id_, Answer(outcome=Outcome.INFO, status=0, reason=type(error).__name__))
        return self._end(id_, read(ask, response.status_code, response.content), response, ask)

    def _request(
        self, method: str, path: str, id_: str, *, body: Any = None, own: Lines = (), customer: int | None = None
    ) -> httpx.Request:
        """A request as the load sends it."""
        content = None if body is None else msgspec.json.encode(body)
        lines = [*of_body(method, len(content or b"")), *own]
        return httpx.Request(
            method, self._url.copy_with(raw_path=path.encode()), content=content, extensions=_TIMES,
            headers=self._clients.of(id_, customer).worn(lines, self.tag(id_)),
        )  # fmt: skip

    def _end(self, id_: str, answer: Answer, response: httpx.Response | None = None, ask: Ask | None = None) -> Answer:
        kind: type[Ok] | type[Fail] | type[Info] = _ENDINGS.get(answer.outcome, Info)
        more: dict[str, Any] = {}
        if response is not None and answer.status >= 400:
            more["content_type"] = response.headers.get("content-type", "none").partition(";")[0].strip().lower()
            more["problem"] = more["content_type"] == "application/problem+json" and bool(_body(response.content))
        if answer.order and response is not None:
            self.orders[answer.order] = None
            more["seen"], more["tickets"] = order_seen(response.content)
        if answer.issued and answer.issued[1]:
            more["issued"] = fingerprint(answer.issued[1])
        refused = ask is not None and answer.outcome is Outcome.FAIL and _is_refusal(ask.refusals, answer)
        self._history.write(
            kind(
                id=id_, ended=round(self._now_s(), 6), status=answer.status, reason=answer.reason, refused=refused,
                order=answer.order, order_status=answer.order_status, **more,
            )
        )  # fmt: skip
        return answer


def apart(ready: Callable[[int], httpx.Request]) -> tuple[httpx.Client, httpx.Client]:
    """Two clients with one connection each, to different processes of the API if it has several.

    The kernel chooses a process for each connection and `/ready` tells which one answers, so the second connection is
    made again until it reaches another process. *ready* makes the request for that, from a number of its own.
    """
    first, process, processes = _connected(ready(0))
    second, another, _ = _connected(ready(1))
    for number in range(MOST_TRIES):
        if another != process or processes < 2:
            break
        second.close()
        second, another, _ = _connected(ready(2 + number))
    return first, second


def _connected(ready: httpx.Request) -> tuple[httpx.Client, int, int]:
    one = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    client = httpx.Client(trust_env=False, follow_redirects=False, limits=one)
    try:
        told = _body(client.send(ready).content)
    except httpx.HTTPError:
        told = {}
    process, processes = told.get("process"), told.get("processes")
    return client, process if isinstance(process, int) else 0, processes if isinstance(processes, int) else 1


def read(ask: Ask, status: int, content: bytes) -> Answer:
    """Interpret an answer for the history. Pure."""
    body = _body(content)
    if not 200 <= status < 300:
        if not 400 <= status < 500:
            return Answer(outcome=Outcome.INFO, status=status, reason=f"http_{status}")
        code = body.get("code")
        return Answer(
            outcome=Outcome.FAIL, status=status, reason=code if isinstance(code, str) and code else f"http_{status}"
        )
    if ask.op in {"refresh_race", "renew", "refresh"}:
        access, refresh = body.get("access"), body.get("refresh")
        if not isinstance(access, str) or not access:
            return Answer(outcome=Outcome.INFO, status=status, reason="bad_body")
        return Answer(outcome=Outcome.OK, status=status, issued=(access, refresh if isinstance(refresh, str) else ""))
    if ask.path.startswith("/api/orders/"):
        order, order_status = str(body.get("id") or ""), str(body.get("status") or "")
        if not _ORDER_ID.fullmatch(order) or not order_status or (ask.order and order != ask.order):
            return Answer(outcome=Outcome.INFO, status=status, reason="bad_body")
        return Answer(outcome=Outcome.OK, status=status, order=order, order_status=order_status)
    return Answer(outcome=Outcome.OK, status=status)


def _body(content: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}
    return body if isinstance(body, dict) else {}


def _is_refusal(refusals: Collection[tuple[int, str]], answer: Answer) -> bool:
    return (answer.status, answer.reason) in refusals or (answer.status, "*") in refusals


def start_line(*, t0_unix_s: float, variant: str, seed: int, salt: str, worker: int = 0) -> Start:
    """The first line of a history file."""
    return Start(version=HISTORY_VERSION, worker=worker, t0_unix_s=t0_unix_s, variant=variant, seed=seed, salt=salt)
