"""Tests run in a few processes; those that share something expensive stay together in one of them."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process for all that use the session's stack; a file stays whole otherwise, for its own fixtures' sake.

    The stack's tests take longest, one after another: they are the first to start.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group("stack" if _shares_stack(item) else str(item.path)))
    items.sort(key=lambda item: not _shares_stack(item))


def _shares_stack(item: pytest.Item) -> bool:
    return "stack" in getattr(item, "fixturenames", ())
