from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from services.stack.errors import StackError
from services.stack.layout import Lab
from services.stack.locking import exclusive, foreign_run


def test_the_second_command_is_told_who_holds_the_lab(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with exclusive(file, "up"):
        with pytest.raises(StackError) as caught, exclusive(file, "down", patience_s=0):
            pass
        assert caught.value.kind == "lock"
        assert f"held by `up` (pid {os.getpid()})" in caught.value.message
    with exclusive(file, "down", patience_s=0):
        pass


def test_the_lock_is_free_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), exclusive(tmp_path / "lock", "up"):
        raise ValueError("broken")
    with exclusive(tmp_path / "lock", "down", patience_s=0):
        pass


def test_a_run_is_foreign_unless_it_called_us(tmp_path: Path) -> None:
    lab, file = Lab(tmp_path), tmp_path / "run.lock"
    assert foreign_run(lab) is None
    handle = os.open(file, os.O_RDWR | os.O_CREAT)
    try:
        os.write(handle, b"flash-sale (pid 1999999999)\n")
        assert foreign_run(lab) is None, "a finished run leaves its name but not its lock"
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert foreign_run(lab) == "flash-sale (pid 1999999999)"
        os.pwrite(handle, f"flash-sale (pid {os.getppid()})\n      ".encode(), 0)
        assert foreign_run(lab) is None
    finally:
        os.close(handle)
