"""Settings of this box office."""

from __future__ import annotations

from datetime import timedelta

from ..core.base import *  # noqa: F403
from ..core.base import CONFIG, MIDDLEWARE, POSTGRES

MIDDLEWARE = [*MIDDLEWARE, f"{__package__}.deadline.DeadlineMiddleware"]

if CONFIG.role == "manage":  # a migration may take longer than a request
    DATABASES = {"default": POSTGRES}
else:
    DATABASES = {
        "default": {
            **POSTGRES,
            "ENGINE": f"{__package__}.postgres",
            "OPTIONS": {
                **POSTGRES["OPTIONS"],
                "connect_timeout": 2,
                # In milliseconds; below the client's own deadline, so that the server's answer comes first.
                "options": "-c statement_timeout=1500 -c lock_timeout=1000 -c idle_in_transaction_session_timeout=5000",
            },
        }
    }
    if CONFIG.role == "api":
        DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 3, "timeout": 1, "reconnect_timeout": 2}
    else:
        # Celery would close a pool around every task. One connection, kept; `close_old_connections` drops a bad one.
        DATABASES["default"]["CONN_MAX_AGE"] = None

CACHES = {
    "default": {
        "BACKEND": f"{__package__}.redis_cache.GuardedRedisCache",
        "LOCATION": CONFIG.cache_url,
        "OPTIONS": {"socket_connect_timeout": 0.25, "socket_timeout": 0.25, "retry": None},
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [f"{__package__}.auth.Authentication"],
    "DEFAULT_PERMISSION_CLASSES": [f"{__package__}.permissions.IsCustomer"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [f"{__package__}.requests.StrictParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": f"{__package__}.requests.StrictNegotiation",
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

AUTHENTICATION_BACKENDS = [f"{__package__}.auth.Passwords"]

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(seconds=CONFIG.access_lifetime_s or 15 * 60),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "TOKEN_OBTAIN_SERIALIZER": f"{__package__}.auth.TokenSerializer",
    "TOKEN_REFRESH_SERIALIZER": f"{__package__}.auth.RefreshSerializer",
    "CHECK_REVOKE_TOKEN": True,  # a token holds a fingerprint of the password, and ends with it
    "LEEWAY": timedelta(0),  # whoever signs also checks, by one clock
    "ISSUER": "box-office",
    "AUDIENCE": "box-office",
}

CELERY_BROKER_URL = CONFIG.broker_url
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 1,
    "socket_timeout": 2 if CONFIG.role == "worker" else 0.5,  # a worker's blocking read takes up to a second by itself
    "health_check_interval": 5,
    "visibility_timeout": 10,  # longer than any task takes: the gateway's deadline is 3 s
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
}
CELERY_BROKER_POOL_ACQUIRE_TIMEOUT = 1
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_DB_REUSE_MAX = 1_000_000

GATEWAY_URL = CONFIG.gateway_url

EMAIL_TIMEOUT = 5  # for each answer; no request waits for a mail, and a shorter one would send some twice

SHOP_RELAY = (f"{__package__}.outbox", f"{__package__}.confirmations")
