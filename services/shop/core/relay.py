"""The relay process: `python -m services.shop.core.relay`, until SIGTERM.

A variant names its relay modules in the setting SHOP_RELAY, one name or several: `work() -> int` does one round and
returns how much it did, `pending() -> int` counts what waits. Each has a thread of its own, so that one that waits for
its dependency does not delay the others. A variant may have none.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import Protocol, cast

import django
from django.conf import settings
from django.db import close_old_connections, connections

from services.shop.core.config import current
from services.shop.core.metrics import OUTBOX_PENDING, serve_metrics

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
    named: str | Sequence[str] | None = settings.SHOP_RELAY
    names = [named] if isinstance(named, str) else list(named or ())
    if not names:
        sys.stdout.write(f"relay: variant {current().variant} has no relay, nothing to do\n")
        return 0
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask_to_stop)
    signal.signal(signal.SIGINT, ask_to_stop)
    try:
        serve_metrics(current().relay_metrics_port, host=current().bind_host)
    except OSError as error:
        logger.warning("metrics port %s: got %s, expected a free port", current().relay_metrics_port, error.strerror)
    relays = [cast(Relay, import_module(name)) for name in names]
    waiting = Waiting()
    # Daemon threads: the process can end while one waits for a dependency that does not answer.
    threads = [threading.Thread(target=run, args=(relay, waiting, stop), daemon=True) for relay in relays]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join(PAUSE_AFTER_ERROR_S)
    return 0


class Waiting:
    """How much waits in all relays together, for the gauge."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Relay, int] = {}

    def count(self, relay: Relay, pending: int) -> None:
        """*relay* has counted."""
        with self._lock:
            self._counts[relay] = pending
            OUTBOX_PENDING.labels(current().variant).set(sum(self._counts.values()))


def run(relay: Relay, waiting: Waiting, stop: threading.Event) -> None:
    """Do rounds until *stop*; after an error it pauses and continues."""
    counted_s = float("-inf")
    while not stop.is_set():
        close_old_connections()  # drops a connection that has seen an error
        try:
            did = relay.work()
            if time.monotonic() - counted_s >= COUNT_EVERY_S:
                waiting.count(relay, relay.pending())
                counted_s = time.monotonic()
        except Exception:
            logger.exception("a round failed; next one in %s s", PAUSE_AFTER_ERROR_S)
            stop.wait(PAUSE_AFTER_ERROR_S)
        else:
            if not did:
                stop.wait(POLL_S)
    connections.close_all()


if __name__ == "__main__":
    sys.exit(main())
