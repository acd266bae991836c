"""Request ids and idempotency keys of the lab, in forms that ordinary clients use. Pure.

Both depend on a salt that the code under test does not know: from the seed alone it could compute them beforehand and
recognise the lab's requests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

_CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = [low + high for high in _CROCKFORD for low in _CROCKFORD]


def _uuid4(digest: bytes) -> str:
    text = digest[:16].hex()
    variant = "89ab"[digest[8] >> 4 & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def _hex(digest: bytes) -> str:
    return digest[:16].hex()


def _letters(digest: bytes) -> str:
    number = int.from_bytes(digest, "big")
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(0, 130, 10)])[:25]


# Forms that clients use for keys and request ids. Source: RFC 9562; X-Request-Id as nginx fills it in; ULID's alphabet.
_FORMS: Final[Sequence[Callable[[bytes], str]]] = (_uuid4, _hex, _letters)


@lru_cache(maxsize=8)
def _keyed(salt: str) -> hashlib.blake2b:
    return hashlib.blake2b(key=salt.encode()[:64], digest_size=20)


def _named(salt: str, *parts: object, form: int) -> str:
    keyed = _keyed(salt).copy()
    keyed.update(":".join(map(str, parts)).encode())
    return _FORMS[form % len(_FORMS)](keyed.digest())


@lru_cache(maxsize=64)
def form_of(salt: str, what: str) -> int:
    """Which form *what* has in the run with this *salt*."""
    return hashlib.blake2b(what.encode(), key=salt.encode()[:64], digest_size=1).digest()[0]


def request_id(salt: str, operation: str) -> str:
    """The X-Request-Id of an operation, which statements and log lines of the shop carry; without a salt its own id."""
    return operation if not salt else _named(salt, "request", operation, form=form_of(salt, "request"))


def intent_key(salt: str, index: int, part: int = 0) -> str:
    """The idempotency key of arrival *index*: the same on every variant, so that two runs can be compared."""
    return _named(salt, "intent", index, part, form=form_of(salt, "intent"))


def key_of(salt: str, *parts: object) -> str:
    """The idempotency key of a request that no arrival makes, in the same form; *parts* tell it from all others."""
    return _named(salt, "key", *parts, form=form_of(salt, "intent"))
