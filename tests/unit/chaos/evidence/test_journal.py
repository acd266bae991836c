"""The journal: on disk before anybody goes on, whole lines only, readable after every way to die."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chaos.evidence.files import Unreadable
from chaos.evidence.journal import Journal, read_events
from chaos.model.journal import Event, EventKind


def test_events_come_back_as_they_were_written(tmp_path: Path) -> None:
    clock = iter([12.0, 13.25])
    wall = iter([10.0, 12.0, 43.25])
    with Journal(tmp_path / "journal.jsonl", now_unix_s=lambda: next(clock), wall_unix_s=lambda: next(wall)) as journal:
        journal.write(EventKind.RUN_STARTED, run_id="r")
        journal.t0_unix_s = 12.5
        journal.write(EventKind.LOAD_STARTED)
        journal.write(EventKind.NOTE, text="ü")
    assert list(read_events(tmp_path / "journal.jsonl")) == [
        Event(seq=0, at_unix_s=10.0, event=EventKind.RUN_STARTED, at_s=None, data={"run_id": "r"}),
        Event(seq=1, at_unix_s=12.0, event=EventKind.LOAD_STARTED, at_s=-0.5, data={}),
        Event(seq=2, at_unix_s=43.25, event=EventKind.NOTE, at_s=0.75, data={"text": "ü"}),
    ]


def test_an_event_is_on_disk_before_write_returns(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom chaos.evidence.journal import Journal\n"
        "from chaos.model.journal import EventKind\n"
        "Journal(Path(sys.argv[1])).write(EventKind.NOTE, text='last words')\nos.kill(os.getpid(), 9)\n"
    )
    died = subprocess.run([sys.executable, "-c", code, str(path)], timeout=60, check=False)
    assert died.returncode == -signal.SIGKILL
    assert [event.data for event in read_events(path)] == [{"text": "last words"}]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.write(EventKind.NOTE, text="whole")
    with path.open("ab") as file:
        file.write(b'{"seq":1,"at_un')
    assert [event.data for event in read_events(path)] == [{"text": "whole"}]


def test_damage_in_the_middle_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.write(EventKind.NOTE, text="whole")
    path.write_bytes(b'{"seq":\n' + path.read_bytes())
    with pytest.raises(Unreadable):
        list(read_events(path))


@pytest.mark.parametrize("torn", [b'{"seq":1,"at_unix_s":2.0,"event":"note","da', b""])
def test_a_dead_writer_s_journal_is_continued_behind_its_last_whole_line(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.write(EventKind.NOTE, text="whole")
    with path.open("ab") as file:
        file.write(torn)
    with Journal(path, after=list(read_events(path))) as journal:
        journal.write(EventKind.ABORTED, by="lab")
    assert [(event.seq, event.event) for event in read_events(path)] == [(0, EventKind.NOTE), (1, EventKind.ABORTED)]


def test_a_line_that_lacks_only_its_newline_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.write(EventKind.NOTE, text="first")
        journal.write(EventKind.NOTE, text="second")
    path.write_bytes(path.read_bytes().removesuffix(b"\n"))
    with Journal(path, after=list(read_events(path))) as journal:
        journal.write(EventKind.ABORTED, by="lab")
    assert [(event.seq, event.event) for event in read_events(path)] == [
        (0, EventKind.NOTE),
        (1, EventKind.NOTE),
        (2, EventKind.ABORTED),
    ]


def test_a_full_disk_is_an_error_and_not_a_lost_event() -> None:
    with Journal(Path("/dev/full")) as journal:
        with pytest.raises(OSError, match="No space left"):
            journal.write(EventKind.NOTE, text="x")
        with pytest.raises(OSError, match="No space left"):
            journal.write(EventKind.NOTE, text="y")


def test_a_line_that_fits_only_in_part_is_taken_back(tmp_path: Path) -> None:
    """The disk fills amid a line, and has room again later: the journal stays readable."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.write(EventKind.NOTE, text="a")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, limits[1]))
        with pytest.raises(OSError, match="too large"):
            journal.write(EventKind.NOTE, text="b" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    journal.write(EventKind.NOTE, text="c")
    journal.close()
    assert [(event.seq, event.data["text"]) for event in read_events(path)] == [(0, "a"), (1, "c")]


def test_listeners_hear_every_event_and_can_t_stop_the_run(tmp_path: Path) -> None:
    heard: list[Event] = []

    def closed_terminal(event: Event) -> None:
        heard.append(event)
        raise BrokenPipeError

    with Journal(tmp_path / "journal.jsonl") as journal:
        journal.listeners.append(closed_terminal)
        journal.write(EventKind.NOTE, text="a")
        journal.write(EventKind.NOTE, text="b")
    assert [event.data["text"] for event in heard] == ["a", "b"]
    assert heard == list(read_events(tmp_path / "journal.jsonl"))


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.close()
    journal.close()
    with pytest.raises(OSError, match=os.strerror(9)):
        journal.write(EventKind.NOTE)
