"""How a program of the shop is started: what it is told, and whose user it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.stack import config, isolation
from services.stack.confined import blocked_by, environment_of_shop
from services.stack.isolation import Isolation
from services.stack.layout import Lab

TELL = "import json, os; print(json.dumps({'uid': os.getuid(), 'groups': os.getgroups(), 'env': dict(os.environ)}))"
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: another user is needed")


def run(how: Isolation, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        how.command("-c", code), env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_shop_is_told_of_nothing_but_its_own(tmp_path: Path) -> None:
    of_the_lab = {
        "FIREDRILL_STACK_FILE": "/lab/stack.json",
        "FIREDRILL_LAB_DIR": "/lab",
        "FIREDRILL_EVIDENCE_DIR": "/evidence",
        "FIREDRILL_BASE_PORT": "18000",
        "FIREDRILL_SECRETS_DIR": "/run/secrets",
        "GATEWAY_LAB_TOKEN_FILE": "/lab/secrets/lab_token",
        "SUPERVISOR_SERVER_URL": "http://127.0.0.1:18009",
        "PGPASSWORD": "x",
    }
    own = {"PATH": "/bin", "SHOP_API_PORT": "18000", "FIREDRILL_VARIANT_FILE": "/lab/shop/variant", "LC_ALL": "C"}
    run_dir = tmp_path / "run"
    told = environment_of_shop({**of_the_lab, **own, "SHOP_RUN_DIR": str(run_dir)})
    assert told == {**own, "SHOP_RUN_DIR": str(run_dir), "HOME": str(run_dir), "TMPDIR": str(run_dir)}
    done = run(Isolation(kind="same user"), TELL, **of_the_lab, **own, SHOP_RUN_DIR=str(run_dir))
    assert not json.loads(done.stdout)["env"].keys() & of_the_lab.keys()


def test_a_closed_folder_on_the_way_is_found(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    inner = tmp_path / "closed" / "open"
    inner.mkdir(parents=True)
    above = blocked_by(tmp_path / "x")  # where this test runs, a folder further up may be closed already
    assert blocked_by(inner / "y") == above
    (tmp_path / "closed").chmod(0o700)
    assert blocked_by(inner / "y") == (above or tmp_path / "closed")


@root_only
@pytest.mark.parametrize("hides", [True, False])
def test_a_user_of_its_own_sees_no_process_of_another(hides: bool) -> None:
    reach = (sys.prefix, sys.base_prefix, str(isolation.__file__).rpartition("/stack/")[0])
    how = Isolation(kind="own user", uid=1_880_000_001, reach=reach, hides=hides)
    code = f"import os; print(os.path.exists('/proc/{os.getpid()}/cmdline'), os.path.exists('/proc/self/cmdline'))"
    done = run(how, code, PATH=os.environ["PATH"])
    if "Operation not permitted" in done.stderr:
        pytest.skip("no mount namespaces here")
    assert done.stdout.split() == [str(not hides), "True"], done.stderr
    assert Path("/proc/1/cmdline").exists()  # here nothing changes


@root_only
def test_a_user_of_its_own_reaches_what_it_needs_and_nothing_beside(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    (closed / "mine").mkdir(parents=True)
    (closed / "mine" / "file").write_text("for you")
    (closed / "beside").write_text("not for you")
    closed.chmod(0o700)
    reach = (sys.prefix, sys.base_prefix, str(isolation.__file__).rpartition("/stack/")[0], str(closed / "mine"))
    how = Isolation(kind="own user", uid=1_880_000_001, reach=reach)
    code = (
        "import os, json\n"
        f"def read(name): return open({str(closed)!r} + name).read()\n"
        "def tried(name):\n"
        "    try: return read(name)\n"
        "    except OSError as error: return type(error).__name__\n"
        "print(json.dumps([os.getuid(), os.getgroups(), tried('/mine/file'), tried('/beside')]))"
    )
    done = run(how, code, PATH=os.environ["PATH"])
    if "Operation not permitted" in done.stderr:
        pytest.skip("no mount namespaces here")
    uid, groups, mine, *beside = json.loads(done.stdout)
    assert (uid, groups, mine) == (1_880_000_001, [], "for you")
    assert set(beside) <= {"FileNotFoundError", "PermissionError"}


def test_without_root_it_says_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    settings = config.load({"FIREDRILL_LAB_DIR": str(tmp_path)})
    lab = Lab(tmp_path)
    lab.create()
    found = isolation.decide(settings, lab)
    assert (found.kind, found.uid) == ("same user", None)
    assert "not started by root" in found.why
    assert isolation.current(lab) == found


def test_the_lab_is_closed_to_others(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    lab.root.mkdir()
    (lab.root / "gateway.sqlite3").touch(mode=0o644)
    lab.create()
    open_to_others = {
        str(path.relative_to(lab.root)): oct(path.stat().st_mode & 0o777)
        for path in [lab.root, *lab.root.rglob("*")]
        if path.stat().st_mode & 0o044
    }
    assert open_to_others == {}
    isolation.share(lab, Isolation(kind="same user"))
    given = sorted(path.name for path in (lab.shop / "secrets").iterdir())
    assert given == ["redis_shop", "shop_postgres", "shop_secret_key"]


def test_what_a_variant_wrote_is_nothing_to_the_next(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    lab.create()
    isolation.share(lab, Isolation(kind="same user"))
    (lab.shop_run / "pid").write_text("1")
    (lab.shop_run / "folder" / "inner").mkdir(parents=True)
    (lab.shop_run / "link").symlink_to(lab.secrets)
    isolation.empty_run_dir(lab)
    assert list(lab.shop_run.iterdir()) == []
    assert lab.secret("lab_token")
