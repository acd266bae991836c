"""The relay process: `python -m services.shop.core.relay`, until SIGTERM.

A variant names its relay module in the setting SHOP_RELAY: `work() -> int` does one round and returns how much it did,
`pending() -> int` counts what waits. A variant without one has nothing to relay.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from importlib import import_module
from types import FrameType
from typing import Protocol, cast

import django
from django.conf import settings
from django.db import close_old_connections
from prometheus_client import start_http_server

from services.shop.core.config import current
from services.shop.core.metrics import OUTBOX_PENDING

POLL_S = 0.1
COUNT_EVERY_S = 1.0
PAUSE_AFTER_ERROR_S = 1.0
logger = logging.getLogger("shop.relay")


class Relay(Protocol):
    """What a variant's relay module offers."""

    def work(self) -> int:
        """One round; how many messages and repairs it made."""

    def pending(self) -> int:
        """Messages not sent yet."""


def main() -> int:
    """Relay until SIGTERM or SIGINT; 0 at once when the variant has no relay."""
    django.setup()
    name: str | None = settings.SHOP_RELAY
    if name is None:
        sys.stdout.write(f"relay: variant {current().variant} has no relay, nothing to do\n")
        return 0
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    try:
        start_http_server(current().relay_metrics_port, addr=current().bind_host)
    except OSError as error:
        logger.warning("metrics port %s: got %s, expected a free port", current().relay_metrics_port, error.strerror)
    run(cast(Relay, import_module(name)), stop=stop)
    return 0


def run(relay: Relay, *, stop: threading.Event) -> None:
    """Round after round until *stop*; an error costs a pause, never the process."""
    gauge = OUTBOX_PENDING.labels(current().variant)
    counted_s = float("-inf")
    while not stop.is_set():
        close_old_connections()  # drops a connection that has seen an error
        try:
            did = relay.work()
            if time.monotonic() - counted_s >= COUNT_EVERY_S:
                gauge.set(relay.pending())
                counted_s = time.monotonic()
        except Exception:
            logger.exception("a round failed; next one in %s s", PAUSE_AFTER_ERROR_S)
            stop.wait(PAUSE_AFTER_ERROR_S)
        else:
            if not did:
                stop.wait(POLL_S)


if __name__ == "__main__":
    sys.exit(main())
