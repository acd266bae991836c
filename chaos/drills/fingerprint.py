"""What a measured trial stands on, without the words around it: a comment or a title changes no outcome."""

from __future__ import annotations

import ast
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from chaos.config import CHECKOUT
from chaos.drills.mutants import Mutant
from chaos.errors import InvalidInput
from chaos.load.yaml import parse
from chaos.scenario import Scenario

_WORDS: Final = frozenset({"title", "hypothesis", "proves"})
"""Keys of a scenario that are read by people, or say what is expected of it."""


def stands_on(scenario: Scenario, mutant: Mutant | None = None, *, checkout: Path = CHECKOUT) -> str:
    """A fingerprint of what a trial's outcome depends on most. What it leaves out, the revision names."""
    parts = [("scenario", _scenario(scenario.text))]
    files = sorted(f for f in (checkout / "services/shop/hardened").rglob("*.py") if "__pycache__" not in f.parts)
    if mutant is not None:
        files.append(checkout / "chaos/invariants" / f"{mutant.check}.py")
        if mutant.patch.is_file():
            parts.append((mutant.patch.name, _patch(mutant.patch.read_text(encoding="utf-8"))))
    parts += [(file.name, _code(file.read_bytes())) for file in files if file.is_file()]
    digest = hashlib.sha256()
    for name, content in parts:
        digest.update(f"{name}\0{content}\0".encode())
    return digest.hexdigest()[:16]


def _scenario(text: str) -> str:
    """What is run and asked: the file's keys and values in their order, without its comments."""
    try:
        read = parse(text, "scenario").data
    except InvalidInput:
        return text
    if not isinstance(read, dict):
        return text
    return msgspec.json.encode({key: value for key, value in read.items() if key not in _WORDS}).decode()


def _patch(text: str) -> str:
    """Its changed lines that are code: neither its header, nor line numbers, nor the lines around the change."""
    lines = text.splitlines()
    return "\n".join(line for line in lines if line[:1] in "+-" and line[1:].strip()[:1] not in ("", "#"))


@lru_cache(maxsize=1024)
def _code(source: bytes) -> str:
    """A module's syntax tree without docstrings and positions; the source itself where it is no Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return hashlib.sha256(source).hexdigest()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [each for each in node.body if not _is_text(each)]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_text(node: ast.stmt) -> bool:
    """A docstring, or the text below an attribute."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
