"""Tags every SQL statement and every log line with the request (id and route) or the task that it was made for.

A statement is also tagged with the line of the variant that made it.

So the database's own log shows which statement belongs to which request. Values are cleaned, since a client chooses
the request's id: a value can't end the comment, and no `%` gets among a statement's placeholders.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import connection

from services.shop.core.lines import place

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

    *tags* is called for every statement: the route is known only once the URL is resolved.
    """

    def tagged(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if isinstance(sql, str):
            told = {**tags(), **place()._asdict()}
            said = ",".join(f"{name}='{clean(value)}'" for name, value in told.items() if value)
            sql = f"{sql} /*{said}*/" if said else sql
        return execute(sql, params, many, context)

    token = _acting_for.set(clean(id_) or "-")
    try:
        with connection.execute_wrapper(tagged):
            yield
    finally:
        _acting_for.reset(token)
