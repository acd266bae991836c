"""The reason for a failed HTTP call, on one line."""

from __future__ import annotations

import httpx

_QUOTED_CHARACTERS = 200


def why(error: httpx.HTTPError) -> str:
    """Status and beginning of the answer; without an answer, the transport error."""
    if isinstance(error, httpx.HTTPStatusError):
        text = " ".join(error.response.text.split())[:_QUOTED_CHARACTERS]
        return f"{error.response.status_code} {text}".rstrip()
    return " ".join(str(error).split()) or type(error).__name__
