"""The history while it is being written, for steady state, guardrails and exposure. The judge reads it again later."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from threading import Lock

import msgspec

from chaos.evidence.growing import UNANSWERED_AFTER_S
from chaos.model.history import Dropped, End, Fail, Info, Invoke, Ok, Operation, Outcome, Seen, Start

_LINES = msgspec.json.Decoder(Start | Invoke | Ok | Fail | Info | Seen | Dropped | End)
_OUTCOMES: dict[type, Outcome] = {Ok: Outcome.OK, Fail: Outcome.FAIL, Info: Outcome.INFO}


def _waited(op: Operation, since: float, until: float) -> bool:
    """Whether *op* was under way between *since* and *until* and not answered by *until*. Dropped ones never were."""
    if op.outcome is Outcome.DROPPED or op.sent is None or op.sent >= until:
        return False
    return op.ended is None or op.ended >= until or (op.ended >= since and not op.answered)


class LiveHistory:
    """Joins the lines of all load workers as they come. Thread-safe."""

    def __init__(self, folder: Path, *, t0_unix_s: float) -> None:
        self._folder, self._t0_unix_s = folder, t0_unix_s
        self._read: dict[Path, int] = {}
        self._rest: dict[Path, bytes] = {}
        self._operations: dict[str, Operation] = {}
        self._lock = Lock()

    def _catch_up(self) -> None:
        for path in sorted(self._folder.glob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                new = file.read()
            self._read[path] = self._read.get(path, 0) + len(new)
            *lines, self._rest[path] = (self._rest.get(path, b"") + new).split(b"\n")
            for line in lines:
                with suppress(msgspec.DecodeError):  # the judge counts lines that can't be read
                    self._take(_LINES.decode(line))

    def _take(self, line: msgspec.Struct) -> None:
        match line:
            case Invoke():
                self._operations[line.id] = Operation(
                    id=line.id, op=line.op, phase=line.phase, intended=line.intended, sent=line.sent, main=line.main,
                    outcome=Outcome.INFO,
                )  # fmt: skip
            case Ok() | Fail() | Info():
                op = self._operations.get(line.id)
                if op is not None:
                    op.ended, op.refused, op.status = line.ended, line.refused, line.status
                    op.content_type, op.problem, op.stale, op.age_s = (
                        line.content_type, line.problem, line.stale, line.age_s,
                    )  # fmt: skip
                    op.outcome = _OUTCOMES[type(line)]
            case Dropped():
                self._operations[line.id] = Operation(
                    id=line.id, op=line.op, phase=line.phase, intended=line.intended, outcome=Outcome.DROPPED
                )
            case _:
                pass

    def between(self, start_s: float, end_s: float, *, now_s: float | None = None) -> list[Operation]:
        """Main operations intended in `[start_s, end_s)`; with *now_s*, without those that may still be answered."""
        with self._lock:
            self._catch_up()
            return [
                op
                for op in self._operations.values()
                if op.main
                and start_s <= op.intended < end_s
                and (now_s is None or op.ended is not None or now_s - op.intended > UNANSWERED_AFTER_S)
            ]

    def unanswered_between(self, since_unix_s: float, until_unix_s: float) -> int:
        """See `chaos.ports.ClientWitness`."""
        since, until = since_unix_s - self._t0_unix_s, until_unix_s - self._t0_unix_s
        return sum(not op.answered for op in self.between(since, until, now_s=until))

    def waiting_between(self, since_unix_s: float, until_unix_s: float) -> int:
        """See `chaos.ports.ClientWitness`."""
        since, until = since_unix_s - self._t0_unix_s, until_unix_s - self._t0_unix_s
        with self._lock:
            self._catch_up()
            return sum(_waited(op, since, until) for op in self._operations.values())
