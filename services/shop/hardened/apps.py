"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ShopConfig(AppConfig):
    """The label stays the same whatever the package is called."""

    name = __package__
    label = "shop"
    verbose_name = "Box office"

    def ready(self) -> None:
        from .gateway import GATEWAY  # noqa: PLC0415  (needs the models)
        from .guards import BROKER, CACHE, POSTGRES  # noqa: PLC0415
        from .mail import MAIL  # noqa: PLC0415

        for guard in (POSTGRES, CACHE, BROKER, GATEWAY, MAIL):
            guard.show()
