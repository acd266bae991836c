"""The learner's contract: an OpenAPI document, read with clear errors as the facts by which it is graded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from chaos.errors import InvalidInput
from chaos.load import yaml
from chaos.model.audit import MOST_FACTS
from chaos.model.contract_facts import graded, operations
from chaos.model.openapi import NotComparable, facts

MOST_BYTES: Final = 1 << 20
_EXPECTED: Final = "an OpenAPI 3.1 document"


def read(text: str, where: str) -> dict[str, object]:
    """What the contract in *text* promises, as graded facts.

    Raises:
        InvalidInput: Each problem as `where: got X, expected Y`: too large, no YAML, no OpenAPI 3.1, a reference out of
            the document or in a circle, no operation at all.
    """
    size = len(text.encode())
    if size > MOST_BYTES:
        raise InvalidInput(f"{where}: got {size} bytes, expected at most {MOST_BYTES}")
    document = yaml.parse(text, where, _EXPECTED)
    if document.problems:
        raise InvalidInput(
            [
                f"{where}:{document.line(path) or 1}: {'.'.join(map(str, path))}: {said}"
                for path, said in document.problems
            ]
        )
    if problems := list(_problems(document.data, where)):
        raise InvalidInput(problems)
    found: dict[str, object] = {}
    for operation, alone in operations(document.data):
        try:
            found |= graded(facts(alone))
        except NotComparable as error:
            problems.append(f"{where}: {error}")
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            said = f"no {error}" if isinstance(error, KeyError) else str(error)
            problems.append(f"{where}: {operation}: got something that can't be read ({said}), expected {_EXPECTED}")
    if problems:
        raise InvalidInput(problems)
    if not found:
        raise InvalidInput(f"{where}: paths: got no operation, expected those that the brief describes")
    if len(found) > MOST_FACTS:
        raise InvalidInput(f"{where}: got {len(found)} statements, expected at most {MOST_FACTS}")
    return found


def _problems(data: Any, where: str) -> Iterator[str]:
    if not isinstance(data, dict):
        yield f"{where}: got {type(data).__name__}, expected {_EXPECTED}"
        return
    version = data.get("openapi", f"swagger {data['swagger']}" if "swagger" in data else None)
    if not str(version).startswith("3.1."):
        yield f"{where}: openapi: got {version!r}, expected '3.1.0'"
    paths = data.get("paths")
    if not isinstance(paths, dict):
        yield f"{where}: paths: got {type(paths).__name__}, expected a mapping of paths"
        return
    for path, item in paths.items():
        if not path.startswith("/"):
            yield f"{where}: paths: got {path!r}, expected a path that begins with /"
        if not isinstance(item, dict):
            yield f"{where}: {path}: got {type(item).__name__}, expected a mapping of methods"
