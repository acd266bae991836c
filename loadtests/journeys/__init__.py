"""One journey per file; a file here is a new operation for the mix of a scenario, nothing else has to change."""

from __future__ import annotations

import importlib
import pkgutil

from loadtests.journey import Journey


def discover() -> dict[str, type[Journey]]:
    """Operation → journey. Raises: TypeError for a file that does not define exactly the journey it is named after."""
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
