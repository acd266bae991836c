"""A clean checkout of this lab, of its own: nothing of the mentor's or the learner's is in it but one patch."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chaos.errors import InvalidInput, LabBroken
from chaos.model.text import visible
from launch import environment

SHORT_S: Final = 120.0
INSTALL_S: Final = 1800.0
UP_S: Final = 900.0
ATTEMPT: Final = "services/shop/attempt"
# The mentor's own git may be set to other line ends, or to refuse a patch with a space at the end of a line.
_GIT: Final = (
    "git", "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false",
    "-c", "core.attributesFile=/dev/null", "-c", "core.excludesFile=/dev/null", "-c", "apply.whitespace=nowarn",
)  # fmt: skip
_NO_CONFIG: Final = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
_REVISION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_MODE: Final = re.compile(rb"^(?:new file mode|old mode|new mode|deleted file mode) (?!100644$)(\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command of the checkout ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanCheckout:
    """One at *top*, whose stack listens from *base_port* on."""

    top: Path
    base_port: int
    say: Callable[[str], None]

    def make(self, source: Path, *, at: str = "HEAD") -> str:
        """As *source* has it committed at a revision; what was there of an earlier one is used again.

        Returns: the revision, whole. Raises: InvalidInput for one that *source* has not. LabBroken.
        """
        revision = _revision(source, at)
        if not (self.top / ".git").exists():
            self.say(f"clean checkout: {self.top} (once)")
            self.top.parent.mkdir(parents=True, exist_ok=True)
            _git(source, "clone", "--quiet", "--no-checkout", "--no-hardlinks", str(source), str(self.top))
        _git(self.top, "fetch", "--quiet", str(source), revision)
        _git(self.top, "checkout", "--quiet", "--force", "--detach", revision)
        _git(self.top, "clean", "--quiet", "-fd")
        for left in (ATTEMPT, "evidence"):
            shutil.rmtree(self.top / left, ignore_errors=True)
        if not (self.top / ".venv/bin/firedrill").exists():
            self.say("clean checkout: make install (once, some minutes)")
        self._run(["make", "install"], timeout_s=INSTALL_S, environ=environment.for_installers(), must=True)
        return revision

    def attempt(self, options: Sequence[str], patch: bytes) -> None:
        """A fresh attempt with *patch* on it. Raises: InvalidInput when it does not apply. LabBroken."""
        if odd := _MODE.search(patch):
            raise InvalidInput(f"attempt.patch: got a file of mode {odd[1].decode()}, expected plain files")
        self.command("attempt", "start", *options, must=True)
        if not patch:
            return
        done = self._run(
            [*_GIT, "apply", f"--directory={ATTEMPT}", "-"], timeout_s=SHORT_S, given=patch,
            environ=environment.for_programs() | _NO_CONFIG,
        )  # fmt: skip
        if done.code:
            raise InvalidInput(f"attempt.patch: got {_last(done)}, expected it to apply to a fresh attempt")
        if links := [path for path in (self.top / ATTEMPT).rglob("*") if path.is_symlink()]:
            raise InvalidInput(f"attempt.patch: got a link, {links[0].name}, expected plain files")

    def command(self, *words: str, timeout_s: float = SHORT_S, must: bool = False) -> Ended:
        """`firedrill …` there. Raises: LabBroken when it does not end in time, or *must* end with 0 and doesn't."""
        environ = {
            name: value
            for name, value in environment.for_commands().items()
            if not name.startswith(("FIREDRILL_", "SCORECARD_"))
        } | {"FIREDRILL_BASE_PORT": str(self.base_port)}
        return self._run([".venv/bin/firedrill", *words], timeout_s=timeout_s, environ=environ, must=must)

    def _run(
        self,
        command: Sequence[str],
        *,
        timeout_s: float,
        environ: dict[str, str] | None = None,
        given: bytes = b"",
        must: bool = False,
    ) -> Ended:
        try:
            done = subprocess.run(
                command, cwd=self.top, input=given, capture_output=True, timeout=timeout_s, check=False,
                env=environment.for_programs() if environ is None else environ,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise LabBroken(f"{' '.join(command[:2])}: got nothing in {timeout_s:g} s, expected it to end") from None
        except OSError as error:
            raise LabBroken(f"{command[0]}: got {error.strerror or error}, expected it to start") from None
        ended = Ended(code=done.returncode, out=done.stdout.decode(errors="replace"),
                      err=done.stderr.decode(errors="replace"))  # fmt: skip
        if must and ended.code:
            raise LabBroken(f"{' '.join(command[:3])}: got {_last(ended)}, expected it to work in {self.top}")
        return ended


def _last(ended: Ended) -> str:
    lines = (ended.err.strip() or ended.out.strip()).splitlines()
    return lines[-1][:300] if lines else f"exit code {ended.code}"


def _revision(source: Path, at: str) -> str:
    if not _REVISION.fullmatch(at):
        raise InvalidInput(f"--at: got {visible(at)[:60]!r}, expected a revision such as 4d49550c09")
    try:
        return _git(source, "rev-parse", "--verify", "--quiet", f"{at}^{{commit}}").strip()
    except LabBroken:
        if at == "HEAD":
            raise
        raise InvalidInput(f"--at: got {at}, expected a revision that this lab has (git fetch)") from None


def _git(top: Path, *words: str) -> str:
    try:
        return subprocess.run(
            [*_GIT, *words], cwd=top, env=environment.for_programs() | _NO_CONFIG | {"LC_ALL": "C"},
            capture_output=True, text=True, timeout=SHORT_S, check=True,
        ).stdout  # fmt: skip
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip().splitlines() or [f"exit code {error.returncode}"]
        raise LabBroken(f"git {words[0]}: got {said[-1]}, expected a clean checkout") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabBroken(f"git {words[0]}: got {error}, expected a clean checkout ({os.fspath(top)})") from None
