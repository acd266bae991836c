"""Stages and links while the chain changes: nothing is lost, nothing is left behind."""

from __future__ import annotations

import asyncio
import logging

from services.toxiproxy.link import Link
from services.toxiproxy.stage import ToxicEntry
from services.toxiproxy.toxics.bandwidth import Bandwidth
from services.toxiproxy.toxics.base import StageView, Toxic
from services.toxiproxy.toxics.latency import Latency
from services.toxiproxy.toxics.noop import Noop


class FakeSide:
    """A socket in memory."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.closed = False
        self.paused = False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


class Crash(Toxic):
    """A toxic with a defect."""

    type = ""

    async def run(self, stage: StageView) -> None:
        await stage.receive()
        raise ZeroDivisionError


def _link(*toxics: Toxic):
    source, target, ended = FakeSide(), FakeSide(), []
    link = Link(source, target, upstream=False, on_end=ended.append)  # type: ignore[arg-type]
    entries = [_entry(f"t{number}", toxic) for number, toxic in enumerate(toxics)]
    link.begin(entries)
    return link, source, target, ended, entries


def _entry(name: str, toxic: Toxic) -> ToxicEntry:
    return ToxicEntry(name, "downstream", False, 1.0, toxic)


def test_without_toxics_data_goes_straight_through_without_a_task(run):
    async def play():
        link, _, target, ended, _ = _link()
        link.feed(b"a")
        assert target.written == b"a"
        assert len(asyncio.all_tasks()) <= 2
        link.feed_eof()
        assert target.closed
        assert ended == [link]

    run(play())


def test_a_full_outlet_pauses_the_source_and_room_resumes_it(run):
    async def play():
        link, source, target, _, _ = _link()
        link.outlet.set_full(True)
        link.feed(b"a")
        assert source.paused
        link.outlet.set_full(False)
        assert not source.paused
        assert target.written == b"a"

    run(play())


def test_a_full_stage_pauses_the_source_until_the_toxic_is_removed(run):
    async def play():
        link, source, target, _, (entry,) = _link(Bandwidth(rate=0))
        for _ in range(3):
            link.feed(b"x" * 40_000)
        await asyncio.sleep(1)
        assert source.paused
        await link.remove(entry)
        assert not source.paused
        assert target.written == b"x" * 120_000

    run(play())


def test_the_latency_buffer_is_bounded(run):
    async def play():
        link, source, _, _, _ = _link(Latency(latency=10**6))
        fed = 0
        while not source.paused:
            link.feed(b"x")
            fed += 1
            await asyncio.sleep(0)
        assert 1024 <= fed <= 1026
        link.outlet.lost()
        await asyncio.sleep(0)

    run(play())


def test_removing_the_middle_keeps_the_order(run):
    async def play():
        link, _, target, _, entries = _link(Latency(latency=1000), Latency(latency=1000), Latency(latency=1000))
        for number in range(10):
            link.feed(bytes([number]))
            await asyncio.sleep(0.3)
        await link.remove(entries[1])
        await asyncio.sleep(10)
        assert target.written == bytes(range(10))
        await link.remove(entries[0])
        await link.remove(entries[2])
        link.feed(b"!")
        assert target.written.endswith(b"!")

    run(play())


def test_a_change_waits_while_the_other_end_does_not_read(run):
    async def play():
        link, _, _, _, (entry,) = _link(Noop())
        link.outlet.set_full(True)
        link.feed(b"a")
        await asyncio.sleep(0.1)
        removal = asyncio.ensure_future(link.remove(entry))
        addition = asyncio.ensure_future(asyncio.sleep(3600))
        done, _ = await asyncio.wait({removal, addition}, return_when=asyncio.FIRST_COMPLETED)
        assert done == {addition}
        link.outlet.set_full(False)
        await removal

    run(play())


def test_a_lost_socket_ends_tasks_and_waiting_changes(run):
    async def play():
        link, _, _, ended, (entry, _) = _link(Noop(), Bandwidth(rate=0))
        link.outlet.set_full(True)
        for _ in range(10):
            link.feed(b"x" * 40_000)
        await asyncio.sleep(0.1)
        change = asyncio.ensure_future(link.update(entry))
        await asyncio.sleep(0.1)
        link.outlet.lost()
        await change
        assert ended == [link]
        link.feed(b"late")
        link.feed_eof()
        await link.add(_entry("late", Noop()))
        await asyncio.sleep(0)

    run(play())


def test_a_toxic_that_crashes_closes_its_connection_and_says_so(run, caplog):
    async def play():
        link, _, target, _, _ = _link(Crash())
        link.feed(b"x")
        await asyncio.sleep(0.1)
        assert target.closed

    with caplog.at_level(logging.ERROR):
        run(play())
    assert "toxic t0: crashed" in caplog.text
