"""manifest.json, and the check that a folder still says what its run said."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from chaos.errors import FiredrillError
from chaos.files import write_atomic
from chaos.judge.document import encode, judged_part
from chaos.judge.explain import explain
from chaos.judge.folder import read_record
from chaos.judge.judge import judge
from chaos.model.checks import Judged
from chaos.model.counterexamples import COUNTEREXAMPLES, Counterexamples
from chaos.model.journal import EventKind

MANIFEST = "manifest.json"
MANIFEST_VERSION = 1


def write_manifest(evidence: Path, about: Mapping[str, Any]) -> None:
    """Hash every file of the folder; call it last. *about*: versions, seed, git revision. Raises: OSError."""
    body = {"version": MANIFEST_VERSION, "about": dict(about), "files": {n: _entry(p) for n, p in _files(evidence)}}
    write_atomic(evidence / MANIFEST, _sealed(body))


def verify(evidence: Path, read_scenario: Callable[[Path], Judged]) -> list[str]:
    """Problems of an evidence folder, each `where: got X, expected Y`; none means that it can be believed.

    *read_scenario* turns the folder's scenario.yaml into what the judge needs.
    """
    if not evidence.is_dir():
        return unchanged(evidence)
    return [*unchanged(evidence), *_verdict_problems(evidence, read_scenario)]


def unchanged(evidence: Path) -> list[str]:
    """As `verify`, without deriving the verdict again: whether each byte is as the run left it."""
    if not evidence.is_dir():
        return [f"{evidence}: got no such folder, expected an evidence folder"]
    return list(_manifest_problems(evidence))


def _manifest_problems(evidence: Path) -> Iterator[str]:
    path = evidence / MANIFEST
    try:
        raw = path.read_bytes()
        manifest = msgspec.json.decode(raw, type=dict[str, Any])
        files: dict[str, dict[str, Any]] = msgspec.convert(manifest.get("files"), dict[str, dict[str, Any]])
    except OSError as error:
        yield f"{MANIFEST}: got {error.strerror}, expected a readable file"
        return
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        yield f"{MANIFEST}: got {error}, expected the manifest of a run"
        return
    body = {name: value for name, value in manifest.items() if name != "digest"}
    if _sealed(body) != raw:
        yield f"{MANIFEST}: got content that differs from its digest, expected it unchanged since the run"
    found = dict(_files(evidence))
    for name in sorted(files.keys() - found.keys()):
        yield f"{name}: got no such file, expected it as in the manifest"
    for name in sorted(found.keys() - files.keys()):
        yield f"{name}: got a file that the manifest doesn't have, expected none"
    for name in sorted(found.keys() & files.keys()):
        if found[name].is_symlink():
            yield f"{name}: got a symbolic link, expected a file"
        elif (entry := _entry(found[name])) != files[name]:
            yield (
                f"{name}: got {entry['bytes']} bytes with SHA-256 {entry['sha256'][:12]}…, "
                f"expected {files[name].get('bytes')} bytes with {str(files[name].get('sha256'))[:12]}…"
            )


def _verdict_problems(evidence: Path, read_scenario: Callable[[Path], Judged]) -> Iterator[str]:
    try:
        said = msgspec.json.decode((evidence / "verdict.json").read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        yield f"verdict.json: got {error}, expected the verdict of a run"
        return
    try:
        scenario = read_scenario(evidence / "scenario.yaml")
    except (OSError, FiredrillError) as error:
        yield f"scenario.yaml: got {error}, expected the scenario as run"
        return
    record = read_record(evidence)
    judgement = judge(scenario, record)
    derived = judged_part(judgement)
    for name in ("verdict", "exit_code", "summary", "phases", "faults", "operations"):
        if said.get(name) != derived[name]:
            got, expected = _short(said.get(name)), _short(derived[name])
            yield f"verdict.json: {name}: got {got}, expected {expected} from the record"
    yield from _finding_problems(said.get("findings"), derived["findings"])
    yield from _explained_problems(evidence, explain(evidence, scenario, judgement, record.state))
    for event in record.events:
        if event.event is EventKind.RUN_STARTED:
            for name in sorted(said.keys() & event.data.keys() - {"versions"}):
                if said[name] != event.data[name]:
                    yield f"verdict.json: {name}: got {said[name]!r}, expected {event.data[name]!r} as in the journal"


def _finding_problems(said: Any, derived: list[dict[str, Any]]) -> Iterator[str]:
    by_check = {f.get("check"): f for f in said if isinstance(f, dict)} if isinstance(said, list) else {}
    for finding in derived:
        other = by_check.pop(finding["check"], None)
        if other != finding:
            got = "nothing" if other is None else f"{other.get('verdict')}: {_short(other.get('measured'))}"
            yield (
                f"verdict.json: finding {finding['check']}: got {got}, "
                f"expected {finding['verdict']}: {_short(finding['measured'])} from the record"
            )
    for check in by_check:
        yield f"verdict.json: finding {check}: got one that the record doesn't give, expected none"


def _explained_problems(evidence: Path, derived: Counterexamples) -> Iterator[str]:
    try:
        said = msgspec.json.decode((evidence / COUNTEREXAMPLES).read_bytes(), type=Counterexamples)
    except FileNotFoundError:
        said = Counterexamples()
    except (OSError, msgspec.DecodeError) as error:
        yield f"{COUNTEREXAMPLES}: got {error}, expected the counterexamples of a run"
        return
    if said.counterexamples != derived.counterexamples:
        got, expected = _checks(said), _checks(derived)
        unlike = f"got {got}, expected {expected}" if got != expected else f"got others for {got}, expected those"
        yield f"{COUNTEREXAMPLES}: {unlike} from the record"


def _checks(document: Counterexamples) -> str:
    return ", ".join(explained.check for explained in document.counterexamples) or "none"


def _files(evidence: Path) -> Iterator[tuple[str, Path]]:
    """Every file of the folder but the manifest, by its path relative to the folder, sorted."""
    for path in sorted(evidence.rglob("*")):
        name = path.relative_to(evidence).as_posix()
        if name != MANIFEST and (path.is_symlink() or not path.is_dir()):
            yield name, path


def _entry(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"sha256": hashlib.file_digest(file, "sha256").hexdigest(), "bytes": path.stat().st_size}


def _sealed(body: dict[str, Any]) -> bytes:
    """The manifest's bytes: the digest over the rest comes last, so a changed byte anywhere in it shows."""
    digest = hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest()
    return encode({**body, "digest": digest})


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
