"""The Django app of the back office: no models of its own."""

from __future__ import annotations

from django.apps import AppConfig


class BackofficeConfig(AppConfig):
    """Its tasks are found by the worker through this."""

    name = __package__
    label = "backoffice"
