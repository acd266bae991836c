"""Samples once a second during the run: the clocks, how busy the machine is, and the metrics of every service."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import httpx
import msgspec
import psutil

from chaos.model.clocks import ClockReading, disturbances
from chaos.ports import Clock

SCRAPE_TIMEOUT_S = 0.8


class Sampler(threading.Thread):
    """Calls *sample* once a second with the seconds since the load's start, until stopped."""

    def __init__(
        self, name: str, sample: Callable[[float], None], *, t0_unix_s: float, now: Callable[[], float]
    ) -> None:
        super().__init__(name=name, daemon=True)
        self._sample, self._t0_unix_s, self._now = sample, t0_unix_s, now
        self._halt = threading.Event()

    def run(self) -> None:
        """Sample on whole seconds of the load's clock."""
        while True:
            at_s = self._now() - self._t0_unix_s
            if self._halt.wait(1.0 - at_s % 1.0):
                return
            self._sample(round(self._now() - self._t0_unix_s, 3))

    def stop(self) -> None:
        """Idempotent."""
        self._halt.set()
        self.join(5.0)


class Sampled(Protocol):
    """A file to which a line is written once a second."""

    def sample(self, at_s: float) -> None:
        """Write the line of second *at_s* of the load."""

    def close(self) -> None:
        """Idempotent."""


@contextmanager
def sampled(files: Mapping[str, Sampled], *, t0_unix_s: float, now: Callable[[], float]) -> Iterator[None]:
    """Write *files*, by name, during the block, and close them."""
    samplers = [Sampler(name, file.sample, t0_unix_s=t0_unix_s, now=now) for name, file in files.items()]
    for sampler in samplers:
        sampler.start()
    try:
        yield
    finally:
        for sampler in samplers:
            sampler.stop()
        for file in files.values():
            file.close()


class ClocksFile:
    """clocks.jsonl: all clocks of this machine, read together. *notice* is called at once when they disagree."""

    def __init__(
        self, path: Path, *, clock: Clock, zero_unix_s: Callable[[], float], notice: Callable[[str], None]
    ) -> None:
        self._file = path.open("ab", buffering=0)
        self._clock, self._zero_unix_s, self._notice = clock, zero_unix_s, notice
        self._last: ClockReading | None = None

    def sample(self, _: float = 0.0) -> None:
        """Write one line, without a buffer."""
        reading = self._clock.reading()
        with suppress(OSError):
            self._file.write(msgspec.json.encode(reading) + b"\n")
        before, self._last = self._last, reading
        if before is not None:
            zero_s = self._clock.steady_s(self._zero_unix_s())
            for found in disturbances([before, reading], distance_s=None):
                self._notice(found.says("runner", found.steady_s - zero_s))

    def close(self) -> None:
        """Idempotent."""
        self._file.close()


class HostFile:
    """host.jsonl: shares of CPU time busy and stolen, and the CPU seconds per second of each process of the API."""

    def __init__(self, path: Path, *, api_cpu_s: Callable[[], Mapping[int, float]]) -> None:
        self._file = path.open("ab", buffering=0)
        self._api_cpu_s = api_cpu_s
        self._before = psutil.cpu_times()
        self._api_before: Mapping[int, float] = {}
        self._at_s: float | None = None

    def sample(self, at_s: float) -> None:
        """Write one line. A value that can't be read is null, not zero."""
        now = psutil.cpu_times()
        total = sum(now) - sum(self._before)
        idle = (now.idle + getattr(now, "iowait", 0.0)) - (self._before.idle + getattr(self._before, "iowait", 0.0))
        steal = getattr(now, "steal", 0.0) - getattr(self._before, "steal", 0.0)
        passed_s = None if self._at_s is None else at_s - self._at_s
        api = self._api_cpu_s()
        known = {pid: max(0.0, cpu - self._api_before[pid]) for pid, cpu in api.items() if pid in self._api_before}
        cores = {str(pid): round(spent / passed_s, 4) for pid, spent in known.items()} if passed_s else {}
        line = {
            "at_s": at_s,
            "cpu_busy": round(1 - idle / total, 4) if total > 0 else None,
            "steal": round(steal / total, 4) if total > 0 else None,
            "api_core": max(cores.values(), default=None),
            "api_processes": cores or None,
            "load_1m": round(os.getloadavg()[0], 2),
        }
        self._before, self._api_before, self._at_s = now, api, at_s
        with suppress(OSError):
            self._file.write(msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        """Idempotent."""
        self._file.close()


class MetricsFile:
    """metrics.jsonl.gz: every service's /metrics as text, so that a folder can be read without a Prometheus."""

    def __init__(self, path: Path, targets: Mapping[str, str | None]) -> None:
        self._file = gzip.open(path, "ab", compresslevel=3)  # noqa: SIM115 - closed by close()
        self._targets = {part: url for part, url in targets.items() if url}
        self._client = httpx.Client(timeout=SCRAPE_TIMEOUT_S, trust_env=False)

    def sample(self, at_s: float) -> None:
        """Write one line for all services; null for a service that does not answer."""
        line: dict[str, float | str | None] = {"at_s": at_s}
        for part, url in self._targets.items():
            try:
                line[part] = self._client.get(url).text
            except httpx.HTTPError:
                line[part] = None
        with suppress(OSError, ValueError):
            self._file.write(msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        """Idempotent."""
        self._client.close()
        with suppress(OSError, ValueError):
            self._file.close()
