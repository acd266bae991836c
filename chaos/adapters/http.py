"""What went wrong with an HTTP call, in a few words on one line."""

from __future__ import annotations

import httpx

_QUOTED_CHARACTERS = 200


def why(error: httpx.HTTPError) -> str:
    """Status and beginning of the answer, or what kept it from coming."""
    if isinstance(error, httpx.HTTPStatusError):
        text = " ".join(error.response.text.split())[:_QUOTED_CHARACTERS]
        return f"{error.response.status_code} {text}".rstrip()
    return " ".join(str(error).split()) or type(error).__name__
