"""A run under way: what all its steps share, and its clock."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from chaos.errors import FiredrillError
from chaos.evidence import writing as folders
from chaos.evidence.journal import Journal
from chaos.faults import KINDS as FAULTS
from chaos.model.journal import EventKind
from chaos.plan import Plan, plan
from chaos.run.request import Request, Stop, Tools, View


class Ongoing:
    """One run.

    Attributes:
        folder: Its evidence folder; its name is the run's id.
        journal: Open from the first event to the last.
        t0_unix_s: When the load starts, by the run's clock; 0 until the start is known.
    """

    journal: Journal

    def __init__(self, request: Request, tools: Tools, view: View, stop: Stop) -> None:
        self.request, self.tools, self.view, self.stop = request, tools, view, stop
        self.scenario = request.scenario
        self.plan: Plan = plan(request.scenario, seed=request.seed, scale=request.scale)
        now = tools.lab.clock.reading().unix_s
        run_id = folders.new_run_id(request.scenario.slug, request.variant, self.plan.seed, now_unix_s=now)
        self.folder: Path = folders.create(request.root, run_id)
        self.t0_unix_s = 0.0

    @property
    def run_id(self) -> str:
        """The name of its evidence folder."""
        return self.folder.name

    @property
    def now_s(self) -> float:
        """Seconds since the load's start."""
        return self.tools.lab.clock.now_unix_s() - self.t0_unix_s

    @property
    def t0_steady_s(self) -> float | None:
        """The load's start by the monotonic clock; None until it is known."""
        return round(self.tools.lab.clock.steady_s(self.t0_unix_s), 6) if self.t0_unix_s else None

    def note(self, text: str) -> None:
        """Write *text* into the journal; a full disk is ignored, since a run does not depend on notes."""
        with suppress(OSError):
            self.journal.write(EventKind.NOTE, text=text)

    def note_identities(self, when: str) -> None:
        """Journal the identity of each part, `before` or `after` the load: a restarted process has a new one."""
        restarted = {fault.params.on for fault in self.scenario.faults if FAULTS[fault.kind].restarts}
        expected = sorted(restarted | set(self.scenario.may_restart))
        try:
            parts = dict(self.tools.stack.identities())
        except FiredrillError as error:
            self.journal.write(EventKind.NOTE, text=f"identities {when}: {error}")
            return
        self.journal.write(EventKind.IDENTITY, when=when, parts=parts, expected_restarts=expected)
