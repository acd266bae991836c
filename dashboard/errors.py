"""What a page says when a source can't be read."""

from __future__ import annotations


class SourceAway(Exception):
    """A source did not answer, or answered something that can't be used. Carries sentences for the page.

    Attributes:
        what: What is the case, one sentence.
        way_on: What the reader can do now, one sentence; commands in backticks.
    """

    def __init__(self, what: str, way_on: str) -> None:
        self.what = what
        self.way_on = way_on
        super().__init__(f"{what} {way_on}")
