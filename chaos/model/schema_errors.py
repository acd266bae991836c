"""What JSON Schema says of a value. In a module of its own, because to import jsonschema takes 0.1 s."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import jsonschema
from jsonschema.validators import extend

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_EMAIL: Final = re.compile(r"[^@\s]+@[^@\s]+")
_URI: Final = re.compile(r"[a-z][a-z0-9+.-]*:\S+")


def errors(schema: Mapping[str, Any], value: Any) -> Iterator[jsonschema.ValidationError]:
    """Each place where *value* is not as *schema* says; 1.0 is not an integer."""
    found: Iterator[jsonschema.ValidationError] = _Validator(schema, format_checker=_FORMATS).iter_errors(value)
    return found


def _whole(_: object, instance: object) -> bool:
    return isinstance(instance, int) and not isinstance(instance, bool)


_Validator: Any = extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator,
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _whole),
)
_FORMATS: Final = jsonschema.FormatChecker(formats=())


def _form(name: str, pattern: re.Pattern[str]) -> None:
    _FORMATS.checks(name)(lambda value: not isinstance(value, str) or pattern.fullmatch(value) is not None)


_form("email", _EMAIL)
_form("uri", _URI)


@_FORMATS.checks("date-time", ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or (_TIME.fullmatch(value) is not None and bool(datetime.fromisoformat(value)))


@_FORMATS.checks("uuid", ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(UUID(value)) == value.lower()
