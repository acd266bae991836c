"""Tests run in a few processes; those that share something expensive stay together in one of them."""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two processes for all that use a session's stack; a file stays whole otherwise, for its own fixtures' sake.

    The stack's tests take longest, one after another: they are the first to start. Whole runs take as long as all
    others together, so they have a stack of their own.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: not _shares_stack(item))


def _group(item: pytest.Item) -> str:
    file = item.nodeid.partition("::")[0]
    if not _shares_stack(item):
        return file
    return "runs on a stack" if file.endswith("/test_run.py") else "stack"


def _shares_stack(item: pytest.Item) -> bool:
    return "stack" in getattr(item, "fixturenames", ())


def pytest_collection_finish(session: pytest.Session) -> None:
    """A test process of several refuses to begin when its tests would be dealt out one by one."""
    if getattr(session.config.option, "loadgroup", False):
        loose = [item.nodeid for item in session.items if "@" not in item.nodeid.rpartition("]")[2]]
        if loose:
            raise pytest.UsageError(f"{loose[0]}: got no group in its id, expected one: do pytest and xdist fit?")
