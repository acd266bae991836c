"""Says in every SQL statement and every log line on whose behalf it was: a request's id and route, or a task.

The database's own log then tells which statement belongs to which request. Values are cleaned, since a request's id is
whatever a stranger sent: nothing can end the comment, and no `%` gets among a statement's placeholders.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection

_UNFIT = re.compile(r"[^\w/<>:.-]")
_MOST = 80
_acting_for: ContextVar[str] = ContextVar("acting_for", default="-")


def clean(value: str) -> str:
    """*value* as it may stand in a comment."""
    return _UNFIT.sub("_", value[:_MOST])


class TagFilter(logging.Filter):
    """Gives each record `acting_for`: the id of the request or task, else `-`."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.acting_for = _acting_for.get()
        return True


@contextmanager
def acting_for(id_: str, tags: Callable[[], dict[str, str]]) -> Iterator[None]:
    """For the block, statements carry *tags* and log lines carry *id_*.

    *tags* is asked anew for every statement: the route is known only once the URL is resolved.
    """

    def tagged(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if isinstance(sql, str):
            said = ",".join(f"{name}='{clean(value)}'" for name, value in tags().items() if value)
            sql = f"{sql} /*{said}*/" if said else sql
        return execute(sql, params, many, context)

    token = _acting_for.set(clean(id_) or "-")
    try:
        with connection.execute_wrapper(tagged):
            yield
    finally:
        _acting_for.reset(token)
