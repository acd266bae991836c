"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """The label stays the same whatever the package is called."""

    name = __package__
    label = "shop"
    verbose_name = "Box office"
