"""Tokens that the API must refuse, made from a good one. Pure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import jwt

JUST_EXPIRED_S = 30
LONG_EXPIRED_S = 3600


def refused(access: str, refresh: str, *, key: str, now_unix_s: float | None = None) -> Mapping[str, str]:
    """Defect → a token with it. *access* and *refresh* are good tokens, *key* is the key that they are signed with.

    `wrong_audience` and `wrong_issuer` are what another service that shares the key would issue.
    """
    now_s = int(time.time() if now_unix_s is None else now_unix_s)
    good: dict[str, Any] = jwt.decode(access, options={"verify_signature": False})
    head, body, signature = access.split(".")
    return {
        "garbage": "not.a.token",
        "alg_none": jwt.encode(good, None, algorithm="none"),
        "wrong_key": jwt.encode(good, f"{key}-of-somebody-else", algorithm="HS256"),
        "tampered": ".".join((head, jwt.encode({**good, "role": "admin"}, key, "HS256").split(".")[1], signature)),
        "unsigned": f"{head}.{body}.",
        "expired_just_now": _signed(good, key, exp=now_s - JUST_EXPIRED_S, iat=now_s - LONG_EXPIRED_S),
        "expired_long_ago": _signed(good, key, exp=now_s - LONG_EXPIRED_S, iat=now_s - 2 * LONG_EXPIRED_S),
        "without_expiry": jwt.encode({claim: good[claim] for claim in good if claim != "exp"}, key, "HS256"),
        "wrong_audience": _signed(good, key, aud="another-service"),
        "wrong_issuer": _signed(good, key, iss="another-service"),
        "refresh_as_access": refresh,
    }


def with_claims(token: str, *, key: str, **claims: Any) -> str:
    """*token* with other claims, signed anew."""
    return _signed(jwt.decode(token, options={"verify_signature": False}), key, **claims)


def _signed(good: Mapping[str, Any], key: str, **claims: Any) -> str:
    return jwt.encode({**good, **claims}, key, algorithm="HS256")
