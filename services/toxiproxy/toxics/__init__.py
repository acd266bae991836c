"""Toxics, one per file, found by discovery: a module that defines a `Toxic` with a type is a toxic."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from services.toxiproxy.toxics.base import Toxic


def _discover() -> Mapping[str, type[Toxic]]:
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    kinds = {
        kind.type: kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Toxic) and kind.type
    }
    return MappingProxyType(kinds)


KINDS: Mapping[str, type[Toxic]] = _discover()
