"""Describes a stored password by its algorithm and settings, without its hash."""

from __future__ import annotations

import re
from hashlib import sha256

from chaos.model.evidence import StoredPassword

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_NUMBER = re.compile(r"[0-9]{1,12}")
_BCRYPT = re.compile(r"\$(?P<kind>2[abxy])\$(?P<cost>\d\d)\$(?P<salt>[./A-Za-z0-9]{22})[./A-Za-z0-9]{31}")
_ARGON2 = re.compile(r"(?P<settings>argon2id?(?:\$v=\d+)?\$m=\d+,t=\d+,p=\d+)\$(?P<salt>[^$]*)\$[^$]+")
UNUSABLE = "!"


def described(customer_id: int, encoded: str) -> StoredPassword:
    """Describe *encoded*, as Django's hashers write it. Another text may be the password itself and is not repeated."""
    algorithm, separator, rest = encoded.partition("$")
    if encoded.startswith(UNUSABLE):
        algorithm, settings, salt = "unusable", "", ""
    elif not separator or not _NAME.fullmatch(algorithm):
        algorithm, settings, salt = "unreadable", "", ""
    elif (bcrypt := _BCRYPT.fullmatch(rest)) and algorithm.startswith("bcrypt"):
        settings, salt = f"{bcrypt['kind']}${bcrypt['cost']}", bcrypt["salt"]
    elif (argon2 := _ARGON2.fullmatch(rest)) and algorithm == "argon2":
        settings, salt = argon2["settings"], argon2["salt"]
    else:
        settings, salt = _by_dollars(algorithm, rest.split("$"))
    return StoredPassword(
        customer_id=customer_id, algorithm=algorithm, settings=settings, salt=_mark(salt), mark=_mark(encoded)
    )


def _by_dollars(algorithm: str, parts: list[str]) -> tuple[str, str]:
    """Settings and salt of `iterations$salt$hash`, of scrypt's `N$salt$r$p$hash`, or of `salt$hash`."""
    match parts:
        case [work, salt, block, lanes, _] if algorithm == "scrypt" and _numbers(work, block, lanes):
            return f"N={work},r={block},p={lanes}", salt
        case [iterations, salt, _] if _NUMBER.fullmatch(iterations):
            return iterations, salt
        case [salt, _]:
            return "", salt
    return "", ""


def _numbers(*texts: str) -> bool:
    return all(_NUMBER.fullmatch(text) for text in texts)


def _mark(text: str) -> str:
    """A one-way fingerprint of *text*; empty for an empty one."""
    return sha256(text.encode()).hexdigest()[:16] if text else ""
