"""How much time is left for the request that is being answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

REQUEST_S = 3.0
_ends_s: ContextVar[float | None] = ContextVar("ends_s", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """The block has *seconds*, or the time that is left of an outer block if that is less."""
    mine, outer = time.monotonic() + seconds, _ends_s.get()
    token = _ends_s.set(mine if outer is None else min(mine, outer))
    try:
        yield
    finally:
        _ends_s.reset(token)


def left_s() -> float | None:
    """Seconds left, below zero when the time is up; None without a deadline."""
    ends_s = _ends_s.get()
    return None if ends_s is None else ends_s - time.monotonic()


class DeadlineMiddleware:
    """Gives each request one deadline, since ten statements of a second each are too slow as well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with within(REQUEST_S):
            return self._get_response(request)
