"""A replay as a video that every browser plays: H.264 in MP4, at most a minute."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from imageio_ffmpeg import get_ffmpeg_exe
from PIL import Image

from chaos.errors import InvalidInput, LabBroken
from chaos.report.frames import HEIGHT, WIDTH, Frames
from chaos.report.replay import Replay
from launch import environment

FRAMES_PER_S = 10
TITLE_S, VERDICT_S = 2.5, 5.0
MOST_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How a run becomes a video. *pace*: seconds of the run in a second of video, 1 or more."""

    pace: float
    lasts_s: float


def cut(replay: Replay) -> Cut:
    """In real time when a run fits into a minute, else as much faster as needed."""
    room_s = MOST_S - TITLE_S - VERDICT_S - 1.0
    pace = max(1.0, replay.end_s / room_s)
    return Cut(pace=pace, lasts_s=TITLE_S + VERDICT_S + replay.end_s / pace)


def pictures(replay: Replay, frames: Frames) -> Iterator[Image.Image]:
    """Title, run, verdict."""
    first, last, pace = frames.title(), frames.verdict(), cut(replay).pace
    yield from (first for _ in range(int(TITLE_S * FRAMES_PER_S)))
    for number in range(int(replay.end_s / pace * FRAMES_PER_S) + 1):
        yield frames.frame(replay.scene(number * pace / FRAMES_PER_S))
    yield from (last for _ in range(int(VERDICT_S * FRAMES_PER_S)))


def write_video(replay: Replay, path: Path, *, say: Callable[[str], None] = lambda _: None) -> Cut:
    """Render to *path*; an earlier file stays until the new one is complete.

    Raises: InvalidInput for a name that is no .mp4, or a folder that does not exist. LabBroken when ffmpeg fails.
    """
    if path.suffix.lower() != ".mp4":
        raise InvalidInput(f"video: got {path.name!r}, expected a name that ends in .mp4")
    if not path.parent.is_dir():
        raise InvalidInput(f"video: got {path}, expected a file in a folder that exists")
    if not replay.shown.timeline:
        raise InvalidInput("video: got a run without a single operation, expected one to show")
    part = path.with_name(f".{path.name}.part")
    try:
        _encode(replay, part, say)
        part.replace(path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
    return cut(replay)


def _encode(replay: Replay, path: Path, say: Callable[[str], None]) -> None:
    try:
        program = get_ffmpeg_exe()
    except RuntimeError as error:
        raise LabBroken(f"ffmpeg: got {error}, expected the one of imageio-ffmpeg (make install)") from None
    command = [program, "-hide_banner", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", f"{WIDTH}x{HEIGHT}", "-r", str(FRAMES_PER_S), "-i", "-", "-an", "-c:v", "libx264"]
    # yuv420p and the index in front: what a browser needs to play it while it loads.
    command += ["-preset", "veryfast", "-crf", "22", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
    command += ["-f", "mp4", str(path)]
    try:
        ffmpeg = subprocess.Popen(
            command,
            env=environment.for_programs(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
    except OSError as error:
        raise LabBroken(f"ffmpeg: got {error.strerror or error}, expected it to start") from None
    with ffmpeg:
        assert ffmpeg.stdin is not None
        assert ffmpeg.stderr is not None
        try:
            frames = Frames(replay)
            expected = int(cut(replay).lasts_s * FRAMES_PER_S)
            for number, picture in enumerate(pictures(replay, frames)):
                ffmpeg.stdin.write(picture.tobytes())
                if number % (10 * FRAMES_PER_S) == 0:
                    say(f"video: {number} of about {expected} frames")
            ffmpeg.stdin.close()
        except BrokenPipeError:
            pass  # ffmpeg's own message is read below
        except BaseException:
            ffmpeg.kill()
            raise
        said = ffmpeg.stderr.read().decode(errors="replace").strip()
        if ffmpeg.wait():
            raise LabBroken(f"ffmpeg: got {said.splitlines()[-1] if said else ffmpeg.returncode}, expected a video")
