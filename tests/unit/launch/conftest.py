"""A checkout of its own: this one's code, and a virtual environment that is made for it and sees the same packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[3]
PACKAGES = ("chaos", "launch", "loadtests", "services", "scenarios")
Run = Callable[..., "subprocess.CompletedProcess[Any]"]


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be copied; whoever changes one takes a copy."""
    checkout = tmp_path_factory.mktemp("checkouts") / "original"
    for name in PACKAGES:
        shutil.copytree(CHECKOUT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    venv = checkout / ".venv"
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(venv)], check=True, timeout=120)
    folder = next((venv / "lib").iterdir()) / "site-packages"
    (folder / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    shutil.copy(CHECKOUT / "launch" / "first.py", folder / "firedrill_first.py")
    (folder / "firedrill_first.pth").write_text("import firedrill_first\n")
    (venv / ".installed").write_text(f"whatever\n{checkout}\n")
    (venv / "bin" / "firedrill").symlink_to("../../launch/firedrill")
    return checkout


@pytest.fixture
def copied(original: Path, tmp_path: Path) -> Path:
    """A copy, which says that it is where it belongs."""
    copy = tmp_path / "checkout"
    shutil.copytree(original, copy, symlinks=True)
    (copy / ".venv" / ".installed").write_text(f"whatever\n{copy}\n")
    return copy


def run(*command: object, **options: Any) -> subprocess.CompletedProcess[Any]:
    """Variables in *environ* come on top of PATH and HOME; everything else as for subprocess.run."""
    environ: dict[str, str] = {"PATH": os.defpath, "HOME": "/", **options.pop("environ", {})}
    settings: dict[str, Any] = {"capture_output": True, "text": True, "stdin": subprocess.DEVNULL, "timeout": 120}
    return subprocess.run([str(word) for word in command], env=environ, check=False, **{**settings, **options})
