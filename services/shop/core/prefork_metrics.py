"""Metrics of a program with several processes: each writes files, and the process that is scraped sums them up."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, multiprocess

from services.shop.core.config import Config, ConfigError
from services.shop.core.metrics import serve_metrics


def fresh_folder(config: Config, role: str) -> Path:
    """Make the folder for the files of *role*'s processes; those of an earlier program are removed.

    Raises:
        ConfigError: It can't be made, or belongs to another user.
    """
    port = config.api_port if role == "api" else config.worker_metrics_port
    folder = config.run_dir / f"{role}-metrics-{port}"
    try:
        config.run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise ConfigError(f"{folder}: got {error.strerror}, expected a folder that can be written") from error
    return folder


def serve(port: int, *, host: str = "127.0.0.1") -> None:
    """Serve the sum over all processes on *host*:*port* from a daemon thread; a taken port is only reported."""
    try:
        serve_metrics(port, host=host, registry=_all_processes())
    except OSError as error:
        sys.stdout.write(f"worker metrics: {host}:{port}: got {error.strerror}, expected a free port\n")


def exposition() -> bytes:
    """The sum over all processes, as Prometheus reads it."""
    return generate_latest(_all_processes())


def _all_processes() -> CollectorRegistry:
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def forget(pid: int) -> None:
    """A child has ended: keep its counters, drop its gauges."""
    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
