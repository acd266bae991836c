"""The app that holds the lab's own commands."""

from __future__ import annotations

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """No models; loads the Celery application so that the variant's tasks belong to it."""

    name = "services.shop.core"
    label = "lab"

    def ready(self) -> None:
        from services.shop.core import celery  # noqa: F401, PLC0415  (needs the settings)
