"""Settings of this box office."""

from __future__ import annotations

from datetime import timedelta

from ..core.base import *  # noqa: F403
from ..core.base import CONFIG, INSTALLED_APPS, POSTGRES

INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework_simplejwt.token_blacklist"]

DATABASES = {"default": {**POSTGRES, "CONN_MAX_AGE": 60}}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CONFIG.cache_url,
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [f"{__package__}.auth.Authentication"],
    "DEFAULT_PERMISSION_CLASSES": [f"{__package__}.permissions.IsCustomer"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": f"{__package__}.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": f"{__package__}.schema.Schema",
    "EXCEPTION_HANDLER": f"{__package__}.errors.answer",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Box office",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,  # what comes in has other fields than what goes out
}

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=CONFIG.access_lifetime_s or 30 * 60),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "TOKEN_OBTAIN_SERIALIZER": f"{__package__}.auth.TokenSerializer",
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "LEEWAY": timedelta(minutes=1),  # clocks differ
}

CELERY_BROKER_URL = CONFIG.broker_url

GATEWAY_URL = CONFIG.gateway_url

SHOP_RELAY = None
