"""Request bodies, read as Go's encoding/json reads them: clients of the real server rely on its leniency.

The first JSON value counts and what follows it is ignored, keys match in any case, `null` leaves a default alone, an
unknown key is ignored, and a number with a fraction is no integer.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

from services.toxiproxy.errors import bad_request_body

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
_KINDS: Mapping[type, str] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"invalid character '{name[0]}' looking for beginning of value")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def first_value(body: bytes) -> Any:
    """The first JSON value of *body*. Raises: ApiError 400."""
    text = body.decode("utf-8", "replace").lstrip(" \t\r\n")
    if not text:
        raise bad_request_body("EOF")
    try:
        return _DECODER.raw_decode(text)[0]
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
            raise bad_request_body("unexpected EOF") from None
        raise bad_request_body(f"invalid character '{text[error.pos]}' looking for beginning of value") from None
    except ValueError as error:
        raise bad_request_body(str(error)) from None
    except RecursionError:
        raise bad_request_body("exceeded max depth") from None


def mismatch(value: Any, where: str, expected: str) -> str:
    """Go's words for a value of the wrong type."""
    kind = _KINDS[type(value)]
    literal = f" {value}" if isinstance(value, float) or (isinstance(value, int) and expected == "int64") else ""
    return f"json: cannot unmarshal {kind}{literal} into Go struct field {where} of type {expected}"


def wrong_value(value: Any, expected: str) -> str:
    """Go's words for a whole value of the wrong type."""
    return f"json: cannot unmarshal {_KINDS[type(value)]} into Go value of type {expected}"


class Fields:
    """The keys of a JSON object, in any case. `null` instead of an object has no keys."""

    def __init__(self, value: Any, where: str) -> None:
        if value is not None and not isinstance(value, dict):
            raise bad_request_body(wrong_value(value, where))
        self._where = where
        self._values = {key.lower(): item for key, item in (value or {}).items() if item is not None}

    def raw(self, name: str) -> Any:
        """The value as it came; None when absent or null."""
        return self._values.get(name)

    def text(self, name: str, default: str) -> str:
        """A string. Raises: ApiError 400."""
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise bad_request_body(mismatch(value, f"{self._where}.{name}", "string"))
        return value

    def flag(self, name: str, default: bool) -> bool:
        """A boolean. Raises: ApiError 400."""
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise bad_request_body(mismatch(value, f"{self._where}.{name}", "bool"))
        return value

    def float32(self, name: str, default: float) -> float:
        """A number, rounded to single precision as the real server keeps it. Raises: ApiError 400."""
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise bad_request_body(mismatch(value, f"{self._where}.{name}", "float32"))
        return to_float32(value, f"{self._where}.{name}")


def to_float32(value: int | float, where: str) -> float:
    """The nearest single-precision number. Raises: ApiError 400 when there is none."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except (OverflowError, struct.error):
        raise bad_request_body(mismatch(value, where, "float32")) from None


def shortest_float32(value: float) -> int | float:
    """The shortest number that reads back as the same single-precision *value*: what the real server prints."""
    if value == int(value):
        return int(value)
    packed = struct.pack("<f", value)
    for digits in range(1, 10):
        short = float(f"{value:.{digits}g}")
        if struct.pack("<f", short) == packed:
            return short
    return value
