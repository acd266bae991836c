"""Drill 6's samples: whatever the seed, they are Python that a reader can take for an assistant's."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.stack import drafts, samples
from services.stack.errors import StackError
from services.stack.import_block import imports
from services.stack.slots import BadSlot, parse, slots

SEEDS = range(20)
KNOWN = slots(samples.SHOP / "samples" / "slots")
GIVEN_AWAY = re.compile(r"vulnerab|insecure|unsafe|flaw|exploit|\btrap\b|CWE|TODO|FIXME|\bbug", re.IGNORECASE)


@cache
def document(seed: int) -> dict[str, Any]:
    return samples.document(seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_plants_what_the_drill_says(seed: int) -> None:
    kinds = Counter(row["kind"] for row in document(seed)["key"])
    assert 15 <= kinds["flaw"] <= 20
    assert kinds["trap"] >= 6


@pytest.mark.parametrize("seed", SEEDS)
def test_three_files_of_a_length_that_can_be_read(seed: int) -> None:
    """Lines that are neither blank nor an import."""
    files = document(seed)["files"]
    lines = [line for text in files.values() for line in text.splitlines()]
    own = [line for line in lines if line.strip() and not line.startswith(("import ", "from "))]
    assert set(files) == {"views.py", "serializers.py", "tasks.py"}
    assert 150 <= len(own) <= 250


def test_the_same_seed_gives_the_same_sample_and_another_one_another() -> None:
    assert samples.document(4) == document(4)
    assert document(4)["files"] != document(5)["files"]


def test_no_flaw_comes_in_most_seeds() -> None:
    seen = Counter(f"{row['slot']}.{row['name']}" for seed in range(60) for row in document(seed)["key"])
    name, times = seen.most_common(1)[0]
    assert times <= 30, name


@pytest.mark.parametrize("seed", SEEDS)
def test_lines_of_the_key_are_those_of_the_flaw_and_of_its_function(seed: int) -> None:
    files = document(seed)["files"]
    for row in document(seed)["key"]:
        place = row["places"][0]
        chosen = next(one for one in KNOWN[row["slot"]].alternatives if one.name == row["name"])
        text = [line.strip() for line in files[place["file"]].splitlines()[place["line"] - 1 : place["last_line"]]]
        assert text == [line.strip() for line in chosen.parts[""]]
        assert place["first"] <= place["line"] <= place["last_line"] <= place["last"]
        body = files[place["file"]].splitlines()[place["first"] - 1 : place["last"]]
        assert re.search(rf"(def|class) {place['function']}\b", "\n".join(body))


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_in_the_text_gives_the_answer_away(seed: int) -> None:
    for text in document(seed)["files"].values():
        assert not GIVEN_AWAY.findall(text)
        assert "slot" not in text


def test_every_text_of_every_slot_is_python_with_no_import_too_many_or_too_few() -> None:
    for number in range(max(len(slot.alternatives) for slot in KNOWN.values())):
        chosen = {name: slot.alternatives[number % len(slot.alternatives)] for name, slot in KNOWN.items()}
        for name, text in samples.composed(chosen).items():
            tree = ast.parse(text)
            bound = {
                (alias.asname or alias.name).partition(".")[0]
                for node in ast.walk(tree)
                if isinstance(node, ast.Import | ast.ImportFrom)
                for alias in node.names
            } - {"annotations"}
            used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
            assert bound <= used, (name, bound - used)


@pytest.mark.parametrize("seed", range(8))
def test_they_pass_a_linter_as_tidy_code_does(seed: int, tmp_path: Path) -> None:
    for name, text in document(seed)["files"].items():
        (tmp_path / name).write_text(text)
    words = ["check", "--isolated", "--no-cache", "--line-length", "120", "--select", "E,F,I", str(tmp_path)]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ruff"), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_three_kinds_and_two_flaws_at_least_in_each_slot() -> None:
    for slot in KNOWN.values():
        assert len(slot.of_kind("flawed")) >= 2, slot.name
        assert slot.of_kind("trap"), slot.name
        assert slot.of_kind("correct"), slot.name


def test_the_variant_is_naive_with_the_sample_mounted() -> None:
    folder = samples.SHOP / "draft_6_77"
    try:
        assert drafts.make("draft_6_77") == folder
        assert "backoffice.urls" in (folder / "urls.py").read_text()
        assert "BackofficeConfig" in (folder / "settings.py").read_text()
        assert (folder / "models.py").read_bytes() == (samples.SHOP / "naive" / "models.py").read_bytes()
        before = (folder / ".stamp").stat().st_mtime_ns
        drafts.make("draft_6_77")
        assert (folder / ".stamp").stat().st_mtime_ns == before  # made once
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_seed_that_is_none_is_refused(seed: int) -> None:
    with pytest.raises(StackError, match="seed: got"):
        samples.document(seed)


SLOT = (
    "slot: s\nbait: 20\n\n== flawed a\ntitle: t\ncwe: 20\nseverity: low\n--\nx\n\n"
    "== trap b\n--\ny\n\n== correct c\n--\nz\n"
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SLOT.replace("slot: s", "slot: other"), "s.slot: slot: got 'other'"),
        (SLOT.replace("== trap b", "== trick b"), "s.slot:11: got '== trick b'"),
        (SLOT.replace("cwe: 20\n", "cwe: SQL\n"), "s.slot: cwe: got"),
        (SLOT.replace("severity: low\n", ""), "s.slot:4: got no title, cwe or severity"),
        (SLOT.replace("title: t\n", "titel: t\n"), "s.slot:5: got 'titel: t'"),
        (SLOT.replace("--\ny\n", ""), "s.slot:11: got no line --"),
        (SLOT.partition("== correct")[0], "s.slot: got no alternative that is correct"),
    ],
)
def test_a_slot_that_is_wrong_is_told_where(text: str, told: str) -> None:
    with pytest.raises(BadSlot) as caught:
        parse(text, "s.slot")
    assert str(caught.value).startswith(told)


def test_imports_are_merged_sorted_and_pruned() -> None:
    given = ["from a import Z, b", "import os", "from a import c", "from . import x", "import sys", "from ..m import K"]
    body = ["Z(b, c, os.path, x, K)"]
    assert imports(given, body) == [
        "import os",
        "",
        "from a import Z, b, c",
        "",
        "from ..m import K",
        "from . import x",
    ]


def test_the_scenario_knows_the_addresses_that_a_draft_serves() -> None:
    """A flaw behind an address that it does not know would be neither tried nor noticed."""
    scenario = yaml.safe_load((samples.SHOP.parents[1] / "scenarios" / "review" / "exploits.yaml").read_text())
    given = next(check["addresses"] for check in scenario["checks"] if check["invariant"] == "addresses_are_kept")
    served = [
        f"/{prefix}{re.sub('<[^>]*>', '{}', address)}"
        for file, prefix in (("core", ""), ("naive", ""), ("samples/skeleton", "api/backoffice/"))
        for address in re.findall(r'\bpath\(\s*"([^"]+)"', (samples.SHOP / file / "urls.py").read_text())
    ]
    assert sorted(given) == sorted(served)
