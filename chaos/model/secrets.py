"""Removes what must not be in evidence that other people get: tokens, passwords and their hashes."""

from __future__ import annotations

import re

HIDDEN = "…"
_NAMES = r"access|refresh|token|password|old_password|new_password|secret|authorization"
# A value of JSON, also where it is a Python or SQL literal; the closing quote may have been cut off.
_VALUE = re.compile(rf"""(?P<name>["'](?:{_NAMES})["']\s*:\s*)(?P<quote>["'])(?:\\.|(?!(?P=quote)).)*""", re.IGNORECASE)
_JWT = re.compile(r"eyJ[\w-]{4,}(?:\.[\w-]*){0,2}")
_ALGORITHM = r"\b(?P<algorithm>pbkdf2_\w+|argon2\w*|bcrypt\w*|scrypt|md5)\$"
_HASH = re.compile(_ALGORITHM + r"[^\s'\",;]+")
_HASHED = re.compile(_ALGORITHM)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+")


def scrubbed(text: str) -> str:
    """*text* with an ellipsis in place of each secret.

    Of a password's hash the algorithm's name stays: a check may have to see that one was shown.
    """
    text = _HASH.sub(lambda found: f"{found['algorithm']}${HIDDEN}", text)
    text = _VALUE.sub(_value, text)
    text = _BEARER.sub(lambda found: f"{found[1]} {HIDDEN}", text)
    return _JWT.sub(HIDDEN, text)


def hashed_by(text: str) -> str:
    """The algorithm of a password's hash in *text*, scrubbed or not; empty without one."""
    found = _HASHED.search(text)
    return found["algorithm"] if found else ""


def _value(found: re.Match[str]) -> str:
    hashed = _HASH.search(found[0])
    return f"{found['name']}{found['quote']}{hashed[0] if hashed else HIDDEN}"
