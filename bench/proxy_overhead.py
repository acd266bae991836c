"""What a proxy without toxics costs: direct, through the real Toxiproxy, through the stand-in, in one run.

`python -m bench.proxy_overhead [--json] [--connections 8] [--round-s 0.8] [--rounds 4]` takes about 12 s. A small HTTP
answer is asked for over keep-alive connections, each asking again as soon as it has its answer, first with one
connection (latency) and then with several (throughput). The targets take turns in short rounds, so that a busy moment
of the machine hits all of them; only the ratios are meaningful.

The real server is looked for in FIREDRILL_TOXIPROXY, `.lab/bin/toxiproxy-server`, PATH; without it its row is missing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import quantiles
from typing import Any

CHECKOUT = Path(__file__).parents[1]
REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 512\r\n\r\n" + b"x" * 512
PATIENCE_S = 10.0


class _Upstream(asyncio.Protocol):
    """Answers every request that arrives; a request is never split or joined with another in this bench."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._transport.write(ANSWER)


def _serve_upstream(pipe: Connection) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(_Upstream, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


class _Asker(asyncio.Protocol):
    """Asks, waits for the whole answer, asks again; keeps every duration in seconds."""

    def __init__(self, durations_s: list[float]) -> None:
        self._durations_s = durations_s
        self._missing = 0
        self._asked_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._ask()

    def _ask(self) -> None:
        self._missing, self._asked_s = len(ANSWER), time.perf_counter()
        self.transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        self._missing -= len(data)
        if self._missing == 0:
            self._durations_s.append(time.perf_counter() - self._asked_s)
            self._ask()


async def _ask_for(port: int, connections: int, seconds: float) -> list[float]:
    loop = asyncio.get_running_loop()
    durations_s: list[float] = []
    askers = [
        (await loop.create_connection(lambda: _Asker(durations_s), "127.0.0.1", port))[1] for _ in range(connections)
    ]
    await asyncio.sleep(seconds)
    for asker in askers:
        asker.transport.abort()
    return durations_s


@dataclass
class Target:
    """One way to the upstream and what was measured on it.

    Attributes:
        pid: The proxy's process; None for the direct way.
        alone_s: Durations with one connection.
        together_s: Durations with several connections.
        busy_s: Seconds spent measuring with several connections.
        cpu_s: CPU seconds of the proxy meanwhile.
    """

    name: str
    port: int
    pid: int | None = None
    alone_s: list[float] = field(default_factory=list)
    together_s: list[float] = field(default_factory=list)
    busy_s: float = 0.0
    cpu_s: float = 0.0

    def measure(self, connections: int, round_s: float) -> None:
        self.alone_s += asyncio.run(_ask_for(self.port, 1, round_s / 2))
        cpu_s, started = self._cpu_s(), time.perf_counter()
        self.together_s += asyncio.run(_ask_for(self.port, connections, round_s))
        self.busy_s += time.perf_counter() - started
        self.cpu_s += self._cpu_s() - cpu_s

    def _cpu_s(self) -> float:
        if self.pid is None:
            return 0.0
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def result(self) -> dict[str, float | int | None]:
        alone, together = quantiles(self.alone_s, n=100), quantiles(self.together_s, n=100)
        return {
            "requests_per_s": round(len(self.together_s) / self.busy_s),
            "p50_ms": round(together[49] * 1000, 3),
            "p99_ms": round(together[98] * 1000, 3),
            "alone_p50_ms": round(alone[49] * 1000, 3),
            "alone_p99_ms": round(alone[98] * 1000, 3),
            "proxy_cpu_us_per_request": None if self.pid is None else round(self.cpu_s / len(self.together_s) * 1e6),
        }


@contextmanager
def _upstream() -> Iterator[int]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve_upstream, args=(theirs,), daemon=True)
    process.start()
    try:
        if not ours.poll(PATIENCE_S):
            raise TimeoutError("the upstream did not start")
        yield ours.recv()
    finally:
        process.kill()
        process.join()


@contextmanager
def _proxy(name: str, command: list[str], upstream_port: int) -> Iterator[Target]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        api_port = probe.getsockname()[1]
    process = subprocess.Popen(
        [*command, "-host", "127.0.0.1", "-port", str(api_port)],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Target(name, _create(api_port, upstream_port), process.pid)
    finally:
        process.terminate()
        process.wait()


def _create(api_port: int, upstream_port: int) -> int:
    body = {"name": "bench", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream_port}"}
    request = urllib.request.Request(f"http://127.0.0.1:{api_port}/proxies", json.dumps(body).encode())
    give_up = time.monotonic() + PATIENCE_S
    while True:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return int(json.load(answer)["listen"].rpartition(":")[2])
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)


def _real_binary() -> str | None:
    local = CHECKOUT / ".lab/bin/toxiproxy-server"
    named = os.environ.get("FIREDRILL_TOXIPROXY")
    if named and named != "builtin":  # `builtin` picks the stack's proxy
        return shutil.which(named)
    return shutil.which(str(local) if local.exists() else "toxiproxy-server")


def run(*, connections: int = 8, round_s: float = 0.25, rounds: int = 10) -> dict[str, Any]:
    """Measure all targets in turns; figures by target, and their ratios to the direct way."""
    with ExitStack() as stack:
        upstream_port = stack.enter_context(_upstream())
        targets = [Target("direct", upstream_port)]
        if (binary := _real_binary()) is not None:
            targets.append(stack.enter_context(_proxy("toxiproxy", [binary], upstream_port)))
        standin = [sys.executable, "-m", "services.toxiproxy"]
        targets.append(stack.enter_context(_proxy("standin", standin, upstream_port)))
        for _ in range(rounds):
            for target in targets:
                target.measure(connections, round_s)
        results = {target.name: target.result() for target in targets}
    direct = results["direct"]
    for result in results.values():
        for key in ("requests_per_s", "p50_ms", "p99_ms", "alone_p50_ms"):
            result[f"{key}_ratio"] = round(float(result[key] or 0) / float(direct[key] or 1), 2)
    return {"connections": connections, "rounds": rounds, "round_s": round_s, "targets": results}


def _table(figures: dict[str, Any]) -> str:
    heads = ("", "req/s", "× direct", "p50 ms", "p99 ms", "p50 × direct", "alone p50 ms", "× direct", "CPU µs/req")
    keys = ("requests_per_s", "requests_per_s_ratio", "p50_ms", "p99_ms", "p50_ms_ratio", "alone_p50_ms")
    rows = [heads] + [
        (
            name,
            *(str(result[key]) for key in (*keys, "alone_p50_ms_ratio")),
            str(result["proxy_cpu_us_per_request"] or "–"),
        )
        for name, result in figures["targets"].items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--round-s", type=float, default=0.25)
    options = parser.parse_args()
    figures = run(connections=options.connections, round_s=options.round_s, rounds=options.rounds)
    print(json.dumps(figures, indent=2) if options.json else _table(figures))


if __name__ == "__main__":
    main()
