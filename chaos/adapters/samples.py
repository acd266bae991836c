"""Drill 6's samples, made by the stack's composer as a subprocess that answers with JSON."""

from __future__ import annotations

import subprocess

import msgspec

from chaos.config import CHECKOUT
from chaos.errors import InvalidInput, LabBroken
from chaos.model.grading import Planted
from launch import environment
from launch.python import PYTHON


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """A sample and its key.

    Attributes:
        package: Folder of its files, below a variant.
        files: Name → text of the three files to be reviewed.
    """

    seed: int
    variant: str
    package: str
    files: dict[str, str]
    key: tuple[Planted, ...]


def sample(seed: int) -> Sample:
    """Make the sample of *seed*, and its variant.

    Raises: InvalidInput for an invalid seed, LabBroken when the sample can't be made.
    """
    done = subprocess.run(
        [*PYTHON, "-m", "services.stack.samples", str(seed)],
        cwd=CHECKOUT,
        env=environment.for_commands(),
        capture_output=True,
        check=False,
    )
    if done.returncode == 0:
        return msgspec.json.decode(done.stdout, type=Sample)
    told = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
    if told.startswith("seed:"):
        raise InvalidInput(told)
    raise LabBroken(f"sample: got {told}, expected it to be made")
