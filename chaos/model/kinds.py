"""How the kinds of a package (faults, probes, invariants) are found: every module in it offers one `KIND`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

_Kind = TypeVar("_Kind")


def discover(package: ModuleType, expected: type[_Kind]) -> Mapping[str, _Kind]:
    """Import every public module of *package* and return its kinds by name, sorted.

    Raises: TypeError for a module without a `KIND` of the expected type, or for a name that is taken: a kind that is
        silently left out would be a check that never fails.
    """
    kinds: dict[str, Any] = {}
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        if found.name.startswith("_"):
            continue
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        kind = getattr(module, "KIND", None)
        if not isinstance(kind, expected):
            raise TypeError(f"{module.__name__}: got KIND = {kind!r}, expected a {expected.__name__}")
        name = getattr(kind, "name", "")
        if not name or name in kinds:
            raise TypeError(f"{module.__name__}: got the name {name!r}, expected one that no other kind has")
        kinds[name] = kind
    return MappingProxyType(kinds)


def first_paragraph(doc: str | None) -> str:
    """The docstring's first paragraph on one line: what the scenario reference says about a kind."""
    return " ".join((doc or "").strip().split("\n\n", 1)[0].split())
