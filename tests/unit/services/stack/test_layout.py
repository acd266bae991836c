from __future__ import annotations

import stat
from pathlib import Path

import pytest

from services.stack.layout import OFFSETS, Lab, Ports, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_ports_follow_the_base_port_without_a_clash() -> None:
    ports = Ports(25000)
    assert (ports["api"], ports["supervisor"], ports["relay_metrics"]) == (25000, 25009, 25016)
    assert ports.url("gateway") == "http://127.0.0.1:25004"
    assert sorted(ports.all().values()) == list(range(25000, 25000 + len(OFFSETS)))


def test_secrets_are_private_differ_and_stay(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    lab.create()
    before = {file.name: file.read_text() for file in lab.secrets.iterdir()}
    assert len(set(before.values())) == len(before) > 4
    assert all(len(text) >= 32 for text in before.values())
    assert {mode(file) for file in lab.secrets.iterdir()} == {0o600}
    assert mode(lab.secrets) == 0o700
    lab.create()
    assert {file.name: file.read_text() for file in lab.secrets.iterdir()} == before


def test_an_empty_secret_is_made_anew(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.create()
    lab.secret_file("lab_token").write_text("")
    lab.create()
    assert lab.secret("lab_token")


def test_a_private_file_is_replaced_as_a_whole_and_leaves_no_litter(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old")
    file.chmod(0o644)
    write_private(file, "new")
    assert (file.read_text(), mode(file)) == ("new", 0o600)
    with pytest.raises(UnicodeEncodeError):
        write_private(file, "\ud800")
    assert file.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_two_labs_never_share_their_overflow(tmp_path: Path) -> None:
    assert Lab(tmp_path / "a").overflow != Lab(tmp_path / "b").overflow
    assert Lab(tmp_path / "a").overflow == Lab(tmp_path / "a").overflow
