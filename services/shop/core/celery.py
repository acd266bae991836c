"""The Celery application. How it behaves is the variant's choice: every `CELERY_…` setting."""

from __future__ import annotations

import logging.config
import os
import threading
from contextlib import ExitStack
from typing import Any

from celery import Celery, signals
from django.conf import settings
from kombu.asynchronous import get_event_loop

from services.shop.core import prefork_metrics
from services.shop.core.config import current
from services.shop.core.metrics import TASK_STATES, TASKS
from services.shop.core.tags import acting_for

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def _log_to_stdout(**_: Any) -> None:
    """Replaces Celery's own set-up, which writes to stderr."""
    logging.config.dictConfig(settings.LOGGING)


@signals.worker_ready.connect
def _serve_metrics(**_: Any) -> None:
    prefork_metrics.serve(current().worker_metrics_port, host=current().bind_host)


@signals.worker_shutting_down.connect
def _stop_at_once(**_: Any) -> None:
    """The event loop sees its stop flag only after its current wait, up to a second; another thread wakes it."""
    if (hub := get_event_loop()) is not None:
        threading.Thread(target=hub.call_soon, args=(bool,), daemon=True).start()


@signals.worker_process_init.connect
def _show_zeros(**_: Any) -> None:
    for name in app.tasks:
        if not name.startswith("celery."):
            for state in TASK_STATES:
                TASKS.labels(current().variant, name, state)


@signals.worker_process_shutdown.connect
def _forget_child(**_: Any) -> None:
    prefork_metrics.forget(os.getpid())


_tags: dict[str, ExitStack] = {}
"""Task id → the context that tags its statements and log lines."""


@signals.task_prerun.connect
def _started(task: Any, task_id: str, **_: Any) -> None:
    TASKS.labels(current().variant, task.name, "started").inc()
    tags = {"task": str(task.name), "id": task_id}
    _tags[task_id] = stack = ExitStack()
    stack.enter_context(acting_for(task_id, lambda: tags))


@signals.task_postrun.connect
def _ended(task_id: str, **_: Any) -> None:
    if (stack := _tags.pop(task_id, None)) is not None:
        stack.close()


@signals.task_success.connect
def _succeeded(sender: Any, **_: Any) -> None:
    TASKS.labels(current().variant, sender.name, "succeeded").inc()


@signals.task_failure.connect
def _failed(sender: Any, **_: Any) -> None:
    TASKS.labels(current().variant, sender.name, "failed").inc()


@signals.task_retry.connect
def _retried(sender: Any, **_: Any) -> None:
    TASKS.labels(current().variant, sender.name, "retried").inc()
