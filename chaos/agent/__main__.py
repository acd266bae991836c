"""`python -m chaos.agent`: serves until it is told to end."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

import uvicorn
from prometheus_client import CollectorRegistry

from chaos.adapters.lab import Adapters, connect
from chaos.agent.app import make_app
from chaos.agent.metrics import LabCollector
from chaos.agent.runs import RunDesk
from chaos.agent.watchdog import Watchdog
from chaos.config import NotUp, bind_host, evidence_dir, hostnames, lab_dir, looks_dir, read_stack
from chaos.errors import ExitCode, FiredrillError
from chaos.heal import heal

LOOK_EVERY_S = 0.25
HEAL_PATIENCE_S = 10.0


def main() -> int:
    """Exit code 4 when there is no stack to look after."""
    stack = read_stack()
    if isinstance(stack, NotUp):
        sys.stderr.write(f"agent: {stack.reason}\n")
        return ExitCode.LAB_BROKEN
    # The watchdog touches proxies, processes and the gateway; none of them depends on the variant.
    adapters = connect(stack, "none")
    watchdog = Watchdog(
        heal=lambda: _heal(adapters),
        roots=(evidence_dir(), looks_dir()),
        monotonic_s=time.monotonic,
        now_unix_s=time.time,
    )
    registry = CollectorRegistry()
    registry.register(LabCollector(redis=adapters.redis, toxiproxy=adapters.toxiproxy, run_id=lambda: watchdog.run_id))
    watcher = threading.Thread(target=_watch, args=(watchdog,), name="watchdog", daemon=True)
    watcher.start()
    address = urlsplit(stack.url("agent"))
    desk = RunDesk(log=lab_dir() / "log" / "run.log")
    app = make_app(
        watchdog=watchdog,
        registry=registry,
        token=stack.lab_token,
        watching=watcher.is_alive,
        desk=desk,
        evidence=evidence_dir(),
        hostnames=hostnames(),
    )
    uvicorn.run(app, host=bind_host(), port=address.port or 0, log_level="warning", access_log=False)
    return 0


def _heal(adapters: Adapters) -> tuple[Sequence[str], Sequence[str]]:
    """Heal in place of the runner, and end the statement log as the runner would have done."""
    with suppress(FiredrillError):
        adapters.trace.stop()
    return heal(adapters.lab, patience_s=HEAL_PATIENCE_S)


def _watch(watchdog: Watchdog) -> None:
    while True:
        watchdog.look()
        time.sleep(LOOK_EVERY_S)


if __name__ == "__main__":
    sys.exit(main())
