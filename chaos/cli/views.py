"""A run as people see it while it goes on: a live panel on a terminal, plain lines in a pipe."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from chaos.evidence.figures import quantile_text
from chaos.model.journal import Event, EventKind
from chaos.model.loadplan import Progress
from chaos.model.text import visible

PLAIN_EVERY_S = 2.0


def sentence(event: Event) -> str | None:
    """What a person wants to read of an event; None for what only a file needs."""
    data = event.data
    match event.event:
        case EventKind.RUN_STARTED:
            return f"run {data['run_id']}"
        case EventKind.PREPARED:
            total = data.get("timings_s", {}).get("total")
            return f"{data['variant']} is ready" + (f" ({total:.1f} s)" if isinstance(total, int | float) else "")
        case EventKind.PHASE_STARTED:
            if data.get("cases") == 0:  # forced interleavings decide schedule by schedule what is sent
                return f"section {data['phase']}: two requests at a time, forced"
            if "cases" in data:
                return f"section {data['phase']}: {data['cases']} requests, one after the other"
            return f"phase {data['phase']} ({data['start_s']:g}–{data['end_s']:g} s)"
        case EventKind.SCHEDULE if not data.get("learnt"):
            return f"{data['id']}: {data['held'].replace('_', ' ')}; A {data['a']}, B {data['b']}"
        case EventKind.SCHEDULE:
            return f"{data['id']}: {data['stops']} stops"
        case EventKind.GATE_INSTALLED:
            return f"gate installed on {data['tables']} tables"
        case EventKind.GATE_REMOVED:
            return "gate removed"
        case EventKind.STEADY_STATE:
            return "steady state: " + ("met" if data["met"] else "; ".join(data["findings"]))
        case EventKind.FAULT_INJECTED:
            proven = "proven" if data["proven"] else f"NOT PROVEN: {data['reason']}"
            return f"fault {data['kind']} on {data['on']}: injected, {proven}"
        case EventKind.FAULT_FAILED:
            return f"fault {data['kind']} on {data['on']}: failed: {data['reason']}"
        case EventKind.EXPOSURE:
            return f"fault {data['fault']}: {data['count']} met it ({data['witness']})"
        case EventKind.FAULT_LIFTED:
            return f"fault {data['fault']}: " + ("lifted" if data["pristine"] else f"NOT LIFTED: {data['reason']}")
        case EventKind.GUARDRAIL:
            return f"guardrail {data['probe']}: {data['reason']}"
        case EventKind.HEALED:
            return "healed: proxies are pristine"
        case EventKind.HEAL_FAILED:
            return f"heal FAILED: {'; '.join(data['left'])}"
        case EventKind.SETTLED:
            how = "settled after" if data["settled"] else "not settled within"
            return f"{how} {data['settle_s']:.1f} s: {data['reason']}"
        case EventKind.NOTE:
            return str(data.get("text", ""))
        case _:
            return None


def figures(progress: Progress, interval_s: float) -> dict[str, str]:
    """The five numbers that a person follows, each with its unit."""
    outcomes = progress.outcomes
    served = outcomes.get("ok", 0) + outcomes.get("refused", 0)
    errors = outcomes.get("fail", 0) + outcomes.get("info", 0) + progress.dropped
    return {
        "offered": f"{progress.scheduled / interval_s:.0f}/s",
        "served": f"{served / interval_s:.0f}/s",
        "errors": f"{errors / interval_s:.0f}/s",
        "p95": quantile_text(progress.p95_ms, served + errors),
        "in flight": str(progress.in_flight),
    }


class PlainView:
    """One line per event, and one per two seconds of load."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._start = time.monotonic()
        self._last_s = float("-inf")
        self._before_s: float | None = None

    def _line(self, text: str) -> None:
        with self._lock, suppress(OSError, ValueError):  # `| head` has gone; the run goes on
            self._stream.write(f"[{time.monotonic() - self._start:6.1f} s] {visible(text)}\n")
            self._stream.flush()

    def say(self, text: str) -> None:
        self._line(text)

    def event(self, event: Event) -> None:
        if event.event is EventKind.RUN_STARTED:  # the load's clock starts anew
            self._last_s, self._before_s = float("-inf"), None
        if text := sentence(event):
            self._line(text)

    def progress(self, progress: Progress, active_faults: tuple[str, ...]) -> None:
        before_s, self._before_s = self._before_s, progress.at_s
        if before_s is None or progress.at_s - self._last_s < PLAIN_EVERY_S or not progress.phase:
            return
        self._last_s = progress.at_s
        shown = figures(progress, max(0.1, progress.at_s - before_s))
        faults = f" · faults: {', '.join(active_faults)}" if active_faults else ""
        self._line(f"{progress.phase}: " + ", ".join(f"{name} {value}" for name, value in shown.items()) + faults)

    def close(self) -> None:
        """Nothing to put back."""


class LiveView:
    """A panel that is redrawn in place, with the events scrolling above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(Text(""), console=console, refresh_per_second=4, transient=True)
        self._live.start()
        self._start = time.monotonic()
        self._before_s: float | None = None

    def say(self, text: str) -> None:
        self._console.print(Text(f"[{time.monotonic() - self._start:6.1f} s] {visible(text)}"))

    def event(self, event: Event) -> None:
        if text := sentence(event):
            self.say(text)

    def progress(self, progress: Progress, active_faults: tuple[str, ...]) -> None:
        before_s, self._before_s = self._before_s, progress.at_s
        if before_s is None:
            return
        self._live.update(self._panel(progress, max(0.1, progress.at_s - before_s), active_faults))

    def _panel(self, progress: Progress, interval_s: float, active_faults: tuple[str, ...]) -> RenderableType:
        table = Table(show_header=True, header_style="bold", box=None, padding=(0, 3, 0, 0))
        shown = {"phase": progress.phase or "–", "time": f"{progress.at_s:.0f} s", **figures(progress, interval_s)}
        for name in shown:
            table.add_column(name)
        table.add_row(*(Text(visible(value)) for value in shown.values()))
        faults = Text(
            visible("faults: " + (", ".join(active_faults) or "none")), style="bold red" if active_faults else "dim"
        )
        return Group(table, faults)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._live.stop()
