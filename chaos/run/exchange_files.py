"""The files of an exchange run: the exchanges, the history of those that are operations, the queries."""

from __future__ import annotations

import gzip
import os
from contextlib import suppress
from typing import IO, Any

import msgspec

from chaos.errors import FiredrillError
from chaos.evidence.writing import compress_exchanges
from chaos.files import write_atomic
from chaos.model.conform import PROBLEM
from chaos.model.exchange import Case, Exchange, Exchanged
from chaos.model.folder import EXCHANGES_GROWING, HISTORY, File, of_worker
from chaos.model.history import HISTORY_VERSION, End, Fail, Info, Invoke, Ok, Outcome, Start
from chaos.ports import Recorder
from chaos.run.ongoing import Ongoing
from chaos.run.player import Player, written

_ENDINGS: dict[Outcome, Any] = {Outcome.OK: Ok, Outcome.FAIL: Fail, Outcome.INFO: Info}


class ExchangeFiles:
    """Each line is on disk before the next request is sent, so that a kill loses none."""

    def __init__(self, run: Ongoing, player: Player) -> None:
        self._run, self._player = run, player
        self._encode = msgspec.json.Encoder().encode
        self._exchanges: IO[bytes] | None = None
        self._history: IO[bytes] | None = None
        self._lines = 0
        self._all: list[tuple[Case, Exchange]] = []

    def open(self, salt: str) -> None:
        """Create both files, and write the history's first line."""
        run = self._run
        self._exchanges = (run.folder / EXCHANGES_GROWING).open("wb", buffering=0)
        self._history = (run.folder / HISTORY / of_worker(0)).open("wb", buffering=0)
        self._note(
            Start(version=HISTORY_VERSION, worker=0, t0_unix_s=run.t0_unix_s, variant=run.request.variant,
                  seed=run.plan.seed, salt=salt)
        )  # fmt: skip

    def add(self, case: Case, exchange: Exchange) -> None:
        """Write one exchange. Raises: OSError."""
        assert self._exchanges is not None
        self._exchanges.write(self._encode(exchange) + b"\n")
        self._all.append((case, exchange))
        if case.history and exchange.sent is not None:
            for line in self._operation(case, exchange):
                self._note(line)

    def _operation(self, case: Case, exchange: Exchange) -> tuple[Invoke, Any]:
        """The exchange as an operation of the history."""
        asked, told = _object(exchange.request_body), _object(exchange.body)
        key = str(asked.get("reference") or exchange.request_headers.get("idempotency-key", ""))
        whose = case.about.get("customer")
        order = (
            str(told.get("id") or case.about.get("order") or "") if case.history in ("buy", "cancel", "poll") else ""
        )
        begun = Invoke(
            id=exchange.id, op=case.history, phase=case.section, intended=exchange.intended,
            sent=exchange.sent or 0.0, key=key if case.history == "buy" else "",
            customer=whose if isinstance(whose, int) else None,
            tier=_whole(asked.get("tier")) if case.history == "buy" else None,
            quantity=_whole(asked.get("quantity")) or 0 if case.history == "buy" else 0,
            order="" if case.history == "buy" else order,
        )  # fmt: skip
        refused = exchange.outcome is Outcome.FAIL and exchange.status in (409, 422)
        error = exchange.status >= 400
        ended = _ENDINGS[exchange.outcome](
            id=exchange.id, ended=exchange.ended or 0.0, status=exchange.status, refused=refused,
            reason=str(told.get("code") or exchange.error or "")[:200], order=order,
            order_status=str(told.get("status", "")) if order else "",
            content_type=(exchange.content_type or "none") if error else "",
            problem=error and exchange.content_type == PROBLEM and "title" in told,
        )  # fmt: skip
        return begun, ended

    def _note(self, line: msgspec.Struct) -> None:
        assert self._history is not None
        self._history.write(self._encode(line) + b"\n")
        self._lines += 1

    def close(self) -> None:
        """End both files and pack the exchanges. Idempotent."""
        if self._history is not None:
            self._note(End(lines=self._lines))
            self._history.close()
        if self._exchanges is not None:
            os.fsync(self._exchanges.fileno())
            self._exchanges.close()
            compress_exchanges(self._run.folder)
        self._history = self._exchanges = None

    def write_queries(self, recorder: Recorder) -> None:
        """Write the statements, and the plans of the cases with `explain`. On an error: a note, and no file."""
        folder, hidden = self._run.folder, self._player.hidden
        try:
            queries = recorder.queries()
            _pack(folder / File.QUERIES, written(queries, hidden))
        except (FiredrillError, OSError) as error:
            self._run.note(f"queries: {error}")
            return
        exchanges = tuple(exchange for _, exchange in self._all)
        exchanged = Exchanged(exchanges=exchanges, queries=tuple(queries), t0_unix_s=self._run.t0_unix_s)
        plans = [
            plan
            for case, exchange in self._all
            if case.explain
            for plan in recorder.explained(exchange.id, exchanged.made[exchange.id])
        ]
        with suppress(OSError):
            _pack(folder / File.PLANS, written(plans, hidden))


def _pack(path: Any, content: bytes) -> None:
    write_atomic(path, gzip.compress(content, compresslevel=6, mtime=0))


def _object(text: str | None) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text or "{}")
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else None
