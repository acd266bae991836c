"""Exchanges of the load's journeys: each is put on record, sent once, read, and put on record again."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import gevent
from gevent import GreenletExit
from gevent.pool import Group
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError

from chaos.model.disguise import request_id
from chaos.model.dress import Dress, of_body
from chaos.model.history import Outcome
from loadtests.journey import Call, Reading
from loadtests.marks import NONE, marks_of
from loadtests.patience import Patience, TookTooLong
from loadtests.recorder import Operation, Recorder
from loadtests.samples import Samples
from loadtests.wire import Answer, SendsOnce


class Client:
    """Makes the exchanges of one worker's journeys; implements `loadtests.journey.Http`.

    Args:
        dresses: The kinds of client that the requests imitate; a customer's requests all have the same one.
        salt: The run's secret, from which request ids are made.
        profile: Name of the client that is written into the history.

    Attributes:
        deadline_s: After this time no journey begins another request; set when the schedule's end is known.
    """

    def __init__(
        self,
        *,
        base_url: str,
        transport: SendsOnce,
        dresses: Sequence[Dress],
        salt: str,
        profile: str = "",
        recorder: Recorder,
        samples: Samples,
        timeout_s: float,
        now_s: Callable[[], float],
        deadline_s: float = float("inf"),
    ) -> None:
        url = urlsplit(base_url)
        self._path = url.path.rstrip("/")
        self._dresses = tuple(dresses)
        self._salt, self._profile = salt, profile
        self._transport = transport
        self._recorder = recorder
        self._samples = samples
        self._figures = recorder.figures
        self._patience = Patience(timeout_s, now_s)
        self._beside = Group()
        self.now_s = now_s
        self.deadline_s = deadline_s

    def head(self, method: str, path: str, *, headers: dict[str, str] | None = None, length: int = 0) -> bytes:
        lines = [f"{method} {self._path}{path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in (*of_body(method, length), *(headers or {}).items())]
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError(f"{method} {path}: got a line break in a header, expected none")
        return ("\r\n".join(lines) + "\r\nX-Request-Id: ").encode("latin-1")

    def exchange(self, call: Call) -> Reading:
        operation = self._recorder.begin(call, profile=self._profile)
        head = self._whole_head(call, operation)
        self._figures.in_flight += 1
        status, ended, reading, marks = 0, 0.0, _ABANDONED, NONE
        answer: Answer | None = None
        wait = self._patience.begin()
        try:
            answer = self._transport.send_once(call, head)
            ended = self.now_s()
            wait.over()
            status = answer.status
            marks = marks_of(status, answer.body, answer.head.get)
            reading = _TRUNCATED if answer.body is None else call.read(status, answer.body)
        except TookTooLong:
            reading = _TIMEOUT
        except (OSError, HTTPParseError) as error:
            reading = _transport(error)
        except GreenletExit:
            reading = _STOPPED
            raise
        finally:
            wait.over()
            self._figures.in_flight -= 1
            ended = ended or self.now_s()
            self._recorder.end(operation, reading, status=status, ended=ended, marks=marks)
            self._samples.offer(
                call,
                operation,
                reading,
                ended=ended,
                status=status,
                head=head,
                headers=answer.head.items() if answer else (),
                body=answer.body if answer else None,
            )
        return reading

    def _whole_head(self, call: Call, operation: Operation) -> bytes:
        """The complete head, in the dress of the call's customer; without a customer, the dresses alternate."""
        look = operation.number if call.customer is None else call.customer
        dressed = self._dresses[look % len(self._dresses)].on(call.head)
        return b"%b%b\r\n\r\n" % (dressed, request_id(self._salt, operation.id).encode())

    def beside(self, call: Call) -> Callable[[], Reading]:
        greenlet = self._beside.spawn(self.exchange, call)

        def result() -> Reading:
            reading: Reading | GreenletExit = greenlet.get()  # raises what the exchange raised
            if isinstance(reading, GreenletExit):  # gevent returns this exception as a value
                raise reading
            return reading

        return result

    def sleep_until(self, at_s: float) -> None:
        gevent.sleep(max(at_s - self.now_s(), 0))

    def winding_down(self) -> bool:
        return self.now_s() > self.deadline_s

    def stop(self) -> None:
        """End the exchanges that run beside the journeys; each is recorded as unknown."""
        self._beside.kill(block=True)


class Clock:
    """Seconds since the load's start, from the monotonic clock."""

    def __init__(self, t0_unix_s: float, t0_steady_s: float | None = None) -> None:
        """*t0_steady_s*: the start on this machine's monotonic clock; None: derived now from the wall clock."""
        self._zero = time.monotonic() + (t0_unix_s - time.time()) if t0_steady_s is None else t0_steady_s
        self._monotonic = time.monotonic

    def now_s(self) -> float:
        return self._monotonic() - self._zero


_ABANDONED = Reading(Outcome.INFO, reason="driver_error")
_STOPPED = Reading(Outcome.INFO, reason="stopped")
_TIMEOUT = Reading(Outcome.INFO, reason="timeout")
_TRUNCATED = Reading(Outcome.INFO, reason="truncated")


def _transport(error: BaseException) -> Reading:
    """The reading of a broken exchange: fail for a refused connection, which sent nothing, else unknown."""
    if isinstance(error, ConnectionRefusedError):
        return Reading(Outcome.FAIL, reason="connection_refused")
    if isinstance(error, HTTPConnectionClosed):
        return Reading(Outcome.INFO, reason="closed_without_answer")
    if isinstance(error, HTTPParseError):
        return Reading(Outcome.INFO, reason="bad_http")
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return Reading(Outcome.INFO, reason="reset")
    number = getattr(error, "errno", None)
    return Reading(Outcome.INFO, reason=errno.errorcode.get(number, type(error).__name__) if number else "socket")
