"""Django settings of the scorecard."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from services.scorecard.config import Postgres, load
from services.scorecard.status import LEVELS

_CONFIG = load()

DEBUG = False
SCORECARD_TOKEN = _CONFIG.token
# Derived from the token, so that one secret less is to be kept. Without a token it is random: sessions end with the
# process.
SECRET_KEY = hmac.new(
    (SCORECARD_TOKEN or secrets.token_hex()).encode(), b"scorecard: Django's SECRET_KEY", hashlib.sha256
).hexdigest()
ALLOWED_HOSTS = sorted(_CONFIG.hostnames)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "services.scorecard.apps.ScorecardApp",
]

MIDDLEWARE = [
    "services.scorecard.metrics.MetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "services.scorecard.middleware.BodyLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "services.scorecard.urls"
WSGI_APPLICATION = "services.scorecard.wsgi.application"
# A PUT without the final slash would be redirected and repeated as a GET with 200: nothing saved, and no error.
APPEND_SLASH = False
CSRF_FAILURE_VIEW = "services.scorecard.problems.csrf_failure"
# Cookies belong to a host, not to a port: with the default names, another Django on 127.0.0.1 would log the admin out.
SESSION_COOKIE_NAME = "scorecard_session"
CSRF_COOKIE_NAME = "scorecard_csrf"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


def _database() -> dict[str, Any]:
    if isinstance(_CONFIG.database, Postgres):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _CONFIG.database.name,
            "HOST": _CONFIG.database.host,
            "PORT": _CONFIG.database.port,
            "USER": _CONFIG.database.user,
            "PASSWORD": _CONFIG.database.password,
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {"connect_timeout": 2, **_CONFIG.database.options},
        }
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": _CONFIG.database,
        # Closing the last connection of a WAL database writes the log back and deletes it: not after each request.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # Seconds that a writer waits for another one.
            "timeout": 5,
            # Otherwise a transaction that reads first and writes later would fail when another one wrote in between.
            "transaction_mode": "IMMEDIATE",
            # FULL, not NORMAL: in WAL mode NORMAL can lose the last commits when the power fails, and a person has
            # typed the notes. There are few writes; each costs one fsync more.
            "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;",
        },
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"

STATIC_URL = "/static/"
# The admin's files are served from where they are installed: nothing to collect before the first start.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["services.scorecard.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "services.scorecard.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "services.scorecard.problems.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Firedrill scorecard",
    "DESCRIPTION": "Drills, indexed runs and scores. Errors are problem+json (RFC 9457).",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {"HintLevelEnum": ["nudge", "direction", "solution"], "ScoreLevelEnum": list(LEVELS)},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    # Each 500 with a traceback, no 404.
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
