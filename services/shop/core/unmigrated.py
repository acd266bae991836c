"""Models of the variant that no migration knows: its database would lack what its code asks for. Needs no database."""

from __future__ import annotations

import inspect
from pathlib import Path

from django.apps import AppConfig, apps
from django.core.management.base import CommandError
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.questioner import MigrationQuestioner
from django.db.migrations.state import ProjectState

from services.shop.core.manage import PACKAGE_FOLDER, Place

MOST_NAMED = 3


class Unmigrated(CommandError):
    """What the migrations lack.

    Attributes:
        place: The model that was changed; the models' file where the model is gone.
    """

    def __init__(self, said: str, place: Place) -> None:
        super().__init__(said)
        self.place = place


def require_migrations(variant: str) -> None:
    """Compare the models of *variant*'s apps with its migrations. Raises: Unmigrated."""
    folder = PACKAGE_FOLDER / variant
    own = {config.label for config in apps.get_app_configs() if Path(config.path).resolve().is_relative_to(folder)}
    loader = MigrationLoader(None, ignore_no_migrations=True)
    detector = MigrationAutodetector(
        loader.project_state(), ProjectState.from_apps(apps), MigrationQuestioner(specified_apps=own, dry_run=True)
    )
    changes = detector.changes(graph=loader.graph, trim_to_apps=own, convert_apps=own)
    for label, migrations in changes.items():
        operations = [operation for migration in migrations for operation in migration.operations]
        if operations:
            place = _place(apps.get_app_config(label), operations[0])
            file = f"services/shop/{variant}/{Path(place.file).resolve().relative_to(folder)}"
            said = "; ".join(operation.describe() for operation in operations[:MOST_NAMED])
            more = f" and {len(operations) - MOST_NAMED} more" if len(operations) > MOST_NAMED else ""
            raise Unmigrated(
                f"{file}:{place.line}: got models that no migration has ({said}{more}), expected a migration: "
                f"{_command(variant)}",
                place,
            )


def _command(variant: str) -> str:
    return "firedrill attempt manage makemigrations" if variant == "attempt" else "makemigrations"


def _place(config: AppConfig, operation: Operation) -> Place:
    name = getattr(operation, "model_name", None) or getattr(operation, "name", "")
    try:
        model = config.get_model(str(name))
        return Place(str(inspect.getsourcefile(model)), inspect.getsourcelines(model)[1])
    except (LookupError, OSError, TypeError):
        module = config.models_module
        return Place(str(getattr(module, "__file__", None) or f"{config.path}/models.py"), 1)
