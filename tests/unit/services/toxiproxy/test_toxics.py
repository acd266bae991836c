"""Each toxic on its stage, on a clock that jumps: exact times, no waiting."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.toxiproxy.stage import Stage, ToxicEntry
from services.toxiproxy.toxics import KINDS
from services.toxiproxy.toxics.bandwidth import Bandwidth
from services.toxiproxy.toxics.base import Chunk, Toxic
from services.toxiproxy.toxics.latency import Latency
from services.toxiproxy.toxics.limit_data import LimitData
from services.toxiproxy.toxics.reset_peer import ResetPeer
from services.toxiproxy.toxics.slicer import Slicer
from services.toxiproxy.toxics.slow_close import SlowClose
from services.toxiproxy.toxics.timeout import Timeout


class Recorder:
    """A sink that notes what arrives and when, in seconds since its making."""

    ready = True

    def __init__(self) -> None:
        self._start_s = asyncio.get_running_loop().time()
        self.seen: list[tuple[float, bytes]] = []
        self.ended = asyncio.get_running_loop().create_future()

    def at_s(self) -> float:
        return round(asyncio.get_running_loop().time() - self._start_s, 3)

    def push(self, chunk: Chunk) -> None:
        self.seen.append((self.at_s(), chunk.data))

    def finish(self) -> None:
        self.ended.set_result(self.at_s())

    def when_ready(self, callback) -> None:
        raise AssertionError("always ready")


def _stage(toxic: Toxic, toxicity: float = 1.0) -> tuple[Stage, Recorder]:
    sink = Recorder()
    stage = Stage(ToxicEntry("t", "downstream", False, toxicity, toxic), sink)
    stage.start()
    return stage, sink


def _chunk(data: bytes) -> Chunk:
    return Chunk(data, asyncio.get_running_loop().time())


async def _play(toxic: Toxic, *script: bytes | float, toxicity: float = 1.0):
    """Feed bytes, wait where a number stands, end; what came out when, and when the end came."""
    stage, sink = _stage(toxic, toxicity)
    for step in script:
        if isinstance(step, bytes):
            stage.push(_chunk(step))
        else:
            await asyncio.sleep(step)
    stage.finish()
    ended_s = await sink.ended
    return sink.seen, ended_s


def test_every_toxic_is_found():
    assert set(KINDS) == {
        "bandwidth",
        "latency",
        "limit_data",
        "noop",
        "reset_peer",
        "slicer",
        "slow_close",
        "timeout",
    }


def test_latency_counts_from_arrival_and_an_end_waits_behind_data(run):
    assert run(_play(Latency(latency=300), b"a", 0.1, b"b")) == ([(0.3, b"a"), (0.4, b"b")], 0.4)


def test_latency_does_not_delay_a_bare_end(run):
    assert run(_play(Latency(latency=300), 1.0)) == ([], 1.0)


def test_latency_with_jitter_stays_in_its_range(run):
    async def many():
        return [(await _play(Latency(latency=100, jitter=40), b"x"))[1] for _ in range(300)]

    took = run(many())
    assert 0.06 <= min(took) < 0.07
    assert 0.13 < max(took) <= 0.14


def test_bandwidth_is_exact(run):
    assert run(_play(Bandwidth(rate=100), bytes(10_000)))[1] == 0.1
    seen, ended_s = run(_play(Bandwidth(rate=10), bytes(2_500)))
    assert [(at_s, len(data)) for at_s, data in seen] == [(0.1, 1000), (0.2, 1000), (0.25, 500)]
    assert ended_s == 0.25


def test_bandwidth_holds_for_a_long_stream(run):
    seen, ended_s = run(_play(Bandwidth(rate=1000), *[bytes(32_768)] * 100))
    assert sum(len(data) for _, data in seen) == 3_276_800
    assert ended_s == 3.277


def test_slow_close_delays_only_the_end(run):
    assert run(_play(SlowClose(delay=500), b"a", 0.1)) == ([(0.0, b"a")], 0.6)


def test_timeout_restarts_with_each_chunk(run):
    async def play():
        stage, sink = _stage(Timeout(timeout=400))
        for _ in range(3):
            await asyncio.sleep(0.3)
            stage.push(_chunk(b"x"))
        return await sink.ended, sink.seen

    assert run(play()) == (1.3, [])


def test_timeout_zero_ends_with_the_stream(run):
    assert run(_play(Timeout(timeout=0), b"a", 3600.0)) == ([], 3600.0)


def test_reset_peer_fires_on_data_and_on_an_end(run):
    assert run(_play(ResetPeer(timeout=200), 1.0, b"a")) == ([], 1.2)
    assert run(_play(ResetPeer(timeout=200), 1.0)) == ([], 1.2)


def test_limit_data_truncates(run):
    assert run(_play(LimitData(bytes=3), b"ab", 1.0, b"cd", 1.0)) == ([(0.0, b"ab"), (1.0, b"c")], 1.0)


def test_limit_data_that_was_lowered_below_what_passed_ends(run):
    async def play():
        toxic = LimitData(bytes=10)
        stage, sink = _stage(toxic)
        stage.push(_chunk(b"12345"))
        await asyncio.sleep(0.1)
        assert await stage.interrupt()
        toxic.bytes = 2
        stage.start()
        stage.push(_chunk(b"678"))
        await sink.ended
        return sink.seen

    assert run(play()) == [(0.0, b"12345")]


def test_slicer_keeps_the_mean_pace(run):
    seen, ended_s = run(_play(Slicer(average_size=10, delay=100), bytes(1000)))
    assert {len(data) for _, data in seen} <= set(range(1, 11))
    assert ended_s == pytest.approx(len(seen) * 100e-6, abs=2e-3)


@given(
    length=st.integers(0, 40_000),
    average=st.integers(1, 5_000),
    share=st.floats(0, 1),
)
@settings(max_examples=200, deadline=None)
def test_slicer_cuts_the_whole_and_never_too_large(length, average, share):
    slicer = Slicer(average_size=average, size_variation=int(average * share))
    ends = list(slicer.cuts(0, length))
    assert ends[-1] == length
    pieces = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    assert sum(pieces) == length
    assert all(0 <= piece <= average + slicer.size_variation for piece in pieces)


def test_toxicity_zero_passes_everything(run):
    assert run(_play(Timeout(timeout=0), b"a", toxicity=0)) == ([(0.0, b"a")], 0.0)


@pytest.mark.parametrize(
    ("toxic", "word"),
    [
        (Bandwidth(rate=-1), "rate -1"),
        (Bandwidth(rate=10**17), "rate 100000000000000000"),
        (Latency(jitter=2**62), "jitter"),
        (Slicer(), "average_size 0"),
        (Slicer(average_size=-4), "average_size -4"),
        (Slicer(average_size=4, size_variation=5), "size_variation 5"),
        (Slicer(average_size=4, size_variation=-1), "size_variation -1"),
    ],
)
def test_what_crashes_the_real_server_is_named(toxic, word):
    assert word in toxic.danger()


@pytest.mark.parametrize(
    "toxic",
    [
        Bandwidth(),
        Bandwidth(rate=10**6),
        Latency(latency=-1, jitter=10**9),
        Slicer(average_size=4, size_variation=4),
        Timeout(timeout=-1),
        LimitData(bytes=-1),
    ],
)
def test_what_the_real_server_takes_is_not_refused(toxic):
    assert toxic.danger() == ""
