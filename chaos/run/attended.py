"""What runs beside every kind of traffic: the watch for foreign processes and clients, the trace, the agent's lease."""

from __future__ import annotations

from contextlib import suppress

from chaos.config import LEASE_S
from chaos.model.journal import EventKind
from chaos.run.lease import Lease
from chaos.run.ongoing import Ongoing
from chaos.run.proxies import ProxiesRead
from chaos.run.trace import Traced


class Attended:
    """The part of a run that can be aborted. The caller ends its lease, its watch and its trace.

    Attributes:
        lease: When it runs out, the agent heals in the runner's place; None until it was taken.
    """

    def __init__(self, run: Ongoing) -> None:
        self._run, self._tools = run, run.tools
        self.lease: Lease | None = None
        self._traced: Traced | None = None
        self._watching = False
        self._proxies = ProxiesRead(self._tools.lab.proxies, tell=self._stranger)

    def play(self) -> None:
        """Play all traffic. Raises: Aborted, FiredrillError, OSError."""
        raise NotImplementedError

    @property
    def until_s(self) -> float:
        """When the traffic ended, in seconds since its start; 0 when it never began."""
        run = self._run
        return min(run.now_s, run.plan.ends_s) if run.t0_unix_s else 0.0

    def _begin(self) -> None:
        """Start watch and trace, and note the identities. Raises: Aborted, LabBroken."""
        run = self._run
        run.stop.check()
        if self._tools.watch is not None:
            self._watching = True
            self._proxies.start()
            self._tools.watch.start(self._stranger)  # becomes ready while the identities are read
        run.note_identities("before")
        if self._tools.watch is not None:
            self._tools.watch.wait_ready()
        self._tools.mark_log()
        self._traced = Traced(self._tools.tracer, lasts_s=run.plan.ends_s, note=run.note)
        self._traced.start()

    def _take_lease(self) -> None:
        run = self._run
        self.lease = Lease(self._tools.lease, run_id=run.run_id, folder=run.folder, ttl_s=LEASE_S, on_trouble=run.note)
        self.lease.take()

    def end_watch(self) -> None:
        """Stop the watch, and journal what kept it from looking."""
        if self._watching and self._tools.watch is not None:
            problems = (self._proxies.stop(), self._tools.watch.stop())
            self._run.journal.write(EventKind.WATCHED, problem="; ".join(filter(None, problems)))

    def end_trace(self) -> None:
        """Stop the trace and write its statements and log lines."""
        if self._traced is not None:
            self._traced.end(self._run.folder)

    def _stranger(self, what: str) -> None:
        with suppress(OSError, ValueError):  # the watch may still report when the journal is closed
            self._run.journal.write(EventKind.STRANGER, what=what)
