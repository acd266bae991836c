"""The stack's address book, `.lab/stack.json`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from dashboard.errors import SourceAway
from dashboard.words import plain


class Urls(msgspec.Struct, frozen=True, kw_only=True):
    """Base URLs without a trailing slash; None for a part that this machine doesn't have."""

    api: str | None = None
    prometheus: str | None = None
    scorecard: str | None = None
    gateway: str | None = None
    mail: str | None = None
    agent: str | None = None
    toxiproxy: str | None = None


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A server that speaks something else than HTTP."""

    host: str
    port: int


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """What the dashboard reads from stack.json; it ignores the rest of the file.

    Attributes:
        metrics: Part → address of its metrics, for parts that serve nothing else.
        lab_token: Write token of the scorecard; never shown on a page.
    """

    mode: str = "local"
    urls: Urls = Urls()
    postgres: Endpoint | None = None
    redis: Endpoint | None = None
    metrics: dict[str, str | None] = {}
    lab_token: str = ""


def read_stack(path: Path) -> Stack:
    """Raises: SourceAway, when there is no stack file or it can't be understood."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Stack)
    except FileNotFoundError:
        raise SourceAway("The stack is not up.", "Start it with `make up`, then reload this page.") from None
    except (OSError, msgspec.MsgspecError) as error:
        raise SourceAway(
            f"The stack's address book {plain(path.name)} can't be read ({plain(error, most=200)}).",
            "Write it anew with `make up`.",
        ) from error
