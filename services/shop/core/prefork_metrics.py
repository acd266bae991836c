"""Metrics of a Celery prefork worker: children write files, the master serves their sum."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry, multiprocess, start_http_server

from services.shop.core.config import Config, ConfigError


def fresh_folder(config: Config) -> Path:
    """Make the folder for the children's files; those of an earlier worker are removed.

    Raises:
        ConfigError: It can't be made, or belongs to somebody else.
    """
    folder = config.run_dir / f"worker-metrics-{config.worker_metrics_port}"
    try:
        config.run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise ConfigError(f"{folder}: got {error.strerror}, expected a folder that can be written") from error
    return folder


def serve(port: int, *, host: str = "127.0.0.1") -> None:
    """Serve the sum over all children on *host*:*port* from a daemon thread; a taken port is only said."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    try:
        start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        sys.stdout.write(f"worker metrics: {host}:{port}: got {error.strerror}, expected a free port\n")


def forget(pid: int) -> None:
    """A child has ended; its counters stay, its gauges go."""
    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
