"""The scorecard as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ScorecardApp(AppConfig):
    """Registers the app, and with it the schema of its token."""

    name = "services.scorecard"
    label = "scorecard"
    verbose_name = "Scorecard"

    def ready(self) -> None:
        from services.scorecard import schema  # noqa: F401, PLC0415 - registers itself; needs loaded apps
