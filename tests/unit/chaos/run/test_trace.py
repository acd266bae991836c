import pytest

from chaos.errors import LabBroken
from chaos.evidence.files import explaining_lines as read_lines
from chaos.model.folder import File
from chaos.model.trace import LogLine, Statement
from chaos.run.trace import Traced


class FakeTracer:
    def __init__(self, broken=()):
        self.broken, self.calls = broken, []

    def _did(self, what):
        self.calls.append(what)
        if what in self.broken:
            raise LabBroken(f"{what}: got nobody, expected an answer")

    def start(self):
        self._did("start")

    def stop(self):
        self._did("stop")

    def statements(self):
        self._did("statements")
        return [Statement(at_unix_s=1.0, pid=1, sql="SELECT 1", request="0-1")]

    def lines(self):
        self._did("lines")
        return [LogLine(at_unix_s=1.0, part="api", level="INFO", text="hello")]


@pytest.fixture
def notes():
    return []


def test_both_files_are_written_and_the_log_is_switched_off_first(tmp_path, notes):
    tracer = FakeTracer()
    traced = Traced(tracer, lasts_s=20, note=notes.append)
    traced.start()
    traced.end(tmp_path)
    assert tracer.calls == ["start", "stop", "statements", "lines"]
    assert [s.sql for s in read_lines(tmp_path / File.STATEMENTS, Statement)] == ["SELECT 1"]
    assert [line.text for line in read_lines(tmp_path / File.LOG, LogLine)] == ["hello"]
    assert notes == []


@pytest.mark.parametrize("what", ["start", "stop", "statements", "lines"])
def test_trouble_is_a_note_and_everything_else_goes_on(tmp_path, notes, what):
    tracer = FakeTracer(broken=(what,))
    traced = Traced(tracer, lasts_s=20, note=notes.append)
    traced.start()
    traced.end(tmp_path)
    assert tracer.calls == ["start", "stop", "statements", "lines"]
    assert len(notes) == 1
    assert notes[0].startswith("trace: ")


def test_a_long_run_goes_without(tmp_path, notes):
    tracer = FakeTracer()
    traced = Traced(tracer, lasts_s=181, note=notes.append)
    traced.start()
    traced.end(tmp_path)
    assert tracer.calls == []
    assert "181 s" in notes[0]


def test_without_a_tracer_or_a_start_nothing_happens(tmp_path, notes):
    Traced(None, lasts_s=1, note=notes.append).end(tmp_path)
    tracer = FakeTracer()
    Traced(tracer, lasts_s=1, note=notes.append).end(tmp_path)
    assert (tracer.calls, notes, list(tmp_path.iterdir())) == ([], [], [])
