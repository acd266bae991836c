"""Removes what must not be in evidence that other people get: tokens, passwords and their hashes."""

from __future__ import annotations

import re

HIDDEN = "…"
_NAMES = r"access|refresh|token|password|old_password|new_password|secret|authorization"
# A value of JSON, also where it is a Python or SQL literal; the closing quote may have been cut off.
_VALUE = re.compile(rf"""(?P<name>["'](?:{_NAMES})["']\s*:\s*)(?P<quote>["'])(?:\\.|(?!(?P=quote)).)*""", re.IGNORECASE)
_JWT = re.compile(r"eyJ[\w-]{4,}(?:\.[\w-]*){0,2}")
_HASH = re.compile(r"\b(?:pbkdf2_\w+|argon2\w*|bcrypt\w*|scrypt|md5)\$[^\s'\",;]+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]+")


def scrubbed(text: str) -> str:
    """*text* with an ellipsis in place of each secret."""
    text = _VALUE.sub(lambda found: f"{found['name']}{found['quote']}{HIDDEN}", text)
    text = _BEARER.sub(lambda found: f"{found[1]} {HIDDEN}", text)
    return _HASH.sub(HIDDEN, _JWT.sub(HIDDEN, text))
