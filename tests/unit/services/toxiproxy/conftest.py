"""An event loop whose clock jumps from timer to timer: tests of hours take no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import pytest


class JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for a timer it moves the clock there."""

    now_s = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is not None and timeout > 0:
            ready = super().select(0)
            if not ready:
                self.now_s += timeout
            return ready
        return super().select(timeout)


@pytest.fixture
def run() -> Callable[[Coroutine[Any, Any, Any]], Any]:
    """Run a coroutine to its end on the jumping clock; nothing may be left behind."""

    def begin(coroutine: Coroutine[Any, Any, Any]) -> Any:
        selector = JumpingSelector()
        loop = asyncio.SelectorEventLoop(selector)
        loop.time = lambda: selector.now_s  # type: ignore[method-assign]
        try:
            result = loop.run_until_complete(asyncio.wait_for(coroutine, 10**9))
            left = asyncio.all_tasks(loop)
            assert not left, f"left behind: {left}"
            return result
        finally:
            loop.close()

    return begin
