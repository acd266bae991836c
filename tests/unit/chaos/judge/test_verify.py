import json
import shutil
import sys

import pytest

from chaos.errors import InvalidInput
from chaos.evidence.manifest import write_manifest
from chaos.judge.verify import verify
from chaos.model.journal import EventKind


@pytest.fixture
def evidence(run):
    """A finished folder; `check()` verifies it."""
    run.write_verdict()
    write_manifest(run.folder, {"seed": 7, "git_revision": "abc"})
    return run.folder


@pytest.fixture
def check(run, evidence):
    return lambda: verify(evidence, lambda _: run.scenario)


def test_an_untouched_folder_has_no_problem(check):
    assert check() == []


def test_it_can_be_moved(run, evidence, tmp_path):
    moved = shutil.move(evidence, tmp_path / "elsewhere")
    assert verify(moved, lambda _: run.scenario) == []


@pytest.mark.parametrize(
    "name",
    [
        "journal.jsonl",
        "history/worker-0.jsonl",
        "state.json",
        "driver.json",
        "host.jsonl",
        "scenario.yaml",
        "verdict.json",
    ],
)
@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_any_changed_byte_is_noticed(check, evidence, name, where):
    content = bytearray((evidence / name).read_bytes())
    position = {"first": 0, "middle": len(content) // 2, "last": len(content) - 1}[where]
    content[position] ^= 1
    (evidence / name).write_bytes(content)
    assert any(problem.startswith(f"{name}: got {len(content)} bytes with SHA-256") for problem in check())


def test_every_byte_of_the_manifest_itself_counts(check, evidence):
    manifest = evidence / "manifest.json"
    raw = manifest.read_bytes()
    for position in range(0, len(raw), 7):
        changed = bytearray(raw)
        changed[position] ^= 1
        manifest.write_bytes(changed)
        assert check(), f"byte {position} was changed and nobody noticed"


def test_a_removed_and_an_added_file_are_named(check, evidence):
    (evidence / "host.jsonl").rename(evidence / "guest.jsonl")
    problems = check()
    assert "host.jsonl: got no such file, expected it as in the manifest" in problems
    assert "guest.jsonl: got a file that the manifest doesn't have, expected none" in problems


def test_a_link_in_place_of_a_file_is_named(check, evidence, tmp_path):
    (evidence / "state.json").rename(tmp_path / "state.json")
    (evidence / "state.json").symlink_to(tmp_path / "state.json")
    assert check()[0] == "state.json: got a symbolic link, expected a readable file"


def test_a_verdict_that_the_record_does_not_give_is_noticed_even_with_a_fresh_manifest(run, check, evidence):
    path = evidence / "verdict.json"
    document = json.loads(path.read_text())
    document["verdict"] = "violated"
    document["findings"][0] |= {"verdict": "violated", "measured": "lies"}
    document["findings"].append({**document["findings"][0], "check": "made_up"})
    path.write_text(json.dumps(document))
    write_manifest(evidence, {})
    problems = check()
    assert "verdict.json: verdict: got 'violated', expected 'held' from the record" in problems
    assert any(p.startswith("verdict.json: finding no_oversell: got violated: 'lies', expected held") for p in problems)
    assert "verdict.json: finding made_up: got one that the record doesn't give, expected none" in problems


def test_a_finding_twice_and_a_key_that_no_run_writes_are_noticed_even_with_a_fresh_manifest(check, evidence):
    path = evidence / "verdict.json"
    document = json.loads(path.read_text())
    document["findings"].insert(0, {**document["findings"][0], "verdict": "violated"})
    document["praise"] = "splendid"
    path.write_text(json.dumps(document))
    write_manifest(evidence, {})
    problems = check()
    count = len(document["findings"])
    assert f"verdict.json: findings: got {count} about {count - 1} checks, expected one about each" in problems
    assert "verdict.json: praise: got something that no run writes, expected nothing" in problems


def test_a_finding_that_was_taken_away_is_noticed(check, evidence):
    path = evidence / "verdict.json"
    document = json.loads(path.read_text())
    del document["findings"][0]
    path.write_text(json.dumps(document))
    write_manifest(evidence, {})
    assert any("finding no_oversell: got nothing" in problem for problem in check())


def test_a_record_that_was_changed_gives_another_verdict(run, check, evidence):
    world = json.loads((evidence / "world.json").read_text())
    world["tiers"][0]["capacity"] = 1
    (evidence / "world.json").write_text(json.dumps(world))
    write_manifest(evidence, {})
    assert "verdict.json: verdict: got 'held', expected 'violated' from the record" in check()


def test_what_was_run_has_to_agree_with_the_journal(check, evidence):
    path = evidence / "verdict.json"
    path.write_text(path.read_text().replace('"hardened"', '"attempt"'))
    write_manifest(evidence, {})
    assert check() == ["verdict.json: variant: got 'attempt', expected 'hardened' as in the journal"]


@pytest.mark.parametrize("name", ["manifest.json", "verdict.json"])
@pytest.mark.parametrize("content", [None, b"{", b"[]", b'{"files": 3}'])
def test_a_folder_that_is_no_evidence_is_told_so(check, evidence, name, content):
    (evidence / name).unlink()
    if content is not None:
        (evidence / name).write_bytes(content)
    assert any(problem.startswith(f"{name}: ") for problem in check())


def test_a_scenario_that_cannot_be_read(evidence):
    def refuse(_):
        raise InvalidInput("drill: got 9, expected 1 to 6")

    assert verify(evidence, refuse) == [
        "scenario.yaml: got drill: got 9, expected 1 to 6, expected the scenario as run"
    ]


def test_no_folder(tmp_path, run):
    assert "no such folder" in verify(tmp_path / "none", lambda _: run.scenario)[0]


@pytest.mark.parametrize(("version", "age"), [(1, "an older"), (3, "a newer")])
def test_a_record_of_another_format_is_named_and_not_judged(check, run, evidence, monkeypatch, version, age):
    """By today's rules an older run lacks its clocks, which does not make its own verdict wrong."""
    (evidence / "clocks.jsonl").unlink()
    (evidence / "manifest.json").unlink()
    monkeypatch.setattr("chaos.evidence.manifest.MANIFEST_VERSION", version)
    write_manifest(evidence, {"seed": 7, "git_revision": "abc"})
    monkeypatch.undo()
    (problem,) = check()
    assert problem.startswith(f"manifest.json: version: got {version}, expected 2: {age} Firedrill recorded this run")
    assert problem.endswith("its files are as the run left them")
    (evidence / "state.json").write_bytes(b"{}")
    assert len(check()) == 2, "a changed byte is still told"


OPENED: list[str] = []


def _note(event, arguments):
    if event == "open" and LISTENING:
        OPENED.append(str(arguments[0]))


LISTENING: list[bool] = []
sys.addaudithook(_note)  # stays for good, and listens only below


@pytest.mark.parametrize("version", [1, 2])
def test_each_file_is_hashed_once_whatever_format_it_is_of(check, evidence, monkeypatch, version):
    """Gigabytes may lie there. driver.log is read for nothing but its digest."""
    (evidence / "driver.log").write_text("said")
    (evidence / "manifest.json").unlink()
    monkeypatch.setattr("chaos.evidence.manifest.MANIFEST_VERSION", version)
    write_manifest(evidence, {"seed": 7, "git_revision": "abc"})
    monkeypatch.undo()
    LISTENING.append(True)
    check()
    LISTENING.clear()
    assert OPENED.count(str(evidence / "driver.log")) == 1
    OPENED.clear()


def test_a_verdict_of_before_there_was_so_far_is_believed_and_an_invented_one_is_not(run):
    run.drop_event(EventKind.RUN_ENDED)
    run.write_verdict()
    path = run.folder / "verdict.json"
    written = json.loads(path.read_bytes())

    def problems(so_far):
        for finding in written["findings"]:
            finding.pop("so_far", None)
            if so_far and finding["check"] == "no_oversell":
                finding["so_far"] = so_far
        path.write_text(json.dumps(written))
        write_manifest(run.folder, {})
        return [one for one in verify(run.folder, lambda _: run.scenario) if "counterexamples" not in one]

    said = next(finding["so_far"] for finding in written["findings"] if finding["check"] == "no_oversell")
    assert problems(said) == []
    assert problems("") == []
    assert len(problems("0 of 1000 seats taken")) == 1
