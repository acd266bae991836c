"""Drill 6's samples: three files as an AI assistant would write them, composed from slots by a seed.

`draft_6_7` is `naive` with the back office of seed 7 below /api/backoffice/, a variant like any other. Its key, which
says what is planted and where, is computed from the texts. `python -m services.stack.samples SEED` makes the variant,
and prints the sample and its key as JSON.
"""

from __future__ import annotations

import ast
import json
import random
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from services.stack.errors import StackError
from services.stack.import_block import imports
from services.stack.patched import package
from services.stack.slots import Alternative, BadSlot, Slot, slots

SHOP: Final = Path(__file__).resolve().parents[1] / "shop"
FILES: Final = ("views.py", "serializers.py", "tasks.py")
PACKAGE: Final = "backoffice"
FLAWS: Final = (15, 18)
TRAPS: Final = (6, 8)
HIGHEST_SEED: Final = 2**31 - 1
_VARIANT: Final = re.compile(r"draft_6_(?P<seed>0|[1-9][0-9]{0,9})")
_MARKER: Final = re.compile(r"(?P<indent> *)# slot: (?P<slot>\w+)(?: (?P<part>\w+))?")
_MOUNTED: Final = (
    ("urls.py", "from django.urls import path\n", "from django.urls import include, path\n"),
    (
        "urls.py",
        '    path(\n        "api/schema/",',
        f'    path("api/{PACKAGE}/", include(f"{{__package__}}.{PACKAGE}.urls")),\n    path(\n        "api/schema/",',
    ),
    (
        "settings.py",
        'INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework_simplejwt.token_blacklist"]',
        "INSTALLED_APPS = [\n    *INSTALLED_APPS,\n"
        '    "rest_framework_simplejwt.token_blacklist",\n'
        f'    f"{{__package__}}.{PACKAGE}.apps.BackofficeConfig",\n]',
    ),
)
"""Edits of `naive` that make it serve the sample: (file, text to replace, new text)."""


def is_sample(variant: str) -> bool:
    """Whether *variant* is a sample's, by its name."""
    return _VARIANT.fullmatch(variant) is not None


def variant_of(seed: int) -> str:
    """The variant's name of the sample of *seed*."""
    return f"draft_6_{seed}"


def choice(seed: int, known: Mapping[str, Slot]) -> dict[str, Alternative]:
    """Slot → its text: 15 to 18 flaws, 6 to 8 traps, the rest correct."""
    dice = random.Random(f"review:{seed}")  # noqa: S311  (an exercise, no secret)
    order = sorted(known)
    dice.shuffle(order)
    flaws, traps = dice.randint(*FLAWS), dice.randint(*TRAPS)
    kinds = {
        slot: "flawed" if place < flaws else "trap" if place < flaws + traps else "correct"
        for place, slot in enumerate(order)
    }
    return {slot: dice.choice(known[slot].of_kind(kinds[slot])) for slot in sorted(known)}  # type: ignore[arg-type]


def composed(chosen: Mapping[str, Alternative], shop: Path = SHOP) -> dict[str, str]:
    """File of the sample → its text. Raises: BadSlot when a text does not fit."""
    return {name: _filled(name, chosen, shop)[0] for name in FILES}


def key(chosen: Mapping[str, Alternative], known: Mapping[str, Slot], shop: Path = SHOP) -> list[dict[str, Any]]:
    """A row for each flaw and each trap: what it is, its lines, and the lines of the functions around them."""
    spans: dict[str, list[dict[str, Any]]] = {slot: [] for slot in chosen}
    for name in FILES:
        text, places = _filled(name, chosen, shop)
        tree = ast.parse(text)
        for slot, part, first, last in places:
            place = {"file": name, "line": first, "last_line": last, **_enclosing(tree, first)}
            spans[slot].insert(0 if not part else len(spans[slot]), place)
    return [
        {
            "slot": slot,
            "name": one.name,
            "kind": "trap" if one.kind == "trap" else "flaw",
            "title": one.title,
            "cwe": list(one.cwe),
            "severity": one.severity,
            "exploit": known[slot].exploit,
            "places": spans[slot],
        }
        for slot, one in sorted(chosen.items(), key=lambda item: _position(spans[item[0]]))
        if one.kind != "correct"
    ]


def _position(places: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    return FILES.index(places[0]["file"]), places[0]["line"]


def _filled(name: str, chosen: Mapping[str, Alternative], shop: Path) -> tuple[str, list[tuple[str, str, int, int]]]:
    """The text of a file, and for each marker in it: slot, part, first line, last line."""
    lines: list[str] = []
    places: list[tuple[str, str, int, int]] = []
    needed: list[str] = []
    for line in (shop / "samples" / "skeleton" / name).read_text("utf-8").splitlines():
        if (marker := _MARKER.fullmatch(line)) is None:
            lines.append(line)
            continue
        slot, part = marker["slot"], marker["part"] or ""
        if slot not in chosen or part not in chosen[slot].parts:
            raise BadSlot(f"{name}: got the marker {line.strip()!r}, expected one with a slot's text")
        text = [f"{marker['indent']}{own}" if own else "" for own in chosen[slot].parts[part]]
        places.append((slot, part, len(lines) + 1, len(lines) + len(text)))
        lines += text
        needed += chosen[slot].imports
    begin, end = lines.index("# imports"), lines.index("# end of imports")
    try:
        block = imports(lines[begin + 1 : end] + needed, lines[:begin] + lines[end + 1 :])
    except SyntaxError as error:
        raise BadSlot(f"{name}:{error.lineno}: got {error.msg}, expected Python") from None
    moved = len(block) - (end - begin + 1)
    whole = "\n".join([*lines[:begin], *block, *lines[end + 1 :]]) + "\n"
    return whole, [(slot, part, first + moved, last + moved) for slot, part, first, last in places]


def _enclosing(tree: ast.AST, line: int) -> dict[str, Any]:
    """The innermost function around *line*, else the outermost class: its name, first and last line."""
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and _lines(node)[0] <= line <= _lines(node)[1]
    ]
    functions = [node for node in around if not isinstance(node, ast.ClassDef)]
    if not around:
        return {"function": "", "first": line, "last": line}
    node = max(functions, key=lambda one: _lines(one)[0]) if functions else min(around, key=lambda one: _lines(one)[0])
    first, last = _lines(node)
    return {"function": node.name, "first": first, "last": last}


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> tuple[int, int]:
    assert node.end_lineno is not None
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]), node.end_lineno


def document(seed: int, shop: Path = SHOP) -> dict[str, Any]:
    """The sample of *seed* and its key. Raises: StackError."""
    if not 0 <= seed <= HIGHEST_SEED:
        raise StackError("bad_input", f"seed: got {seed}, expected 0 to {HIGHEST_SEED}")
    try:
        known = slots(shop / "samples" / "slots")
        chosen = choice(seed, known)
        return {
            "drill": 6,
            "seed": seed,
            "variant": variant_of(seed),
            "package": PACKAGE,
            "files": composed(chosen, shop),
            "key": key(chosen, known, shop),
        }
    except BadSlot as error:
        raise StackError("learner_code", f"services/shop/samples/{error}", file="services/shop/samples") from None


def make(variant: str, shop: Path = SHOP) -> Path | None:
    """Make the package of *variant*, unless it exists and is up to date. None when *variant* is no sample.

    Raises: StackError for a slot that is broken.
    """
    named = _VARIANT.fullmatch(variant)
    if named is None or int(named["seed"]) > HIGHEST_SEED:
        return None
    return write(shop / variant, document(int(named["seed"]), shop)["files"], shop)


def write(folder: Path, files: Mapping[str, str], shop: Path = SHOP) -> Path:
    """`naive` with *files* mounted as its back office, as the package *folder*, unless it exists already."""
    texts = _variant(files, shop)
    try:
        return package(folder, texts)
    except OSError:  # another process made the same package at the same time
        return package(folder, texts)


def _variant(files: Mapping[str, str], shop: Path) -> dict[str, str]:
    """Path below the variant → its text."""
    texts = {name: path.read_text("utf-8") for name, path in _below(shop / "naive")}
    skeleton = _below(shop / "samples" / "skeleton")
    texts |= {f"{PACKAGE}/{name}": path.read_text("utf-8") for name, path in skeleton}
    texts |= {f"{PACKAGE}/{name}": text for name, text in files.items()}
    for name, before, after in _MOUNTED:
        if before not in texts[name]:
            raise StackError("learner_code", f"services/shop/naive/{name}: got no {before.strip()!r}, expected it")
        texts[name] = texts[name].replace(before, after, 1)
    return texts


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix(), path


def main(words: Sequence[str]) -> int:
    """Make the variant of a seed, and print its sample with its key; without a seed, check the slots (exit 2)."""
    try:
        if words:
            seed = int(words[0]) if words[0].isascii() and words[0].isdecimal() and len(words[0]) < 11 else -1
            found = document(seed)
            write(SHOP / found["variant"], found["files"])
            sys.stdout.write(json.dumps(found) + "\n")
        else:
            for number in range(10):
                document(number)
    except StackError as error:
        sys.stderr.write(f"{error.message}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
