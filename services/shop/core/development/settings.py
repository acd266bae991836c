"""The variant's own settings, with the toolbar, and without a cache, which would hide queries."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from services.shop.core.config import current

_OWN: dict[str, Any] = {
    name: value
    for name, value in vars(import_module(f"services.shop.{current().variant}.settings")).items()
    if name.isupper()
}
globals().update(_OWN)

DEBUG = True
INSTALLED_APPS = [*_OWN["INSTALLED_APPS"], "django.contrib.staticfiles", "debug_toolbar"]
MIDDLEWARE = [
    "debug_toolbar.middleware.DebugToolbarMiddleware",
    "services.shop.core.development.page.Page",
    *_OWN["MIDDLEWARE"],
]
ROOT_URLCONF = "services.shop.core.development.urls"
STATIC_URL = "/static/"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
# A connection ends with its request: an open one would be reported as a stranger in the next run.
DATABASES = {
    "default": {**_OWN["DATABASES"]["default"], "NAME": f"{current().database_name}_develop", "CONN_MAX_AGE": 0}
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
DEBUG_TOOLBAR_CONFIG = {"SHOW_TOOLBAR_CALLBACK": "services.shop.core.development.page.everybody"}
