import json
from datetime import UTC, datetime

import pytest

from chaos.drills.calibrate import (
    FLOOR,
    Calibration,
    aside,
    calibrate,
    fitting,
    heaviest,
    keep,
    read_calibration,
    require_floor,
    scale_of,
)
from chaos.drills.results import RunResult
from chaos.errors import Inconclusive, InvalidInput
from chaos.model.evidence import HostSample
from chaos.model.verdict import Verdict
from services.scorecard import rules
from tests.unit.chaos.documents import document

PHASES = [{"name": "calm", "start_s": 0.0, "end_s": 4.0}, {"name": "rush", "start_s": 4.0, "end_s": 8.0}]


class Machine:
    """Busy in proportion to the load: *busy* and *api* at scale 1, in the second phase."""

    def __init__(self, folder, busy, api=0.3, verdict=lambda scale: Verdict.HELD, spoiled=False):
        self.folder, self.busy, self.api, self.verdict, self.spoiled = folder, busy, api, verdict, spoiled
        self.scales = []

    def run(self, scale):
        self.scales.append(scale)
        folder = self.folder / f"run-{len(self.scales)}"
        folder.mkdir()
        samples = [
            {"at_s": n + 1.0, "cpu_busy": self.busy * scale * share, "steal": 0.0, "api_core": self.api * scale * share}
            for n, share in enumerate([0.3] * 4 + [1.0] * 4)
        ]
        (folder / "host.jsonl").write_text("".join(json.dumps(sample) + "\n" for sample in samples))
        return RunResult(
            folder=folder,
            variant="hardened",
            verdict=self.verdict(scale),
            findings=(),
            document=document(phases=PHASES, summary="so it was"),
            spoiled=self.spoiled,
        )

    def calibrate(self):
        return calibrate(self.run, say=lambda _: None, now=lambda: datetime(2026, 11, 24, tzinfo=UTC))


def test_a_machine_that_carries_it_runs_at_full_scale(tmp_path):
    machine = Machine(tmp_path, busy=0.5)
    found = machine.calibrate()
    assert (found.scale, machine.scales, found.run_ids) == (1.0, [1.0], ("run-1",))
    assert (found.busy_ratio, found.api_core_ratio) == (0.5, 0.3)


@pytest.mark.parametrize(("busy", "api", "scale"), [(0.78, 0.3, 0.75), (0.5, 1.0, 0.8), (0.66, 0.3, 0.9)])
def test_a_slower_one_gets_less_and_that_is_confirmed_by_a_run(tmp_path, busy, api, scale):
    machine = Machine(tmp_path, busy=busy, api=api)
    assert machine.calibrate().scale == scale
    assert machine.scales == [1.0, scale]


def test_a_run_that_the_machine_spoiled_is_followed_by_a_smaller_one(tmp_path):
    unsteady = lambda scale: Verdict.HELD if scale < 0.85 else Verdict.INCONCLUSIVE  # noqa: E731
    machine = Machine(tmp_path, busy=0.5, verdict=unsteady, spoiled=True)
    assert machine.calibrate().scale == 0.8
    assert machine.scales == [1.0, 0.9, 0.8]


def test_it_never_goes_below_the_floor(tmp_path):
    machine = Machine(tmp_path, busy=3.0)
    with pytest.raises(Inconclusive, match=r"calibrate: got a machine that is 225% busy at scale 0.75, expected"):
        machine.calibrate()
    assert min(machine.scales) == FLOOR


def test_a_reference_that_fails_measures_nothing(tmp_path):
    with pytest.raises(Inconclusive, match="on hardened, expected it to hold"):
        Machine(tmp_path, busy=0.5, verdict=lambda _: Verdict.VIOLATED).calibrate()
    (tmp_path / "again").mkdir()
    with pytest.raises(Inconclusive, match="expected a run that can tell"):
        Machine(tmp_path / "again", busy=0.5, verdict=lambda _: Verdict.INCONCLUSIVE).calibrate()


def test_without_readings_there_is_no_answer(tmp_path):
    machine = Machine(tmp_path, busy=0.5)
    run = machine.run

    def blind(scale):
        result = run(scale)
        (result.folder / "host.jsonl").write_text("")
        return result

    machine.run = blind
    with pytest.raises(Inconclusive, match="no readings of the CPU"):
        machine.calibrate()


def test_the_heaviest_phase_counts():
    samples = [HostSample(at_s=n + 1.0, cpu_busy=0.1 * n, api_core=0.5) for n in range(8)]
    busy, api = heaviest(samples, [(0.0, 4.0), (4.0, 8.0)])
    assert (round(busy, 2), api) == (0.55, 0.5)


def test_what_fits_is_in_steps_and_at_most_everything():
    assert [fitting(1.0, busy, 0.1) for busy in (0.3, 0.6, 0.61, 1.0)] == [1.0, 1.0, 0.95, 0.6]


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / ".lab" / "calibration.json"
    keep(
        Calibration(scale=0.8, measured_at="2026-11-24T10:00:00+00:00", cpus=2, busy_ratio=0.5, api_core_ratio=0.4,
                    run_ids=("r",)),
        path,
    )  # fmt: skip
    return path


def test_later_runs_take_it_unless_something_else_is_asked_for(kept, tmp_path):
    assert scale_of(None, kept) == (0.8, "calibrated 2026-11-24")
    assert scale_of(0.9, kept) == (0.9, "as asked")
    assert scale_of(None, tmp_path / "none.json") == (1.0, "not calibrated")


@pytest.mark.parametrize("text", ["{", '{"scale": 1}', None])
def test_a_file_that_cannot_be_used_is_as_none(kept, text):
    if text is None:
        kept.write_bytes(kept.read_bytes().replace(b"0.8", b"0.1"))
    else:
        kept.write_text(text)
    assert read_calibration(kept) is None


def test_a_check_asks_for_a_scale_at_which_a_pass_says_something(tmp_path):
    require_floor(FLOOR, tmp_path / "none.json")
    require_floor(None, tmp_path / "none.json")
    with pytest.raises(InvalidInput) as refused:
        require_floor(0.5, tmp_path / "none.json")
    assert str(refused.value) == (
        "--scale: got 0.5, expected at least 0.75: below it a pass says nothing (measured with mutants)"
    )


def test_a_single_run_may_be_smaller_and_is_told_what_that_means():
    assert aside(1.0) == aside(FLOOR) == ""
    assert aside(0.5) == (
        "scale 0.5 is below 0.75, where a pass says nothing (measured with mutants): "
        "the scorecard does not count this run"
    )


def test_the_scorecard_has_the_same_floor():
    assert rules.LEAST_SCALE == FLOOR
