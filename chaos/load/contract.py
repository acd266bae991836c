"""The reference contract of the shop, as it stands in this checkout."""

from __future__ import annotations

from typing import Any, Final

from chaos.config import CHECKOUT
from chaos.errors import InvalidInput, LabBroken
from chaos.load import yaml

FILE: Final = CHECKOUT / "services" / "shop" / "contract.yaml"


def reference() -> dict[str, Any]:
    """The parsed document. Raises: LabBroken when it can't be read."""
    found: dict[str, Any] = _parsed().data
    return found


def line_of(*path: str) -> int:
    """Where something stands in it, from 1."""
    return _parsed().line(path) or 1


def _parsed() -> yaml.Document:
    try:
        found = yaml.parse(FILE.read_text("utf-8"), str(FILE), "the contract")
    except (OSError, UnicodeDecodeError, InvalidInput) as error:
        raise LabBroken(f"{FILE}: got {error}, expected the contract") from None
    if found.problems or not isinstance(found.data, dict):
        raise LabBroken(f"{FILE}: got {found.problems or type(found.data).__name__}, expected the contract")
    return found
