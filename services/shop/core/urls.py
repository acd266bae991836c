"""Addresses that every variant has."""

from __future__ import annotations

from django.urls import path

from services.shop.core import health

urlpatterns = [
    path("live", health.live),
    path("ready", health.ready),
    path("metrics", health.metrics),
]
