"""`firedrill mentor`: what the page says, and that nothing in a hostile ZIP gets through."""

from __future__ import annotations

import hashlib
import io
import json
import resource
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chaos.cli.commands import mentor
from chaos.errors import InvalidInput
from chaos.model.verdict import Verdict
from tests.unit.chaos.adapters.servers import Http
from tests.unit.chaos.cli.commands.delivering import Learner, learner
from tests.unit.chaos.cli.shell import Said, Shell

__all__ = ["learner"]


@pytest.fixture
def handed_in(learner: Learner, tmp_path: Path) -> Path:
    learner.checked()
    assert learner.deliver("--seed", "77", "--to", str(tmp_path / "out")).code == 0
    (path,) = (tmp_path / "out").glob("*.zip")
    return path


def read(shell: Shell, path: Path, tmp_path: Path) -> Said:
    return shell("mentor", str(path), "--to", str(tmp_path / "mentor.html"))


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def again(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def resealed(files: dict[str, bytes], change: Callable[[dict[str, Any]], None]) -> dict[str, bytes]:
    """As somebody who knows how deliver.json is sealed would write it."""
    (name,) = (name for name in files if name.endswith("/deliver.json"))
    body = json.loads(files[name])
    change(body)
    body.pop("digest", None)
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    body["digest"] = hashlib.sha256(text.encode()).hexdigest()
    return {**files, name: json.dumps(body).encode()}


def test_learner_by_drill(learner: Learner, scorecard: Http, shell: Shell, tmp_path: Path) -> None:
    scorecard.json("GET /api/drills/concurrency/", {
        "score": {"value": 3, "notes": "I <b>lock</b> the row"}, "standing": {"ceiling": 1, "reason": "A hint."},
    })  # fmt: skip
    drill = {"key": "concurrency", "hints": [{"hint": "lock", "solution": True, "used_at": "2026-11-20T10:00:00Z"}]}
    scorecard.json("GET /api/drill-map/", {"content": {"learner": "Ada", "drills": [drill]}})
    learner.checked(learner="<img src=x onerror=alert(1)>\x1b[2J")
    learner.deliver("--seed", "77", "--to", str(tmp_path / "out"))
    (path,) = (tmp_path / "out").glob("*.zip")
    said = read(shell, path, tmp_path)
    assert said.code == 0
    html = (tmp_path / "mentor.html").read_text()
    assert "<img" not in html
    assert "\x1b" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;\\x1b[2J" in html
    assert "I &lt;b&gt;lock&lt;/b&gt; the row" in html
    assert '<span class="sign held">● passed</span> 3 / 1' in html
    assert "You scored yourself 3, the evidence supports 1." in html
    assert "You opened a solution." in html
    assert "views.py:2 has a row lock: what goes wrong without it" in html
    assert "4 runs (4 held), on 4 seeds; different code: 1" in html
    assert "1 telling lines added: too few to compare" in html
    assert "lock (solution) 2026-11-20" in html
    assert "Whether the learner can explain the code: ask." in html


def test_a_list_that_says_otherwise_than_its_evidence_is_told(handed_in: Path, shell: Shell, tmp_path: Path) -> None:
    """Whoever reseals deliver.json has the verdicts of the runs against them."""
    files = resealed(contents(handed_in), lambda body: body["tries"][0].update(seed=123))
    handed_in.write_bytes(again(files))
    assert read(shell, handed_in, tmp_path).code == 0
    assert (
        "got own/steady attempt 123 held, expected own/steady attempt 7 held as its evidence"
        in (tmp_path / "mentor.html").read_text()
    )


def changed(change: Callable[[dict[str, bytes], str], None]) -> Callable[[Path], bytes]:
    def of(path: Path) -> bytes:
        files = contents(path)
        change(files, next(iter(files)).partition("/")[0])
        return again(files)

    return of


def _with(name: str, mode: int = stat.S_IFREG | 0o644, flag: int = 0) -> Callable[[Path], bytes]:
    def of(path: Path) -> bytes:
        packed = io.BytesIO(path.read_bytes())
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        with zipfile.ZipFile(packed, "a") as archive:
            archive.writestr(info, b"/etc/passwd")
        raw = packed.getvalue()
        if flag:  # in the directory, where a reader looks
            at = raw.rindex(b"PK\x01\x02")
            raw = raw[: at + 8] + bytes([flag]) + raw[at + 9 :]
        return raw

    return of


def bomb(path: Path) -> bytes:
    files = contents(path)
    top = next(iter(files)).partition("/")[0]
    return again({**files, f"{top}/runs/zeros": bytes(200 << 20)})


def liar(path: Path) -> bytes:
    """A file that says it is small and is not."""
    raw = bomb(path)
    return raw.replace((200 << 20).to_bytes(4, "little"), (10).to_bytes(4, "little"))


HOSTILE: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "no zip": (lambda path: b"hello", "expected a ZIP of firedrill deliver"),
    "empty": (lambda path: b"", "a file that is too short"),
    "cut": (lambda path: path.read_bytes()[:-10], "no directory at its end"),
    "directory of millions": (
        lambda path: path.read_bytes()[:-12] + b"\xff\xff\xff\xff" + path.read_bytes()[-8:],
        "a directory of 65535 files",
    ),
    "other zip": (lambda path: again({"x/y": b"1"}), "no deliver.json"),
    "two tops": (changed(lambda files, top: files.update({"other/x": b""})), "2 folders at the top"),
    "leaves the folder": (_with("../../etc/cron.d/x"), "the name '../../etc/cron.d/x'"),
    "leaves it later": (_with("a/../../x"), "the name 'a/../../x'"),
    "absolute": (_with("/etc/x"), "the name '/etc/x'"),
    "backslash": (_with("a\\..\\x"), "the name"),
    "control": (_with("a/\x1b[2Jx"), "the name"),
    "html": (_with("a/<script>"), "the name"),
    "deep": (_with("a/" * 400 + "x"), "the name"),
    "link": (_with("a/x", stat.S_IFLNK | 0o777), "which is no regular file"),
    "encrypted": (_with("a/x", flag=1), "which is encrypted"),
    "bomb": (bomb, "bytes once unpacked from"),
    "liar": (liar, "got "),
    "added": (changed(lambda files, top: files.update({f"{top}/runs/x": b""})), "which deliver.json does not tell of"),
    "missing": (changed(lambda files, top: files.pop(f"{top}/attempt.patch") and None), "no attempt.patch"),
    "changed": (changed(lambda files, top: files.update({f"{top}/README.md": b"all passed"})), "README.md"),
    "edited": (
        changed(lambda files, top: files.update({
            f"{top}/deliver.json": files[f"{top}/deliver.json"].replace(b"Ada", b"Bob")
        })), "digest: got one that does not fit",
    ),
    "nested": (
        changed(lambda files, top: files.update({f"{top}/deliver.json": b"[" * 100_000 + b"]" * 100_000})),
        "deliver.json",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_zip_is_refused_in_bounded_memory_and_time(
    handed_in: Path, shell: Shell, tmp_path: Path, kind: str
) -> None:
    make, problem = HOSTILE[kind]
    handed_in.write_bytes(make(handed_in))
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    said = read(shell, handed_in, tmp_path)
    assert (said.code, said.out) == (2, "")
    assert problem in said.err
    assert "\x1b" not in said.err
    assert time.process_time() - began < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "kB"
    assert not (tmp_path / "mentor.html").exists()


def test_types_of_a_resealed_document_are_looked_at(handed_in: Path, shell: Shell, tmp_path: Path) -> None:
    for change in (
        lambda body: body.update(drill=99),
        lambda body: body.update(more=1),
        lambda body: body["tries"][0].update(run_id="../x"),
        lambda body: body.update(learner="x" * 5000),
        lambda body: body.update(verdict="splendid"),
    ):
        files = resealed(contents(handed_in), change)
        path = tmp_path / "bent.zip"
        path.write_bytes(again(files))
        said = read(shell, path, tmp_path)
        assert said.code == 2
        assert "deliver.json: " in said.err


def test_every_refused_file_is_named(handed_in: Path, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("a")
    said = shell("mentor", str(handed_in), str(tmp_path / "a.zip"), str(tmp_path / "gone.zip"))
    assert said.code == 2
    assert said.err.count("firedrill: ") == 2
    assert shell("mentor", str(handed_in), "--to", str(tmp_path)).code == 2


def test_what_a_rerun_found_is_told_also_where_nothing_is_signed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It took minutes, and what differs is in those lines."""

    def refused(*_: object, **__: object) -> bytes:
        raise InvalidInput("--sign: got a re-run that is violated")

    for name in ("opened", "require_fresh", "rerun"):
        monkeypatch.setattr(mentor, name, lambda *_, **__: SimpleNamespace(told=None))
    monkeypatch.setattr(mentor, "_told", lambda _: ["■ violated  a: DIFFERS"])
    monkeypatch.setattr(mentor, "worst_of", lambda _: Verdict.VIOLATED)
    monkeypatch.setattr(mentor, "sign_off", refused)
    to = tmp_path / "signed.json"
    answer = mentor._again(tmp_path / "a.zip", 7, "core", 24000, "HEAD", "Grace", "", to)  # type: ignore[attr-defined]
    assert next(iter(answer.text)) == "■ violated  a: DIFFERS"
    assert list(answer.problems) == ["--sign: got a re-run that is violated"]
    assert answer.code == 1
    assert not to.exists()
