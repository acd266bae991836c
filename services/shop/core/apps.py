"""The app that holds the lab's own commands."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.mail import utils as mail_utils


class CoreConfig(AppConfig):
    """No models; loads the Celery application so that the variant's tasks belong to it, and names the mail's sender."""

    name = "services.shop.core"
    label = "lab"

    def ready(self) -> None:
        # Before its first mail, Django asks the name server for this machine's name. Set here, it is not asked for.
        mail_utils.DNS_NAME._fqdn = "box-office.example"
        from services.shop.core import celery  # noqa: F401, PLC0415  (needs the settings)
