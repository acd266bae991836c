"""The variant's addresses, the toolbar's, and a first page."""

from __future__ import annotations

from importlib import import_module

from debug_toolbar.toolbar import debug_toolbar_urls
from django.urls import include, path

from services.shop.core.config import current
from services.shop.core.development import page

_OWN = import_module(f"services.shop.{current().variant}.urls")
urlpatterns = [path("", page.index), path("", include(_OWN)), *debug_toolbar_urls()]
