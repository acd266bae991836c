"""The headline proves itself in surroundings that are as odd as they can be: about a hundred seconds."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from services.stack.layout import MARKER, Lab
from tests.stack.conftest import CHECKOUT, LabUnderTest

ODD_NAME = 'it\'s "100%" $HOME \\odd [lab]'


class Trap:
    """Listens where proxies and brokers of somebody else would be; whoever comes is none of the lab's."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.callers: list[bytes] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(1)
                try:
                    self.callers.append(connection.recv(200))
                except OSError:
                    self.callers.append(b"")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def trap() -> Iterator[Trap]:
    trap = Trap()
    yield trap
    trap.close()


def hostile(trap: Trap, folder: Path) -> dict[str, str]:
    """Variables that change something for a program that reads them."""
    proxy, redis = f"http://{trap.address}", f"redis://{trap.address}/0"
    url = f"postgresql://me:secret@{trap.address}/own"
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    brokers = ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "BROKER_URL", "REDIS_URL",
               "CELERY_RESULT_BACKEND", "CELERY_CACHE_BACKEND")  # fmt: skip
    nonsense = (
        "CELERY_CONFIG_MODULE CELERY_LOADER DJANGO_SETTINGS_MODULE PYTHONHOME PYTHONSTARTUP PYTHONPYCACHEPREFIX "
        "PYTHONUSERBASE PGSERVICE PGSERVICEFILE PGSSLROOTCERT PGCHANNELBINDING PGREQUIREAUTH PGTZ PGPASSFILE PGDATA "
        "GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_CONFIG_GLOBAL GIT_EXEC_PATH COMPOSE_FILE "
        "COMPOSE_PROJECT_NAME COMPOSE_PROFILES DOCKER_DEFAULT_PLATFORM SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE "
        "CURL_CA_BUNDLE OPENSSL_CONF XDG_CONFIG_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR LD_LIBRARY_PATH BASH_ENV ENV "
        "PIP_TARGET PIP_PREFIX TMPDIR GRANIAN_HOST UVICORN_HOST LOCUST_HOST FLASK_APP HTTPX_LOG_LEVEL NETRC "
        "SHOP_GATEWAY_URL GATEWAY_PORT SCORECARD_PORT S VARIANT SEED ARGS P MASTER KEY API FIREDRILL_VARIANT"
    )  # fmt: skip
    return {
        **dict.fromkeys(nonsense.split(), "/nowhere/nonsense"),
        **dict.fromkeys(proxies, proxy),
        **dict.fromkeys(brokers, redis),
        "NO_PROXY": "nowhere",
        "DATABASE_URL": url,
        "PGSSLMODE": "require",
        "PGGSSENCMODE": "require",
        "PGHOSTADDR": "127.0.0.9",
        "PGOPTIONS": "-c nonsense=1",
        "PGTARGETSESSIONATTRS": "standby",
        "PGCLIENTENCODING": "LATIN1",
        "PGCONNECT_TIMEOUT": "1",
        "STREAMLIT_SERVER_BASE_URL_PATH": "lab",
        "STREAMLIT_SERVER_PORT": "1",
        "STREAMLIT_SERVER_SSL_CERT_FILE": "/nowhere",
        "DJANGO_DEBUG": "1",
        "PYTHONPATH": str(folder),
        "PYTHONIOENCODING": "ascii",
        "PYTHONWARNINGS": "error",
        "PYTHONOPTIMIZE": "2",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "0",
        "PYTHONINSPECT": "1",
        "PYTHONDEVMODE": "1",
        "GIT_DIR": str(folder / ".git"),
        "GIT_TRACE": "1",
        "CDPATH": "/",
        "MAKEFLAGS": "nkj8",
        "MAKEFILES": "/nowhere/other.mk",
        "GREP_OPTIONS": "-v",
        "POSIXLY_CORRECT": "1",
        "PIP_USER": "1",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "WEB_CONCURRENCY": "9",
        "PROMETHEUS_MULTIPROC_DIR": "/nowhere",
        "LC_ALL": "tr_TR.nonsense",
        "TZ": "Nowhere/Odd",
        "COLUMNS": "1",
        "HOME": str(folder),
    }


@pytest.fixture
def strange_home(tmp_path: Path) -> Path:
    """Personal configuration of every kind, and packages that are called as ours."""
    home = tmp_path / "home"
    for name in ("chaos", "services", "loadtests", "dashboard", "launch"):
        (home / name).mkdir(parents=True)
        (home / name / "__init__.py").write_text("raise SystemExit('a stranger')\n")
    for name, text in {
        ".streamlit/config.toml": '[server]\nbaseUrlPath = "mine"\nport = 1\n',
        ".netrc": "machine 127.0.0.1 login me password secret\n",
        ".postgresql/root.crt": "nonsense\n",
        ".pg_service.conf": "[nonsense]\nhost=nowhere\n",
        ".config/pip/pip.conf": "[install]\nuser = true\n[global]\nrequire-virtualenv = true\n",
        ".locust.conf": "host = http://nowhere\nheadless = maybe\n",
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    subprocess.run(["git", "init", "--quiet", str(home)], check=True, timeout=30)
    return home


@pytest.fixture
def attempt() -> Iterator[Path]:
    """A variant of which the code may go."""
    folder = CHECKOUT / "services" / "shop" / f"gone_{os.getpid()}"
    shutil.copytree(CHECKOUT / "services" / "shop" / "naive", folder, ignore=shutil.ignore_patterns("__pycache__"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_a_stack_goes_on_without_what_was_removed(
    new_lab: Callable[..., LabUnderTest], attempt: Path, tmp_path: Path
) -> None:
    """The current variant's code, the remembered port, the address book; in a folder with an odd name."""
    lab = new_lab(ODD_NAME)
    lab.ok("up")
    book = lab.book
    lab.ok("prepare", "--variant", attempt.name, "--world-file", str(tmp_path / "world.json"))
    shutil.rmtree(attempt)
    os.killpg(lab.ok("status")["parts"]["shop:api"]["pid"], signal.SIGKILL)  # it can't come back
    lab.stack_file.write_text("")
    (lab.lab_dir / "base-port").write_text("")
    again = lab.command("up")
    assert again.exit_code == 0, again
    assert f"variant {attempt.name}: its code is not there any more, going on with hardened" in again.stderr
    assert again.document["variant"] == "hardened"
    assert lab.book == book
    (lab.lab_dir / "base-port").write_text("")
    without = {"FIREDRILL_BASE_PORT": ""}
    assert lab.ok("status", **without)["base_port"] == lab.base_port
    (lab.lab_dir / "shop" / "variant").write_bytes(b"\xff\x00")
    assert lab.ok("up")["variant"] == "hardened"


def test_a_copy_of_the_lab_s_folder_is_another_lab(new_lab: Callable[..., LabUnderTest]) -> None:
    """It knows the same passwords and ports."""
    lab = new_lab("first")
    lab.ok("up")
    copy = new_lab("second")
    copy.lab_dir.mkdir()
    for name in ("secrets", "run", "shop"):
        shutil.copytree(lab.lab_dir / name, copy.lab_dir / name, ignore=shutil.ignore_patterns("*.sock"))
    shutil.copy(lab.stack_file, copy.stack_file)
    port = {"FIREDRILL_BASE_PORT": str(lab.base_port)}
    assert copy.ok("status", **port)["running"] is False
    refused = copy.command("up", **port)
    assert (refused.exit_code, refused.document["error"]["kind"]) == (4, "port_taken")
    assert copy.ok("down", **port)["was_running"] is False
    assert lab.ok("status")["up"] is True


@pytest.mark.extended
@pytest.mark.timeout(600)
def test_the_headline_proves_itself_whatever_the_caller_has_set(
    new_lab: Callable[..., LabUnderTest], trap: Trap, strange_home: Path
) -> None:
    lab = new_lab(ODD_NAME)
    own = {name: value for name, value in lab.environment.items() if name.startswith("FIREDRILL_")}
    path = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["make", "--directory", str(CHECKOUT), "scenario"],
        cwd=strange_home,
        env={**hostile(trap, strange_home), **path, **own, "STACK": "local"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "the scenario proved itself" in said, said
    assert done.returncode == 0
    assert "stranger" not in said
    assert trap.callers == []
    revision = subprocess.run(
        ["git", "-C", str(CHECKOUT), "describe", "--always", "--abbrev=40", "--exclude=*"],
        capture_output=True, text=True, timeout=30, check=True,
    ).stdout.strip()  # fmt: skip
    manifests = sorted((lab.lab_dir / "evidence").glob("*/manifest.json"))
    assert len(manifests) >= 2  # a run that a busy machine spoiled is repeated
    assert all(revision in manifest.read_text() for manifest in manifests)
    # Certificates go to who may leave this machine: Prometheus and the scorecard.
    kept = {"HOME", "LC_ALL", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
    foreign = hostile(trap, strange_home).keys() - kept
    for process in _programs_of(lab):
        left = {name for name, value in process.environ().items() if name in foreign and "nonsense" in value}
        assert left == set(), process.cmdline()
        assert process.environ().get("HOME") != str(strange_home), process.cmdline()


def _programs_of(lab: LabUnderTest) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == Lab(lab.lab_dir).mark:
                found.append(process)
        except psutil.Error:
            continue
    assert len(found) >= 10
    return [process for process in found if process.is_running()]
