"""Reads the contract that a run is judged by, as it was when the run was made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from chaos.evidence.files import MIB, Unreadable, read_json
from chaos.model.conform import Contract
from chaos.model.openapi import NotComparable, facts

MOST_CONTRACT_BYTES: Final = 2 * MIB


def read_contract(path: Path) -> Contract:
    """Raises: Unreadable, also for one that whoever judges by it could not follow, or not in bounded time."""
    document = read_json(path, dict[str, Any], most=MOST_CONTRACT_BYTES)
    try:
        facts(document)
        contract = Contract(document)
        for operation in contract.operations:
            contract.statuses(operation)
    except (NotComparable, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Unreadable(f"{path.name}: got {error!r}, expected an OpenAPI 3.1 document") from None
    for pattern in _patterns(document):
        if not isinstance(pattern, str) or "(" in pattern:  # a group that repeats may take for ever
            raise Unreadable(f"{path.name}: got the pattern {pattern!r}, expected one without groups")
    return contract


def _patterns(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "pattern" and not isinstance(value, dict))
        for value in node.values():
            yield from _patterns(value)
    elif isinstance(node, list):
        for value in node:
            yield from _patterns(value)
