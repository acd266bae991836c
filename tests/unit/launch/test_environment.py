"""The allow-list, as Python and as the shell scripts apply it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from launch import environment, pip

CHECKOUT = Path(__file__).resolve().parents[3]
HOSTILE = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "SSL_CERT_FILE": "/nowhere.pem",
    "CELERY_BROKER_URL": "redis://127.0.0.1:9/0",
    "BROKER_URL": "redis://127.0.0.1:9/0",
    "REDIS_URL": "redis://127.0.0.1:9/0",
    "DJANGO_SETTINGS_MODULE": "nonsense",
    "PGSSLMODE": "require",
    "PGOPTIONS": "-c nonsense=1",
    "STREAMLIT_SERVER_BASE_URL_PATH": "lab",
    "PYTHONPATH": "/nowhere",
    "PYTHONHOME": "/nowhere",
    "GIT_DIR": "/nowhere",
    "CDPATH": "/tmp",
    "MAKEFLAGS": "n",
    "LD_LIBRARY_PATH": "/nowhere",
    "COMPOSE_FILE": "/nowhere.yaml",
    "COLUMNS": "1",
    "PIP_USER": "1",
    "PIP_TARGET": "/nowhere",
    "GOFLAGS": "-mod=vendor",
}
SANE = {"PATH": os.defpath, "HOME": "/root", "LC_ALL": "C.UTF-8", "TZ": "Asia/Kathmandu"}


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever calls has all of it set."""
    monkeypatch.setattr(environment, "_set_aside", {})
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in {**SANE, **HOSTILE, "FIREDRILL_BASE_PORT": "19000", "TERM": "xterm"}.items():
        monkeypatch.setenv(name, value)


def test_programs_get_what_is_listed_and_nothing_else(caller: None) -> None:
    assert environment.for_programs() == SANE


def test_what_a_process_adopts(caller: None) -> None:
    environment.adopt()
    assert dict(os.environ) == {**SANE, "FIREDRILL_BASE_PORT": "19000", "TERM": "xterm"}
    assert environment.for_programs() == SANE


def test_installers_keep_proxy_and_certificates_of_the_caller(caller: None) -> None:
    environment.adopt()
    asked = {name: HOSTILE[name] for name in ("HTTP_PROXY", "https_proxy", "SSL_CERT_FILE")}
    assert environment.for_installers() == {**SANE, **asked}
    assert environment.for_commands() == {**os.environ, **asked}
    assert environment.certificates() == {"SSL_CERT_FILE": "/nowhere.pem"}


def test_paths_of_settings_are_the_caller_s(caller: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whatever the working directory of a command that is called with them."""
    monkeypatch.chdir(tmp_path)
    given = {"FIREDRILL_LAB_DIR": "lab", "FIREDRILL_EVIDENCE_DIR": "", "SCORECARD_DATABASE_URL_FILE": "a/url",
             "FIREDRILL_TOXIPROXY": "./proxy", "TOXIPROXY": "builtin"}  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    environment.adopt()
    assert {name: os.environ[name] for name in given} == {
        "FIREDRILL_LAB_DIR": str(tmp_path / "lab"),
        "FIREDRILL_EVIDENCE_DIR": "",
        "SCORECARD_DATABASE_URL_FILE": str(tmp_path / "a" / "url"),
        "FIREDRILL_TOXIPROXY": str(tmp_path / "proxy"),
        "TOXIPROXY": "builtin",
    }


def test_a_temporary_folder_of_no_use_is_dropped(caller: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    environment.adopt()
    assert os.environ["TMPDIR"] == str(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    environment.adopt()
    assert "TMPDIR" not in os.environ


def test_the_scripts_keep_the_same_names(caller: None) -> None:
    """And none of the shell's own doors is open before their first line."""
    doors = {"BASH_ENV": "/nowhere", "ENV": "/nowhere", "SHELLOPTS": "noglob", "BASH_FUNC_sed%%": "() { false; }"}
    environ = {**os.environ, **doors, "STACK": "local"}
    script = f'cd "{CHECKOUT}"; . launch/environment.sh; env'
    done = subprocess.run(
        ["bash", "-p", "-c", script], env=environ, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stderr == ""
    names = {line.partition("=")[0] for line in done.stdout.splitlines()} - {"PWD", "OLDPWD", "SHLVL", "_"}
    environment.adopt()
    assert names - set(doors) == environment.for_commands().keys() | {"STACK"}
    assert names & set(doors) <= {"BASH_FUNC_sed%%"}  # not this shell's, and dropped by each Python that it starts


def test_pip_takes_from_its_files_where_packages_come_from_and_nothing_else() -> None:
    listed = (
        "global.index-url='https://mirror.example/simple'\n"
        "global.user='true'\n"
        "install.trusted-host='a.example\\nb.example'\n"
        "install.target='/nowhere'\n"
        "global.require-virtualenv='1'\n"
        ":env:.user='1'\n"
        "freeze.timeout='9'\n"
    )
    assert pip.settings(listed, environment.names()["installers"]) == {
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "PIP_TRUSTED_HOST": "a.example b.example",
    }


@pytest.mark.parametrize("name", ["PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"])
def test_pip_itself_obeys(name: str, tmp_path: Path) -> None:
    """By variable, and by a personal file."""
    personal = tmp_path / ".config" / "pip" / "pip.conf"
    personal.parent.mkdir(parents=True)
    personal.write_text("[install]\nuser = true\n[global]\nrequire-virtualenv = true\n")
    environ = {"PATH": os.defpath, "HOME": str(tmp_path), name: "/nowhere" if name[4] in "TP" else "1"}
    shown = subprocess.run(
        [sys.executable, "-I", str(CHECKOUT / "launch" / "pip.py"), "config", "list"],
        env=environ, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "user" not in shown.stdout
    assert "require" not in shown.stdout
    assert "nowhere" not in shown.stdout


@pytest.mark.parametrize(("mode", "kept"), [("compose", "evidence"), ("local", "/evidence")])
def test_paths_in_a_container_stay_as_they_are(mode: str, kept: str) -> None:
    """They are printed, and the host's are others."""
    ask = "import os; from launch import environment; environment.adopt(); print(os.environ['FIREDRILL_EVIDENCE_DIR'])"
    environ = {"PATH": os.environ["PATH"], "FIREDRILL_EVIDENCE_DIR": "evidence", "FIREDRILL_MODE": mode}
    done = subprocess.run([sys.executable, "-c", ask], cwd="/", env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == kept
