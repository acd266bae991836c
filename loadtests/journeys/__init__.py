"""One journey per file. A new operation for a scenario's mix is a file here and a line in `chaos.model.operations`."""

from __future__ import annotations

import importlib
import pkgutil

from loadtests.journey import Journey


def discover() -> dict[str, type[Journey]]:
    """Operation → journey. Raises: TypeError for a file that does not define exactly one journey with its own name."""
    found: dict[str, type[Journey]] = {}
    for entry in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{entry.name}")
        own = [
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, Journey) and value.__module__ == module.__name__
        ]
        names = [journey.name for journey in own]
        if names != [entry.name]:
            raise TypeError(f"{module.__name__}: got journeys {names}, expected exactly one, named {entry.name!r}")
        found[entry.name] = own[0]
    return found
