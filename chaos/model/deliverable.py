"""deliver.json: what a handed-in ZIP says of itself. Written by `deliver`, read by `mentor`."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from chaos.model.folder import File
from chaos.model.verdict import Verdict

FORMAT: Final = "firedrill-deliverable"
VERSION: Final = 1
ABOUT: Final = "deliver.json"
README: Final = "README.md"
SUMS: Final = "SHA256SUMS"
PATCH: Final = File.PATCH.value
WRITTEN: Final = "deliverable"
"""The folder of what the drill asks for."""
RUNS: Final = "runs"
"""The folder of evidence, a folder a run."""

Short: TypeAlias = Annotated[str, msgspec.Meta(max_length=300)]
Long: TypeAlias = Annotated[str, msgspec.Meta(max_length=20_000)]
RunId: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,199}\Z")]
Digest: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{64})?\Z")]
Seed: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the document."""


class RunOf(_Part, frozen=True, kw_only=True):
    """One run of the learner's code in this drill, or of the code that it came from.

    Attributes:
        code: SHA-256 over base and patch, as the scorecard has it; empty where none was kept.
        packed: Whether its evidence is in the ZIP.
    """

    run_id: RunId
    scenario: Short
    variant: Short
    seed: Seed
    scale: float
    verdict: Verdict
    started_at: Short
    summary: Long
    isolation: Short = ""
    revision: Short = ""
    code: Digest = ""
    packed: bool = False


class LineOf(_Part, frozen=True, kw_only=True):
    """One line of a check: a scenario, or something that has no runs.

    Attributes:
        runs: Ids of its tries.
    """

    name: Short
    verdict: Verdict
    reason: Long
    runs: tuple[RunId, ...] = ()


class PartOf(_Part, frozen=True, kw_only=True):
    """Core, stretch, or the fresh seed."""

    verdict: Verdict
    lines: tuple[LineOf, ...]


class HintOf(_Part, frozen=True, kw_only=True):
    """A hint that was opened."""

    hint: Short
    solution: bool
    used_at: Short


class Own(_Part, frozen=True, kw_only=True):
    """What the learner's scorecard said; nobody but the learner's lab stands for it.

    Attributes:
        score: None while there is none; *ceiling* is None while no evidence decides.
        asked: Whether the scorecard answered at all.
    """

    asked: bool = False
    name: Short = ""
    score: Annotated[int, msgspec.Meta(ge=0, le=3)] | None = None
    ceiling: Annotated[int, msgspec.Meta(ge=0, le=3)] | None = None
    reason: Long = ""
    notes: Long = ""
    hints: tuple[HintOf, ...] = ()


class Entry(_Part, frozen=True, kw_only=True):
    """A file of the ZIP."""

    sha256: Digest
    bytes: Annotated[int, msgspec.Meta(ge=0)]


class Delivered(_Part, frozen=True, kw_only=True):
    """The whole document.

    Attributes:
        base: What the patch is a patch of: `naive`, or a draft such as `draft_2_4`.
        verdict: The worst of core and fresh seed; inconclusive also when the check was of other code.
        doubts: Why it is no better than that, besides what its lines say.
        fresh_seed: None where no machine can grade the drill (code that was imported into drill 6).
        parts: Part → its newest check; None where there was none.
        tries: Every run of the attempt in this drill, oldest first, and those of its base that are packed.
        unjudged: What no machine judged, a sentence each.
        files: Path in the ZIP → its digest; all but this document and SHA256SUMS.
    """

    format: str
    version: int
    drill: Annotated[int, msgspec.Meta(ge=1, le=6)]
    key: Short
    title: Short
    learner: Short
    base: Short
    written_at: Short
    revision: Short
    verdict: Verdict
    doubts: tuple[Long, ...]
    fresh_seed: Seed | None
    fresh: PartOf | None
    parts: dict[Short, PartOf | None]
    tries: Annotated[tuple[RunOf, ...], msgspec.Meta(max_length=5000)]
    own: Own
    unjudged: tuple[Long, ...]
    files: dict[str, Entry]
    code: Digest


def sealed(document: Delivered) -> bytes:
    """As the file has it: with a digest over all the rest."""
    body: dict[str, Any] = msgspec.to_builtins(document)
    return msgspec.json.format(msgspec.json.encode({**body, "digest": _digest(body)}), indent=2) + b"\n"


def unsealed(raw: bytes) -> Delivered:
    """The document of such a file. Raises: ValueError with a sentence, RecursionError for what is nested too deep."""
    body = msgspec.json.decode(raw)
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise ValueError(f"format: got something else, expected {FORMAT}")
    if body.get("version") != VERSION:
        raise ValueError(f"version: got {str(body.get('version'))[:20]}, expected {VERSION}")
    if body.pop("digest", None) != _digest(body):
        raise ValueError("digest: got one that does not fit the rest, expected the file as it was delivered")
    return msgspec.convert(body, Delivered)


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest()
