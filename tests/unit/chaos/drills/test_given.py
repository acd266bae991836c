"""Files that a person named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chaos.drills.given import read_given
from chaos.errors import InvalidInput


def test_a_file_and_a_link_to_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    assert read_given(tmp_path / "file") == read_given(tmp_path / "link") == b"x"


def test_no_other_kind_is_read_nor_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "big").write_bytes(b"12345")
    for name, complaint in (
        ("pipe", "pipe: got a pipe, expected a regular file"),
        ("/dev/zero", "zero: got a device, expected a regular file"),
        ("link", "zero: got a device, expected a regular file"),
        (".", "got a folder, expected a regular file"),
        ("circle", "circle"),
        ("big", "big: got 5 bytes, expected at most 4"),
        ("none", "none: got No such file or directory, expected a drill map"),
        ("a\0b", "expected a drill map"),
    ):
        with pytest.raises(InvalidInput) as caught:
            read_given(tmp_path / name, most=4, expected="a drill map")
        assert complaint in str(caught.value)
