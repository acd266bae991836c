"""A real video, made and decoded by the ffmpeg that the wheel carries."""

import re
import subprocess
from dataclasses import replace

import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from chaos.errors import InvalidInput
from chaos.report.frames import Frames, plain
from chaos.report.replay import Replay
from chaos.report.video import FRAMES_PER_S, MOST_S, TITLE_S, VERDICT_S, cut, write_video
from tests.unit.chaos.report.conftest import changed
from tests.unit.chaos.report.samples import SAMPLES


def short(shown, seconds=4):
    document = changed(shown.document, phases=[{"name": "spike", "start_s": 0.0, "end_s": float(seconds)}])
    return replace(shown, document=document, timeline=shown.timeline[:seconds], samples=SAMPLES)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return tmp_path_factory.mktemp("video")


@pytest.fixture
def video(shown, made):
    path = made / "out.mp4"
    if not path.exists():
        write_video(Replay(short(shown)), path)
    return path


def decoded(path, *more):
    done = subprocess.run([get_ffmpeg_exe(), "-hide_banner", "-i", str(path), *more], capture_output=True, check=False)
    return done.stdout, done.stderr.decode()


def test_it_is_what_a_browser_plays(video):
    _, said = decoded(video)
    assert re.search(r"Video: h264 .*yuv420p", said)
    content = video.read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")  # it can be played while it loads
    assert [path.name for path in video.parent.iterdir()] == ["out.mp4"]


def test_it_can_be_decoded_and_its_frames_differ(video):
    frames, said = decoded(video, "-f", "rawvideo", "-pix_fmt", "gray", "-vf", "scale=160:90", "-")
    assert "Error" not in said
    size = 160 * 90
    count = len(frames) // size
    assert count == int(TITLE_S * FRAMES_PER_S) + 4 * FRAMES_PER_S + 1 + int(VERDICT_S * FRAMES_PER_S)
    pictures = {frames[n * size : (n + 1) * size] for n in range(count)}
    assert len(pictures) > 3 * FRAMES_PER_S


@pytest.mark.parametrize(("lasts_s", "pace"), [(28.0, 1.0), (51.5, 1.0), (600.0, 11.65)])
def test_it_never_lasts_longer_than_a_minute(shown, lasts_s, pace):
    document = changed(shown.document, phases=[{"name": "p", "start_s": 0.0, "end_s": lasts_s}])
    made = cut(Replay(replace(shown, document=document)))
    assert made.pace == pytest.approx(pace, abs=0.01)
    assert made.lasts_s <= MOST_S


def test_a_frame_shows_only_what_had_happened(shown):
    replay = Replay(short(shown, 20))
    frames = Frames(replay)
    early, late = frames.frame(replay.scene(3.0)), frames.frame(replay.scene(3.1))
    assert early.size == (1280, 720)
    assert early.tobytes() != late.tobytes()


def test_what_the_font_has_no_sign_for_is_spelt():
    assert plain("a ≤ b\n… ● x") == "a <= b ... ? x"


@pytest.mark.parametrize("name", ["out.avi", "out", "nowhere/out.mp4"])
def test_a_name_that_cannot_be_written(shown, tmp_path, name):
    with pytest.raises(InvalidInput, match=r"^video: got .*, expected a "):
        write_video(Replay(short(shown)), tmp_path / name)


def test_a_run_without_an_operation_has_nothing_to_show(shown, tmp_path):
    with pytest.raises(InvalidInput, match="without a single operation"):
        write_video(Replay(replace(shown, timeline=[])), tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == []
