"""Commands under surroundings of every kind: the same result, or a sentence and the code for it."""

from __future__ import annotations

import os
import shlex
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.unit.launch.conftest import run

SCENARIO = "concurrency/flash-sale"
VALIDATE = ("validate", SCENARIO)
COMMANDS = [
    (("-m", "chaos.cli", *VALIDATE), "chaos"),
    (("-m", "services.stack", "status"), "services"),
    (("-m", "loadtests", "--help"), "loadtests"),
]


def stranger(folder: Path) -> Path:
    """A folder with packages that are called as ours, and files as the standard library's."""
    for name in ("chaos", "dashboard", "launch", "loadtests", "services"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("print('a stranger')\nraise SystemExit(1)\n")
    for name in ("argparse", "json", "typer", "sitecustomize", "pathlib", "fnmatch"):
        (folder / f"{name}.py").write_text("print('a stranger')\nraise SystemExit(1)\n")
    return folder


@pytest.mark.parametrize(("words", "package"), COMMANDS)
@pytest.mark.parametrize("how", ["cwd", "PYTHONPATH"])
def test_a_stranger_s_code_never_runs(
    original: Path, tmp_path: Path, words: tuple[str, ...], package: str, how: str
) -> None:
    folder = stranger(tmp_path / "stranger")
    (folder / "sitecustomize.py").unlink()  # Python itself runs that one, before anything of ours
    for name in ("pathlib", "fnmatch"):
        (folder / f"{name}.py").unlink()
    environ = {"PYTHONPATH": str(folder)} if how == "PYTHONPATH" else {}
    cwd = folder if how == "cwd" else "/"
    done = run(original / ".venv/bin/python", *words, environ=environ, cwd=cwd)
    assert "stranger" not in done.stdout + done.stderr
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


def test_the_command_s_own_file_is_closed_to_strangers_altogether(original: Path, tmp_path: Path) -> None:
    folder = stranger(tmp_path / "stranger")
    done = run(original / ".venv/bin/firedrill", *VALIDATE, environ={"PYTHONPATH": str(folder)}, cwd=folder)
    assert (done.returncode, done.stderr, "stranger" in done.stdout) == (0, "", False)


ODD = {
    "PYTHONHOME": "/nowhere",
    "PYTHONSTARTUP": "/nowhere",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONINSPECT": "1",
    "PYTHONPLATLIBDIR": "nowhere",
    "PYTHONVERBOSE": "1",
    "PYTHONDEVMODE": "1",
    "PYTHONIOENCODING": "ascii",
    "PYTHONUTF8": "0",
    "PYTHONPROFILEIMPORTTIME": "1",
    "PYTHONDUMPREFS": "1",
    "PYTHONINTMAXSTRDIGITS": "640",
    "PYTHONCASEOK": "1",
    "LD_PRELOAD": "",
    "MALLOC_PERTURB_": "7",
    "COLUMNS": "1",
    "TERM": "nonsense",
    "TZ": "Nowhere/Nowhere",
    "TMPDIR": "/nowhere",
    "HOME": "/nowhere",
    "LC_ALL": "C",
    "BASH_ENV": "/nowhere",
    "BASH_FUNC_readlink%%": "() { echo nowhere; }",
    "CDPATH": "/tmp",
    "SHELLOPTS": "noexec",
}


def test_nothing_of_the_caller_changes_what_a_command_says(original: Path) -> None:
    sane = run(original / ".venv/bin/firedrill", "list", "--json")
    odd = run(original / ".venv/bin/firedrill", "list", "--json", environ=ODD, cwd="/tmp")
    assert sane.returncode == 0
    assert (odd.returncode, odd.stderr, odd.stdout) == (0, "", sane.stdout)


@pytest.mark.parametrize(
    "environ",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"LC_ALL": "tr_TR.nonsense"}],
)
def test_any_locale_and_encoding_will_do(original: Path, environ: dict[str, str]) -> None:
    done = run(original / ".venv/bin/firedrill", "schema", "--markdown", environ=environ, text=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    assert "≤" in done.stdout.decode("utf-8")


@pytest.mark.skipif(not Path("/usr/share/i18n/charmaps").is_dir(), reason="no charmaps to make a locale from")
def test_what_the_terminal_can_t_encode_is_replaced(original: Path, tmp_path: Path) -> None:
    made = ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(tmp_path / "de_DE.ISO-8859-1")]
    subprocess.run(made, check=False, capture_output=True, timeout=60)
    environ = {"LOCPATH": str(tmp_path), "LC_ALL": "de_DE.ISO-8859-1"}
    done = run(original / ".venv/bin/firedrill", "schema", "--markdown", environ=environ, text=False)
    assert (done.returncode, done.stderr) == (0, b"")
    with pytest.raises(UnicodeDecodeError):
        done.stdout.decode("utf-8")
    assert "?" in done.stdout.decode("latin-1")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(original: Path, closed: str) -> None:
    for words, code in (("list", 0), (f"run {SCENARIO} --no-up", 4), ("validate /nowhere", 2)):
        command = f"exec {shlex.quote(str(original / '.venv/bin/firedrill'))} {words} {closed}"
        done = run("bash", "-c", command, stdin=None)
        assert (done.returncode, "Traceback" in done.stdout + done.stderr) == (code, False), (words, done)


@pytest.mark.parametrize("words", ["list", "list --json", "--help", "schema", "run --help"])
def test_a_reader_that_has_gone_is_no_verdict(original: Path, words: str) -> None:
    command = f"{shlex.quote(str(original / '.venv/bin/firedrill'))} {words} | true; exit ${{PIPESTATUS[0]}}"
    done = run("bash", "-c", command)
    assert (done.returncode in {0, 4}, done.stderr) == (True, "")
    full = run("bash", "-c", command.replace("| true; exit ${PIPESTATUS[0]}", ">/dev/full"))
    assert (full.returncode, "Traceback" in full.stderr) == (4, False)


@pytest.mark.parametrize(
    ("file", "line", "words"),
    [
        ("chaos/cli/app.py", "import no_such_package", ("-m", "chaos.cli", "list")),
        ("chaos/cli/app.py", "1 / 0", ("-m", "chaos.cli", "list", "--json")),
        ("services/stack/cli.py", "import no_such_package", ("-m", "services.stack", "status", "--json")),
        ("services/stack/overview.py", "raise EOFError", ("-m", "services.stack", "status")),
        ("loadtests/command.py", "raise RecursionError('too deep')", ("-m", "loadtests", "plan.json")),
    ],
)
def test_the_unforeseen_is_a_sentence_and_4(
    copied: Path, tmp_path: Path, file: str, line: str, words: tuple[str, ...]
) -> None:
    text = (copied / file).read_text()
    (copied / file).write_text(
        text.replace("from __future__ import annotations\n", f"from __future__ import annotations\n{line}\n")
    )
    lab = tmp_path / "lab"
    done = run(copied / ".venv/bin/python", *words, environ={"FIREDRILL_LAB_DIR": str(lab)}, cwd="/")
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    log = lab / "log" / "unforeseen.log"
    assert str(log) in done.stderr
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "Traceback" in log.read_text()
    if "--json" in words:
        assert '"exit_code": 4' in done.stdout


def test_a_file_that_was_cut_short_is_no_verdict(copied: Path) -> None:
    """Typer makes an EOFError exit 1, "Aborted!"."""
    file = copied / "chaos" / "cli" / "commands" / "scenarios.py"
    file.write_text(file.read_text().replace("    rows, ", '    raise EOFError("cut short")\n    rows, ', 1))
    assert 'EOFError("cut short")' in file.read_text()
    done = run(copied / ".venv/bin/firedrill", "list")
    assert (done.returncode, "cut short" in done.stderr) == (4, True)


def test_the_log_goes_elsewhere_where_the_lab_can_t_be_written(copied: Path, tmp_path: Path) -> None:
    (copied / "chaos" / "cli" / "app.py").write_text("raise RuntimeError\n")
    (tmp_path / "file").write_text("")
    environ = {"FIREDRILL_LAB_DIR": str(tmp_path / "file"), "TMPDIR": str(tmp_path)}
    done = run(copied / ".venv/bin/firedrill", "list", environ=environ)
    assert done.returncode == 4
    assert str(tmp_path / f"firedrill-{os.getuid()}-unforeseen.log") in done.stderr


def test_a_checkout_that_was_moved_or_copied_says_so(original: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(original, copy, symlinks=True)
    for command in (
        (copy / ".venv/bin/firedrill", "list"),
        (copy / ".venv/bin/python", "-m", "services.stack", "status"),
    ):
        done = run(*command, cwd=original)
        assert (done.returncode, done.stdout) == (4, "")
        assert f"got an environment made for {original}, expected one for {copy}: make install" in done.stderr


def test_a_link_to_the_command_from_elsewhere(original: Path, tmp_path: Path) -> None:
    (tmp_path / "firedrill").symlink_to(original / ".venv/bin/firedrill")
    done = run("firedrill", *VALIDATE, environ={"PATH": f"{tmp_path}:{os.defpath}"}, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_folders_of_the_lab_are_their_owners_whatever_the_umask(original: Path, tmp_path: Path, mask: int) -> None:
    lab = tmp_path / "lab"
    python = original / ".venv/bin/python"
    run("bash", "-c", f"umask {mask:o}; {python} -m services.stack variant-check --variant nosuch",
        environ={"FIREDRILL_LAB_DIR": str(lab)})  # fmt: skip
    assert stat.S_IMODE((lab / "log").stat().st_mode) == 0o700
