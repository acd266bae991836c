from __future__ import annotations

from pathlib import Path

import pytest

from launch import environment
from services.stack import config
from services.stack.errors import StackError


def test_without_anything_set_the_lab_is_in_the_checkout() -> None:
    settings = config.load({})
    assert settings.lab_dir == config.CHECKOUT / ".lab"
    assert settings.evidence_dir == config.CHECKOUT / "evidence"
    assert (settings.offline, settings.toxiproxy, settings.asked_base_port) == (False, None, None)


def test_the_base_port_is_remembered_until_another_is_asked_for(tmp_path: Path) -> None:
    environ = {"FIREDRILL_LAB_DIR": str(tmp_path)}
    assert config.load(environ).base_port == 18000
    (tmp_path / "base-port").write_text("19000\n")
    assert config.load(environ).base_port == 19000
    assert config.load({**environ, "FIREDRILL_BASE_PORT": "20000"}).base_port == 20000
    assert config.load({**environ, "FIREDRILL_BASE_PORT": "20000"}, base_port="21000").base_port == 21000


@pytest.mark.parametrize("kept", [b"", b"\n", b"19000x", b"\xff\xfe\x00", b"0"])
def test_a_remembered_base_port_of_which_a_full_disk_kept_nothing_is_none(tmp_path: Path, kept: bytes) -> None:
    environ = {"FIREDRILL_LAB_DIR": str(tmp_path)}
    (tmp_path / "base-port").write_bytes(kept)
    assert config.load(environ).base_port == 18000
    assert config.load({**environ, "FIREDRILL_BASE_PORT": "20000"}).base_port == 20000
    (tmp_path / "stack.json").write_text('{"base_port": 21000}')  # the running stack's own word
    assert config.load(environ).base_port == 21000
    (tmp_path / "stack.json").write_bytes(kept)
    assert config.load(environ).base_port == 18000


@pytest.mark.parametrize("name", ["two\nlines", "a ;b", "a #b", "\x1b[31m"])
def test_a_folder_that_supervisord_s_configuration_can_t_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StackError, match="expected a name without it") as caught:
        config.load({"FIREDRILL_LAB_DIR": str(tmp_path / name)})
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ['a"b', "a$b", "$HOME", "a`b"])
def test_a_checkout_that_initdb_can_t_stand_in_is_refused_with_the_character(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(config, "CHECKOUT", tmp_path / name)
    with pytest.raises(StackError, match="in the name of a folder of the lab, expected a name without it") as caught:
        config.load({"FIREDRILL_LAB_DIR": str(tmp_path)})
    sign = next(each for each in name if not each.isalpha())
    assert f": got {sign!r} in the name" in caught.value.message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["a b", "it's", "é", "100%", "a#b", "a;b", "a\\b", 'a"b', "$HOME"])
def test_other_folders_are_taken(tmp_path: Path, name: str) -> None:
    assert config.load({"FIREDRILL_LAB_DIR": str(tmp_path / name)}).lab_dir == tmp_path / name


@pytest.mark.parametrize("text", ["eighteen", "80", "65530", "-1", "18000.5"])
def test_a_base_port_without_room_is_refused_with_what_was_given(text: str) -> None:
    with pytest.raises(StackError) as caught:
        config.load({"FIREDRILL_BASE_PORT": text})
    assert caught.value.kind == "bad_input"
    assert caught.value.exit_code == 2
    assert str(caught.value) == f"FIREDRILL_BASE_PORT: got {text!r}, expected a whole number from 1024 to 65515"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TOXIPROXY": "builtin"}, "builtin"),
        ({"FIREDRILL_TOXIPROXY": "/opt/toxiproxy", "TOXIPROXY": "builtin"}, "/opt/toxiproxy"),
        ({"FIREDRILL_TOXIPROXY": ""}, None),
    ],
)
def test_the_fault_proxy_can_be_chosen(environ: dict[str, str], expected: str | None) -> None:
    assert config.load(environ).toxiproxy == expected


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_offline(value: str, expected: bool) -> None:
    assert config.load({"FIREDRILL_OFFLINE": value}).offline is expected


def test_a_shared_scorecard_database_is_told_to_nobody_but_the_scorecard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCORECARD_DATABASE_URL", "postgresql://me:secret@db/scores")
    assert "SCORECARD_DATABASE_URL" not in environment.for_programs()
    assert config.load().scorecard_database == {"SCORECARD_DATABASE_URL": "postgresql://me:secret@db/scores"}
    monkeypatch.chdir(tmp_path)
    named = config.load({"SCORECARD_DATABASE_URL_FILE": "url"}).scorecard_database
    assert named == {"SCORECARD_DATABASE_URL_FILE": str(tmp_path / "url")}


def test_remote_write(tmp_path: Path) -> None:
    assert config.load({}).remote_write is None
    token = tmp_path / "token"
    environ = {"FIREDRILL_REMOTE_WRITE_URL": "https://metrics.example/api/v1/write"}
    assert config.load(environ).remote_write == config.RemoteWrite(url=environ["FIREDRILL_REMOTE_WRITE_URL"])
    environ["FIREDRILL_REMOTE_WRITE_TOKEN_FILE"] = str(token)
    with pytest.raises(StackError, match="expected a file"):
        config.load(environ)
    token.write_text("t")
    found = config.load(environ).remote_write
    assert found is not None
    assert found.token_file == token
    with pytest.raises(StackError, match="FIREDRILL_REMOTE_WRITE_URL: got"):
        config.load({"FIREDRILL_REMOTE_WRITE_URL": "metrics.example"})
