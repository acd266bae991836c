"""How the lab signs its requests to Toxiproxy, whose API asks for no secret: its log tells them from all others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

_USER_AGENT: Final = "User-Agent"


def signature(token: str) -> str:
    """A User-Agent that nobody without the lab's *token* can give, and that does not tell the token."""
    return f"firedrill/{hashlib.sha256(f'toxiproxy {token}'.encode()).hexdigest()[:16]}"


def headers(token: str) -> Mapping[str, str]:
    """What a request is signed with; empty for *token* "", which is nobody's."""
    return {_USER_AGENT: signature(token)} if token else {}
