"""What the deliverables of drills 3, 4 and 5 say, from the folders of the fresh seed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chaos.drills import attempt as attempts
from chaos.drills.catalogue import Drill
from chaos.drills.check import Passed, Try
from chaos.drills.conclude import conclude
from chaos.drills.deliverables import auth, concurrency, failure
from chaos.drills.deliverables.work import Fresh, Work
from chaos.errors import LabBroken
from chaos.model.history import End, Invoke, Ok
from chaos.model.patch import changes, same_code
from chaos.model.verdict import Verdict
from chaos.report.words import Shown
from tests.unit.chaos.runs import run_of, write_run

MEANS = """\
+from x import timeout
+# a retry
+    \"\"\"A deadline.\"\"\"
+def wait(timeout: float | None) -> None:
+    timeout = 1
+    timeout = 2
"""
LOCK = "+    tier = Tier.objects.select_for_update().get()"


def work(tmp_path: Path, folder: Path, *, scenario: str = "own/steady", patch: str = "", notes: str = "") -> Work:
    tried = Try(seed=77, verdict=Verdict.HELD, folder=str(folder), reason="held")
    line = Passed(name=scenario, verdict=Verdict.HELD, reason="held in a conclusive run", tries=(tried,))
    return Work(
        one=Drill(key="d", number=3, title="T"), shop=tmp_path / "shop", root=folder.parent, base="naive",
        patch=patch.encode(), notes=notes, fresh=Fresh(seed=77, lines=[line], before={}),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return conclude(write_run(run_of(tmp_path / "evidence", seed=77)), index=None, say=pytest.fail).folder


def test_concurrency_shows_the_change_its_protections_and_what_it_was_shown_on(folder: Path, tmp_path: Path) -> None:
    patch = f"diff --git a/views.py b/views.py\n--- a/views.py\n+++ b/views.py\n@@ -8,1 +8,2 @@\n same\n{LOCK}\n"
    patch += "diff --git a/tests/test_x.py b/tests/test_x.py\n@@ -0,0 +1 @@\n+with atomic(): ...\n"
    (path,) = concurrency.write(tmp_path, work(tmp_path, folder, patch=patch, notes="I <b>lock</b>\n\n# it")).paths
    page = path.read_text()
    assert "on seed 77, which was drawn when this was written: 1 of 1 parts of the core held." in page
    assert "| row lock | `views.py:9` | `tier = Tier.objects.select_for_update().get()` |" in page
    assert "test_x.py" not in page, "what is written about the code is no protection of it"
    assert "> I &lt;b>lock&lt;/b>" in page
    assert "### `own/steady`: ● held" in page
    assert "| ● held | `no_oversell` |" in page
    assert f"@@ -8,1 +8,2 @@\n same\n{LOCK}\n```\n" in page


def test_what_was_violated_before_is_named_as_the_drill_asks(folder: Path, tmp_path: Path) -> None:
    """The drill wants reports of before and after; the oldest violated run of each scenario is before."""
    assert (
        "No run of the attempt was violated" in concurrency.write(tmp_path, work(tmp_path, folder)).paths[0].read_text()
    )
    for seed, base in ((7, "naive"), (8, "naive"), (9, "draft_2_4")):
        ran = run_of(folder.parent, f"2026110{seed}-x-s{seed}", variant="attempt", seed=seed, versions={"base": base})
        assert ran.state is not None
        tier = type(ran.state.tiers[0])
        ran.state.tiers = [tier(tier_id=1, event_slug="gig", capacity=5, sold=5, price_cents=100)]
        conclude(write_run(ran), index=None, say=pytest.fail)
    page = concurrency.write(tmp_path, work(tmp_path, folder)).paths[0].read_text()
    (row,) = [line for line in page.split("## What it violated before")[1].splitlines() if line.startswith("| own/")]
    assert row.startswith("| own/steady | `20261107-x-s7` | 7 | Violated: no_oversell"), row


def test_protections_are_few_and_break_no_table(folder: Path, tmp_path: Path) -> None:
    patch = f"diff --git a/a.py b/a.py\n@@ -0,0 +1,6 @@\n{MEANS}"
    (path,) = concurrency.write(tmp_path, work(tmp_path, folder, patch=patch)).paths
    rows = [line for line in path.read_text().splitlines() if line.startswith("| timeout |")]
    assert rows == [
        "| timeout | `a.py:4` | `def wait(timeout: float \\| None) -> None:` |",
        "| timeout | `a.py:5` | `timeout = 1` |",
    ]


def test_a_fence_in_the_code_ends_no_fence_of_ours(folder: Path, tmp_path: Path) -> None:
    patch = 'diff --git a/a.py b/a.py\n@@ -0,0 +1 @@\n+"""```"""\n'
    (path,) = concurrency.write(tmp_path, work(tmp_path, folder, patch=patch)).paths
    assert '````diff\ndiff --git a/a.py b/a.py\n@@ -0,0 +1 @@\n+"""```"""\n````' in path.read_text()
    assert "No added line has a lock" in path.read_text()


def test_endpoints_show_who_got_which_answer(folder: Path, tmp_path: Path) -> None:
    asked = [
        ("1", "GET /api/me/ anonymous", "401", 401),
        ("2", "GET /api/me/ customer", "200", 200),
        ("3", "GET /api/me/ customer", "200", 500),
        ("4", "GET /api/me/ of another key", "401", 200),
        ("5", "GET /api/new/ admin", "", 200),
    ]
    lines: list[msgspec.Struct] = []
    for name, cell, expects, status in asked:
        lines.append(Invoke(
            id=name, op="matrix", phase="all", intended=1.0, sent=1.0, key=f"{name}/5 {cell}", expects=expects
        ))  # fmt: skip
        lines.append(Ok(id=name, ended=1.1, status=status))
    for path in (folder / "history").iterdir():
        path.unlink()
    encoded = [msgspec.json.encode(line) for line in [*lines, End(lines=len(lines))]]
    (folder / "history" / "worker-0.jsonl").write_bytes(b"\n".join(encoded) + b"\n")
    tests = tmp_path / "shop" / "attempt" / "tests"
    tests.mkdir(parents=True)
    (tests / "test_access.py").write_text("def test_nobody_gets_in(): ...\ndef helper(): ...\n")
    (tests / "test_bad.py").write_text("def test_(:\n")
    (path,) = auth.write(tmp_path, work(tmp_path, folder, scenario=auth.MATRIX)).paths
    page = path.read_text()
    assert "| `/api/me/` | GET | 401 | 200, **500** | - | - | **200** |" in page
    assert "| `/api/new/` | GET | - | - | - | 200 | - |" in page
    assert "- `test_access.py::test_nobody_gets_in`" in page
    assert "helper" not in page
    assert "- `test_bad.py: can't be read`" in page


def test_failure_has_a_video_of_each_run_or_says_why_not(folder: Path, tmp_path: Path) -> None:
    def film(shown: Shown, path: Path) -> None:
        path.write_bytes(b"video")

    def broken(shown: Shown, path: Path) -> None:
        raise LabBroken("ffmpeg: got nothing, expected it")

    written = failure.write(tmp_path, work(tmp_path, folder), film=film)
    assert [path.name for path in written.paths] == ["failure.md", "steady.mp4"]
    page = written.paths[0].read_text()
    assert "Video: [steady.mp4](steady.mp4)" in page
    assert "| latency on shop_to_gateway | 12.0 s | 18.0 s | met by 9 |" in page
    assert "## What it was shown on" in page
    without = failure.write(tmp_path, work(tmp_path, folder), film=broken)
    assert without.said == ["No video: ffmpeg: got nothing, expected it"]
    assert [path.name for path in without.paths] == ["failure.md"]


def test_a_real_patch_is_read_line_by_line(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    (shop / "naive").mkdir(parents=True)
    (shop / "naive" / "a.py").write_text("one\ntwo\nthree\n")
    attempts.start(shop)
    (shop / "attempt" / "a.py").write_text("one\n++ two\nthree\nfour\n")
    patch = attempts.patch("attempt", shop) or b""
    (change,) = changes(patch)
    assert (change.name, list(change.added), change.removed) == ("a.py", [(2, "++ two"), (4, "four")], 1)
    (shop / "attempt" / "tests" / "test_more.py").write_text("x = 1\n")
    more = attempts.patch("attempt", shop) or b""
    assert more != patch
    assert same_code(patch, more)
