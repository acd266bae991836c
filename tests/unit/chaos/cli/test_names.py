"""Which run the words of a command line mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.cli import names
from chaos.errors import InvalidInput
from chaos.evidence.newest import Ended
from chaos.evidence.writing import encode
from chaos.model.folder import File
from chaos.model.verdict import plain
from tests.unit.chaos.cli.shell import Shell
from tests.unit.chaos.documents import document

NAIVE, HARDENED, ATTEMPT, OPEN = (
    "20261101-101500-flash-sale-naive-s7",
    "20261102-101500-flash-sale-hardened-s7",
    "20261103-101500-database-down-attempt-s3",
    "20261104-101500-flash-sale-attempt-s7",
)


def left(root: Path, run_id: str, scenario: str, variant: str, verdict: str = "held", *, seed: int = 7) -> None:
    folder = root / run_id
    folder.mkdir(parents=True)
    (folder / File.JOURNAL).touch()
    told = document(run_id=run_id, scenario=scenario, variant=variant, verdict=verdict, seed=seed)
    (folder / File.VERDICT).write_bytes(encode(plain(told)))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three runs that ended, and the newest, which goes on."""
    root = tmp_path / "evidence"
    monkeypatch.setenv("FIREDRILL_EVIDENCE_DIR", str(root))
    monkeypatch.chdir(tmp_path)
    left(root, NAIVE, "concurrency/flash-sale", "naive", "violated")
    left(root, HARDENED, "concurrency/flash-sale", "hardened")
    left(root, ATTEMPT, "failure/database-down", "attempt", "violated", seed=3)
    (root / OPEN).mkdir()
    (root / OPEN / File.JOURNAL).touch()
    return root


@pytest.mark.parametrize(
    ("words", "run_id"),
    [
        ("", ATTEMPT),
        ("last", ATTEMPT),
        ("last~1", HARDENED),
        ("last naive", NAIVE),
        ("last attempt", ATTEMPT),
        ("last flash-sale", HARDENED),
        ("last concurrency/flash-sale naive", NAIVE),
        ("last violated", ATTEMPT),
        ("last~1 violated", NAIVE),
        ("flash-sale-naive", NAIVE),
        ("1104", OPEN),
        (HARDENED, HARDENED),
    ],
)
def test_a_run_by_its_name(root: Path, words: str, run_id: str) -> None:
    assert names.run_named(words.split()) == root / run_id
    assert names.run_named([words] if words else None) == root / run_id  # quoted


@pytest.mark.parametrize(
    "path",
    [
        "evidence/{}", "evidence/{}/", "evidence/{}/report.html", "{root}/{}/report.html", "./evidence/{}",
        "/srv/lab/evidence/{}/report.html", "http://127.0.0.1:1/run?run={}", "http://127.0.0.1:1/compare?a=b&run={}",
    ],
)  # fmt: skip
def test_paths_that_the_lab_printed(root: Path, path: str) -> None:
    (root / NAIVE / "report.html").touch()
    found = names.run_named([path.format(NAIVE, root=root)])
    assert found.resolve() == (root / NAIVE).resolve()


def test_a_folder_elsewhere_is_taken_as_it_is(root: Path, tmp_path: Path) -> None:
    assert names.run_named([str(tmp_path)]) == tmp_path


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (
            ["flash-sale"],
            "got 'flash-sale', a part of 3 run ids, expected a part of one (last flash-sale is the newest):",
        ),
        (["202611"], "got '202611', a part of 4 run ids, expected a part of one:"),
        (["never"], f"got 'never', expected {names.EXPECTED}; the newest runs are:"),
        (
            ["last", "mutant_x"],
            f"got 'last mutant_x', which no run on record is, expected {names.EXPECTED}; the newest",
        ),
        (["last~9"], "got 'last~9', which no run on record is, expected last, "),
        (["last", "naive", "held"], "got 'last naive held', which no run on record is, expected last, "),
        ([NAIVE, HARDENED], f"got '{NAIVE} {HARDENED}', expected the name of one run"),
    ],
)
def test_what_names_no_run_is_refused_with_those_that_may_be_meant(root: Path, words: list[str], problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        names.run_named(words)
    (told,) = caught.value.problems
    assert told.startswith(f"run: {problem}")
    if ":" in problem:
        assert f"\n  {OPEN}\n" in told


@pytest.mark.parametrize("word", ["x" * 5000, "\udcff", "a\0b", "", "a\nb"])
def test_words_that_no_folder_can_be_called(root: Path, word: str) -> None:
    with pytest.raises(InvalidInput, match=r"^run: got "):
        names.run_named([word])
    assert not names.is_one(word)


def test_many_are_cut_short(root: Path) -> None:
    for number in range(20):
        left(root, f"20261201-0000{number:02}-x", "own/x", "naive")
    with pytest.raises(InvalidInput, match=r"20261201-000019-x\n(.*\n)*  and 12 more \(firedrill list --runs\)$"):
        names.run_named(["20261201"])


def test_without_any_run_it_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREDRILL_EVIDENCE_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(InvalidInput, match=r"there is no run yet \(firedrill run SCENARIO\)$"):
        names.run_named([])


@pytest.mark.parametrize(
    ("words", "run_id", "rest"),
    [
        ("last naive no_oversell", NAIVE, ["no_oversell"]),
        ("last no_oversell", ATTEMPT, ["no_oversell"]),
        (f"{NAIVE} a b", NAIVE, ["a", "b"]),
        ("1102", HARDENED, []),
    ],
)
def test_words_behind_a_run(root: Path, words: str, run_id: str, rest: list[str]) -> None:
    assert names.take(words.split()) == (root / run_id, rest)


def test_last_of_those_that_fit(root: Path) -> None:
    def fits(run: Ended) -> bool:
        return run.variant == "naive"

    assert names.run_named([], fits=fits) == root / NAIVE
    with pytest.raises(InvalidInput, match=r"^run: got 'last held', which no run on record is, expected one on naive$"):
        names.run_named(["last", "held"], fits=fits, wanted="one on naive")


def test_two_runs_to_compare(root: Path) -> None:
    left(root, "20261105-000000-flash-sale-naive-s7", "concurrency/flash-sale", "naive")
    left(root, "20261105-000000-flash-sale-naive-s8", "concurrency/flash-sale", "naive", seed=8)
    left(root, "20261106-000000-flash-sale-attempt-s7", "concurrency/flash-sale", "attempt")

    def told(*words: str) -> tuple[str, str]:
        before, after = names.two(words)
        return before.name, after.name

    latest = "20261106-000000-flash-sale-attempt-s7"
    assert told() == ("20261105-000000-flash-sale-naive-s7", latest)
    assert told(NAIVE) == (NAIVE, "20261105-000000-flash-sale-naive-s7")
    assert told("last", "hardened") == (HARDENED, latest)
    assert told("last", "naive", "last", "attempt") == ("20261105-000000-flash-sale-naive-s8", latest)
    assert told("last~2", HARDENED) == ("20261105-000000-flash-sale-naive-s7", HARDENED)
    with pytest.raises(
        InvalidInput, match=r"got no run of failure/database-down with seed 3 after 2026.*, expected one"
    ):
        names.two([ATTEMPT])


def test_a_command_takes_such_names(shell: Shell, folder: Path) -> None:
    for words in ((), ("last",), ("last", "hardened"), ("20261123",), (f"{folder}/report.html",)):
        assert shell("verify", *words).code == 0
        assert shell("explain", *words).out == f"{folder.name}: nothing is violated, so there is nothing to explain\n"
        assert shell("replay", *words).code == 0


@pytest.mark.parametrize("words", [("no_oversell",), ("last", "no_oversell"), ("last", "hardened", "no_oversell")])
def test_explain_takes_a_check_behind_the_run_or_alone(shell: Shell, folder: Path, words: tuple[str, ...]) -> None:
    said = shell("explain", *words)
    assert said.code == 2
    assert said.err.startswith("firedrill: check: got no_oversell, which is held, expected one that is violated in ")
    assert shell("explain", *words, "more").err.startswith("firedrill: ")
