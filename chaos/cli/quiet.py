"""A view that says what the lab says, and nothing of a run's events: for a loop of many short ones."""

from __future__ import annotations

from chaos.model.journal import Event
from chaos.model.loadplan import Progress
from chaos.run.request import View


class QuietView:
    """Passes on what is said until the first run is prepared, and nothing afterwards. See `chaos.run.request.View`."""

    def __init__(self, view: View) -> None:
        self._view, self._begun = view, False

    def say(self, text: str) -> None:
        """Passed on before the first run."""
        self._begun = self._begun or text.startswith("preparing ")
        if not self._begun:
            self._view.say(text)

    def event(self, event: Event) -> None:
        """Kept back."""

    def progress(self, progress: Progress, active_faults: tuple[str, ...]) -> None:
        """Kept back."""
