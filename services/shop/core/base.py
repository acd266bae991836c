"""Settings that all variants share: a variant's `settings` imports all of them first."""

from __future__ import annotations

from typing import Any

from launch import pinned
from services.shop.core.config import current

CONFIG = current()

SECRET_KEY = CONFIG.secret_key
DEBUG = False
ALLOWED_HOSTS = sorted(CONFIG.hostnames)
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "shop.Customer"
ROOT_URLCONF = f"services.shop.{CONFIG.variant}.urls"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "rest_framework",
    "drf_spectacular",
    "services.shop.core.apps.CoreConfig",
    f"services.shop.{CONFIG.variant}.apps.ShopConfig",
]
MIDDLEWARE = ["services.shop.core.middleware.RequestMiddleware"]

POSTGRES: dict[str, Any] = {
    "ENGINE": "django.db.backends.postgresql",
    "HOST": CONFIG.postgres_host,
    "PORT": CONFIG.postgres_port,
    "USER": CONFIG.postgres_user,
    "PASSWORD": CONFIG.postgres_password,
    "NAME": CONFIG.database_name,
    # The server's log and the gate of forced interleavings tell the relay's own writes from a request's by this name.
    "OPTIONS": {**pinned.POSTGRES, "application_name": f"shop {CONFIG.role}"},
}

EMAIL_HOST = CONFIG.mail_host
EMAIL_PORT = CONFIG.mail_port
DEFAULT_FROM_EMAIL = "Box office <tickets@box-office.example>"

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"tags": {"()": "services.shop.core.tags.TagFilter"}},
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(process)d %(name)s [%(acting_for)s]: %(message)s"}},
    "handlers": {
        "stdout": {
            "class": "logging.StreamHandler",
            "stream": "ext://sys.stdout",
            "formatter": "line",
            "filters": ["tags"],
        }
    },
    "root": {"handlers": ["stdout"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR"},  # every 409 is a warning otherwise
        "celery.worker.strategy": {"level": "WARNING"},  # two lines a task otherwise
        "celery.app.trace": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
    },
}
