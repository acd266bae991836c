"""Each kind of fault on a proxy, injected through the engine's adapter: proven while it is there, and only then."""

from __future__ import annotations

import re
import socket
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from chaos.adapters.canary import Canary
from chaos.adapters.clock import SystemClock
from chaos.adapters.toxiproxy import ProxySpec, ToxiproxyAdapter, ToxiproxyDeadline
from chaos.faults import KINDS, FaultKind, Held
from chaos.ports import Lab

ON = "shop_to_cache"
CASES: list[tuple[str, dict[str, Any]]] = [
    ("down", {}),
    ("latency", {"latency": "120ms", "jitter": "20ms"}),
    ("bandwidth", {"rate": "20KB/s"}),
    ("bandwidth", {"rate": "1KB/s"}),
    ("bandwidth", {"rate": "200KB/s"}),
    ("slow_close", {"delay": "300ms"}),
    ("timeout", {}),
    ("timeout", {"timeout": "100ms"}),
    ("reset_peer", {}),
    ("reset_peer", {"timeout": "300ms"}),
    ("slicer", {"average_size": 64, "size_variation": 32, "delay": "2ms"}),
    ("slicer", {"average_size": 1, "delay": "0.5ms"}),
    ("limit_data", {"bytes": 1}),
    ("limit_data", {"bytes": 500}),
    ("limit_data", {"bytes": 7999}),
]
BOTH_WAYS = [
    (kind, {**keys, "stream": stream})
    for kind, keys in CASES
    if kind != "down"
    for stream in ("downstream", "upstream")
]
ECHO = re.compile(rb"\*2\r\n\$4\r\nECHO\r\n\$(\d+)\r\n")


class NoWitness:
    """Nobody to meet a fault here."""

    def mark(self, proxy: str) -> Mapping[str, Any]:
        return {}


@dataclass
class Bench:
    lab: Lab
    adapter: ToxiproxyAdapter
    real: bool

    def held(self, kind: str, **keys: Any) -> tuple[FaultKind, Held]:
        asked = {"inject": kind, "on": ON, "from": "spike", "for": "20s", **keys}
        found = KINDS[kind]
        return found, Held(id=f"1-{kind}-{ON}", params=found.params.model_validate(asked))


def _like_redis(upstream: Any, connection: socket.socket, number: int) -> None:
    """PING and ECHO."""
    data = b""
    while piece := connection.recv(65536):
        data += piece
        while data:
            if data.startswith(b"PING\r\n"):
                data = data[6:]
                connection.sendall(b"+PONG\r\n")
                continue
            match = ECHO.match(data)
            if match is None or len(data) < match.end() + int(match[1]) + 2:
                break
            payload, data = data[match.end() :][: int(match[1])], data[match.end() + int(match[1]) + 2 :]
            connection.sendall(b"$%d\r\n%s\r\n" % (len(payload), payload))


@pytest.fixture
def bench(own_lab: Any, kind: str) -> Bench:
    listen = f"127.0.0.1:{own_lab.free_port()}"
    spec = ProxySpec(name=ON, listen=listen, upstream=own_lab.upstream(_like_redis).address)
    adapter = ToxiproxyAdapter(own_lab.server.url, 10.0, expected=[spec])
    own_lab.proxy(spec.upstream, name=spec.name, listen=spec.listen)
    nobody: Any = SimpleNamespace()
    return Bench(
        real=kind == "real",
        adapter=adapter,
        lab=Lab(
            proxies=adapter,
            processes=nobody,
            canary=Canary({ON: listen}),
            gateway=nobody,
            gate=nobody,
            upstream=NoWitness(),  # type: ignore[arg-type]
            client=nobody,
            clock=SystemClock(),
        ),
    )


@pytest.mark.parametrize(("name", "keys"), [("down", {}), *BOTH_WAYS])
def test_proven_and_gone(bench: Bench, name: str, keys: dict[str, Any]) -> None:
    fault, held = bench.held(name, **keys)
    fault.arm(held, bench.lab)
    fault.inject(held, bench.lab)
    proof = fault.prove(held, bench.lab)
    assert proof.proven, (proof.reason, proof.canary)
    assert bench.adapter.deviations() != []
    fault.lift(held, bench.lab)
    assert bench.adapter.deviations() == []
    gone = fault.gone(held, bench.lab)
    assert gone.proven, gone.reason
    fault.lift(held, bench.lab)


@pytest.mark.parametrize(("name", "keys"), CASES)
def test_not_proven_when_it_is_not_there(bench: Bench, name: str, keys: dict[str, Any]) -> None:
    """Somebody removes it behind the engine's back: what was read back is no proof by itself."""
    fault, held = bench.held(name, **keys)
    fault.arm(held, bench.lab)
    fault.inject(held, bench.lab)
    bench.adapter.reset()
    assert not fault.prove(held, bench.lab).proven
    fault.lift(held, bench.lab)


@pytest.mark.parametrize(("name", "keys"), [case for case in CASES if case[0] != "down"][::2])
def test_a_share_of_the_connections(bench: Bench, name: str, keys: dict[str, Any]) -> None:
    fault, held = bench.held(name, toxicity="25%", **keys)
    fault.arm(held, bench.lab)
    fault.inject(held, bench.lab)
    proof = fault.prove(held, bench.lab)
    assert proof.proven, (proof.reason, proof.canary)
    try:
        fault.lift(held, bench.lab)
    except ToxiproxyDeadline as late:
        # The real server can't take a toxic out of a connection that is just being closed with data left in it: the
        # toxic waits to pass it on, and the server for the toxic. Seen once in dozens of rounds, with the slicer. That
        # it is told in time is all that an adapter can do; a run says that the fault was not lifted (exit code 4).
        if not bench.real:
            raise
        warnings.warn(str(late), stacklevel=1)
        return
    assert fault.gone(held, bench.lab).proven


@pytest.mark.parametrize("first_out", ["latency", "other"])
@pytest.mark.parametrize(("name", "keys"), [case for case in CASES if case[0] != "latency"][::2])
def test_over_a_latency_and_out_in_any_order(bench: Bench, name: str, keys: dict[str, Any], first_out: str) -> None:
    below, slow = bench.held("latency", latency="100ms")
    above, other = bench.held(name, **keys)
    slow.id = f"2-latency-{ON}"
    below.arm(slow, bench.lab)
    below.inject(slow, bench.lab)
    assert below.prove(slow, bench.lab).proven
    other.beside = (slow.id,)
    above.arm(other, bench.lab)
    above.inject(other, bench.lab)
    proof = above.prove(other, bench.lab)
    assert proof.proven, (proof.reason, proof.canary)
    order = [(below, slow), (above, other)]
    for left, (fault, held) in zip((1, 0), order if first_out == "latency" else order[::-1], strict=True):
        fault.lift(held, bench.lab)
        held.beside = ("another",) if left else ()
        gone = fault.gone(held, bench.lab)
        assert gone.proven, gone.reason
    assert bench.adapter.deviations() == []
