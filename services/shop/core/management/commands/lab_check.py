"""`lab_check`: whether the variant's code can be loaded. Needs no database."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.urls import get_resolver
from rest_framework import serializers
from rest_framework.settings import api_settings

from services.shop.core.celery import app as celery_app
from services.shop.core.config import current
from services.shop.core.unmigrated import require_migrations

EXPECTED_MODELS = ("Venue", "Performer", "Event", "TicketTier", "Customer", "Order")


class Command(BaseCommand):
    """Import every module, resolve every address, run Django's checks, compare the models with the migrations."""

    help = "Import all of the variant and run Django's checks; exit 2 with file and line when it can't be loaded."

    def handle(self, *_: Any, **__: Any) -> None:
        package = apps.get_app_config("shop").module
        assert package is not None
        list(get_resolver().url_patterns)  # first, as in the server: the order decides whether circular imports fail
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
        for name in api_settings.defaults:  # settings that name classes are read late
            getattr(api_settings, name)
        for serializer in _serializers(package.__name__):
            list(serializer().fields)
        celery_app.loader.import_default_modules()
        self.check()
        known = {model.__name__ for model in apps.get_app_config("shop").get_models()}
        if missing := [name for name in EXPECTED_MODELS if name not in known]:
            raise CommandError(
                f"models: got no {', '.join(missing)}, expected them in app label shop (the lab seeds them)"
            )
        require_migrations(current().variant)
        self.stdout.write("ok")


def _serializers(package: str) -> list[type[serializers.Serializer[Any]]]:
    module = importlib.import_module(f"{package}.serializers")
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, serializers.Serializer) and value.__module__ == module.__name__
    ]
