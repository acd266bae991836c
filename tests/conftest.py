"""Tests run in two processes; those that share something expensive stay together in one of them."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process for all that use the session's stack; a file stays whole otherwise, for its own fixtures' sake."""
    for item in items:
        shares_stack = "stack" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("stack" if shares_stack else str(item.path)))
