"""What makes a measured row stale: code and what is run, and no words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chaos.drills.fingerprint import stands_on
from chaos.drills.mutants import Mutant
from tests.unit.chaos.scenarios import good

PATCH = """title: One
caught by: no_oversell

--- a/views.py
+++ b/views.py
@@ -1,3 +1,3 @@
 # before
-    lock = True
+    lock = False
 # after
"""
SCENARIO = "title: One\nseed: 7\nchecks: [{invariant: no_oversell}]\n"
FILES = {
    "views": ("services/shop/hardened/views.py", '"""Views."""\n\nSEATS = 4  # a person\n'),
    "check": ("chaos/invariants/no_oversell.py", 'def judge():\n    """Looks."""\n    return 1\n'),
    "patch": ("one.patch", PATCH),
}


def fingerprint(checkout: Path, *, scenario: str = SCENARIO, **changed: str) -> str:
    for name, (path, text) in FILES.items():
        file = checkout / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(changed.get(name, text))
    mutant = Mutant(
        name="one", title="", drill=3, flaw="x", check="no_oversell", scenario="own/small",
        patch=checkout / "one.patch",
    )  # fmt: skip
    return stands_on(replace(good(), text=scenario), mutant, checkout=checkout)


@pytest.mark.parametrize(
    "changed",
    [
        {"views": '"""Views, told in other words."""\n# and more\n\nSEATS = 4\n'},
        {"check": 'def judge():\n    """Looks twice."""\n\n    return 1\n'},
        {"patch": PATCH.replace("title: One", "title: Two").replace("-1,3 +1,3", "-9,3 +9,3").replace("before", "no")},
        {"scenario": "# told\n" + SCENARIO.replace("One", "Two") + "proves: {naive: {must: []}}\n"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_words_make_no_row_stale(tmp_path: Path, changed: dict[str, str]) -> None:
    assert fingerprint(tmp_path, **changed) == fingerprint(tmp_path)


@pytest.mark.parametrize(
    "changed",
    [
        {"views": '"""Views."""\n\nSEATS = 5  # a person\n'},
        {"views": "SEATS = = 4"},
        {"check": 'def judge():\n    """Looks."""\n    return "1"\n'},
        {"patch": PATCH.replace("lock = False", "lock = None")},
        {"scenario": SCENARIO.replace("7", "8")},
        {"scenario": SCENARIO.replace("no_oversell", "sells_out")},
        {"scenario": "no mapping"},
        {"scenario": "[: broken"},
    ],
    ids=lambda changed: f"{next(iter(changed))}: {str(next(iter(changed.values())))[-20:]!r}",
)
def test_everything_else_does(tmp_path: Path, changed: dict[str, str]) -> None:
    assert fingerprint(tmp_path, **changed) != fingerprint(tmp_path)


def test_without_a_mutant_its_check_and_patch_do_not_count(tmp_path: Path) -> None:
    fingerprint(tmp_path)
    alone = stands_on(replace(good(), text=SCENARIO), checkout=tmp_path)
    fingerprint(tmp_path, check="pass", patch="")
    assert stands_on(replace(good(), text=SCENARIO), checkout=tmp_path) == alone
