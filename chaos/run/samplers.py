"""Second by second beside the run: how busy the machine is, and what every service says of itself."""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import httpx
import msgspec
import psutil

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
        """On whole seconds of the load's clock."""
        while True:
            at_s = self._now() - self._t0_unix_s
            if self._halt.wait(1.0 - at_s % 1.0):
                return
            self._sample(round(self._now() - self._t0_unix_s, 3))

    def stop(self) -> None:
        """Idempotent."""
        self._halt.set()
        self.join(5.0)


class HostFile:
    """host.jsonl: machine busy and stolen shares, and the API process group's CPU seconds per second."""

    def __init__(self, path: Path, *, api_cpu_s: Callable[[], Mapping[int, float]]) -> None:
        self._file = path.open("ab", buffering=0)
        self._api_cpu_s = api_cpu_s
        self._before = psutil.cpu_times()
        self._api_before: Mapping[int, float] = {}
        self._at_s: float | None = None

    def sample(self, at_s: float) -> None:
        """One line. A part that can't be read is null: no data is not zero."""
        now = psutil.cpu_times()
        total = sum(now) - sum(self._before)
        idle = (now.idle + getattr(now, "iowait", 0.0)) - (self._before.idle + getattr(self._before, "iowait", 0.0))
        steal = getattr(now, "steal", 0.0) - getattr(self._before, "steal", 0.0)
        passed_s = None if self._at_s is None else at_s - self._at_s
        api = self._api_cpu_s()
        spent = sum(max(0.0, cpu - self._api_before[pid]) for pid, cpu in api.items() if pid in self._api_before)
        line = {
            "at_s": at_s,
            "cpu_busy": round(1 - idle / total, 4) if total > 0 else None,
            "steal": round(steal / total, 4) if total > 0 else None,
            "api_core": round(spent / passed_s, 4) if passed_s and self._api_before else None,
            "load_1m": round(os.getloadavg()[0], 2),
        }
        self._before, self._api_before, self._at_s = now, api, at_s
        with suppress(OSError):
            self._file.write(msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        """Idempotent."""
        self._file.close()


class MetricsFile:
    """metrics.jsonl.gz: every service's /metrics as text, so that a bundle explains itself without a Prometheus."""

    def __init__(self, path: Path, targets: Mapping[str, str | None]) -> None:
        self._file = gzip.open(path, "ab", compresslevel=3)  # noqa: SIM115 - closed by close()
        self._targets = {part: url for part, url in targets.items() if url}
        self._client = httpx.Client(timeout=SCRAPE_TIMEOUT_S, trust_env=False)

    def sample(self, at_s: float) -> None:
        """One line for all services; one that does not answer is null."""
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
