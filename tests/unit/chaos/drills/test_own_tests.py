"""Real pytest on small test files, against nothing: the API's address is only handed on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from chaos.drills.own_tests import Tally, judge, own_tests, run_tests
from chaos.errors import LabBroken
from chaos.model.verdict import Verdict

GREEN = Tally(passed=2)

WHERE = "none is red on naive: services/shop/attempt/tests wants one that is red there"


@pytest.mark.parametrize(
    ("attempt", "naive", "verdict", "words"),
    [
        (
            GREEN,
            Tally(failed=("test_a",), passed=1),
            Verdict.HELD,
            "2 tests are green on your attempt; red on naive",
        ),
        (GREEN, GREEN, Verdict.VIOLATED, WHERE),
        (GREEN, Tally(errors=("test_a",)), Verdict.VIOLATED, WHERE),
        (Tally(passed=1, failed=("test_b",)), None, Verdict.VIOLATED, "test_b failed"),
        (Tally(passed=1, errors=("test_b",)), None, Verdict.VIOLATED, "test_b could not run"),
        (Tally(skipped=3), None, Verdict.INCONCLUSIVE, "no test ran (3 skipped)"),
        (Tally(trouble="slow"), None, Verdict.INCONCLUSIVE, "slow"),
        (GREEN, Tally(trouble="naive is away"), Verdict.INCONCLUSIVE, "naive is away"),
        (GREEN, None, Verdict.INCONCLUSIVE, "nobody ran them on naive"),
    ],
)
def test_green_on_the_attempt_and_red_on_naive(attempt, naive, verdict, words):
    found = judge(attempt, naive)
    assert found.verdict is verdict
    assert words in found.reason


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    folder = tmp_path / "attempt" / "tests"
    folder.mkdir(parents=True)
    return folder


def test_pytest_counts_them(tests: Path, tmp_path: Path) -> None:
    (tests / "test_mine.py").write_text(
        "import os, pytest\n"
        "def test_ok(): assert os.environ['SHOP_URL'] == 'http://x' and os.environ['SHOP_WORLD'].endswith('w.json')\n"
        "def test_red(): assert False\n"
        "@pytest.fixture\ndef broken(): raise RuntimeError\n"
        "def test_error(broken): pass\n"
        "@pytest.mark.skip\ndef test_later(): pass\n"
    )
    tally = run_tests(tests, url="http://x", world=tmp_path / "w.json")
    assert tally == Tally(passed=1, failed=("test_red",), errors=("test_error",), skipped=1)


def test_a_file_that_cannot_be_imported_is_an_error(tests: Path, tmp_path: Path) -> None:
    (tests / "test_mine.py").write_text("import nothing_of_that_name\n")
    tally = run_tests(tests, url="http://x", world=tmp_path / "w.json")
    assert tally.passed == 0
    assert len(tally.errors) == 1


def test_tests_that_hang_are_ended(tests: Path, tmp_path: Path) -> None:
    (tests / "test_mine.py").write_text("import time\ndef test_a(): time.sleep(60)\n")
    assert "had not ended after 3 s" in run_tests(tests, url="u", world=tmp_path / "w.json", timeout_s=3.0).trouble


def test_what_a_test_leaves_behind_is_ended_and_not_waited_for(tests: Path, tmp_path: Path) -> None:
    (tests / "test_mine.py").write_text(
        "import subprocess, sys\n"
        "def test_a():\n"
        "    left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"    open({str(tmp_path / 'pid')!r}, 'w').write(str(left.pid))\n"
    )
    assert run_tests(tests, url="u", world=tmp_path / "w.json", timeout_s=20.0).passed == 1
    left = int((tmp_path / "pid").read_text())
    give_up = time.monotonic() + 5
    while _runs(left) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not _runs(left)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def check(shop: Path, *, broken: str = "") -> tuple[Verdict, str, list[str]]:
    """Each variant's world says which one it is, as the real one's does."""
    prepared: list[str] = []

    def prepare(variant: str, world: Path) -> None:
        prepared.append(variant)
        if variant == broken:
            raise LabBroken(f"{variant}: got nothing, expected it to start")
        world.write_text(variant)

    found = own_tests("attempt", prepare=prepare, url="http://x", say=lambda _: None, shop=shop)
    return found.verdict, found.reason, prepared


ONLY_ATTEMPT = "import os\nfrom pathlib import Path\nWHO = Path(os.environ['SHOP_WORLD']).read_text()\n"


def test_the_same_tests_on_both(tests: Path, tmp_path: Path) -> None:
    (tests / "test_mine.py").write_text(f"{ONLY_ATTEMPT}def test_a(): assert WHO == 'attempt'\n")
    verdict, reason, prepared = check(tmp_path)
    assert (verdict, prepared) == (Verdict.HELD, ["attempt", "naive"])
    assert "red on naive: test_a" in reason


def test_naive_is_not_asked_when_the_attempt_is_red(tests: Path, tmp_path: Path) -> None:
    (tests / "test_mine.py").write_text("def test_a(): assert False\n")
    verdict, _, prepared = check(tmp_path)
    assert (verdict, prepared) == (Verdict.VIOLATED, ["attempt"])


def test_an_attempt_without_tests(tmp_path: Path) -> None:
    verdict, reason, prepared = check(tmp_path)
    assert (verdict, prepared) == (Verdict.INCONCLUSIVE, [])
    assert "got no test_*.py" in reason


def test_a_variant_that_does_not_start_decides_nothing(tests: Path, tmp_path: Path) -> None:
    (tests / "test_mine.py").write_text("def test_a(): pass\n")
    verdict, reason, _ = check(tmp_path, broken="naive")
    assert (verdict, reason) == (Verdict.INCONCLUSIVE, "naive: got nothing, expected it to start")
