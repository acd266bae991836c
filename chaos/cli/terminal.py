"""Rich's console as the commands use it."""

from __future__ import annotations

from rich.console import Console


class Terminal(Console):
    """Stdout, for output that people read."""

    def on_broken_pipe(self) -> None:
        """Rich would exit with 1, which means "violated" here."""
        raise BrokenPipeError
