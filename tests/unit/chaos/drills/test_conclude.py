"""From evidence to a verdict on disk and in the index, also when the runner or the scorecard is gone."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaos.adapters.scorecard import Scorecard
from chaos.drills import conclude as concluding
from chaos.drills.conclude import conclude, read_judged
from chaos.drills.crashed import conclude_crashed
from chaos.drills.index import put, summary_for_index
from chaos.errors import InvalidInput, LabBroken
from chaos.evidence.journal import read_events
from chaos.evidence.writing import folders
from chaos.judge.verify import verify
from chaos.model.journal import EventKind
from chaos.model.verdict import Verdict, plain
from tests.unit.chaos.adapters.servers import Http, closed_port, http_server
from tests.unit.chaos.runs import RUN_ID, TEXT, run_of, write_run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "evidence"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def scorecard() -> Iterator[Http]:
    """Keeps runs by id, as the scorecard does."""
    with http_server() as server:
        yield server


def kept(server: Http) -> dict[str, Any]:
    return {path: body for method, path, _, body in server.asked if method == "PUT"}


def test_a_run_that_held(root: Path, said: list[str]) -> None:
    folder = write_run(run_of(root))
    result = conclude(folder, index=None, say=said.append)
    assert (result.verdict, result.exit_code, result.spoiled) == (Verdict.HELD, 0, False)
    assert result.violated == frozenset()
    document = json.loads((folder / "verdict.json").read_bytes())
    assert document == plain(result.document)
    assert {key: document[key] for key in ("run_id", "scenario", "drill", "variant", "seed", "scale", "title")} == {
        "run_id": RUN_ID,
        "scenario": "own/steady",
        "drill": 3,
        "variant": "hardened",
        "seed": 7,
        "scale": 1.0,
        "title": "Steady",
    }
    assert {"report.md", "report.html", "manifest.json"} <= {path.name for path in folder.iterdir()}
    assert verify(folder, read_judged) == []
    assert said == []


def test_whose_run_it_was_is_evidence_too(root: Path, said: list[str]) -> None:
    run = run_of(root)
    run.events[0][1]["learner"] = "Ada | <Lovelace>"
    folder = conclude(write_run(run), index=None, say=said.append).folder
    assert json.loads((folder / "verdict.json").read_text())["learner"] == "Ada | <Lovelace>"
    assert " · by Ada | &lt;Lovelace&gt;</p>" in (folder / "report.html").read_text()
    assert " · by Ada \\| &lt;Lovelace>\n" in (folder / "report.md").read_text()
    assert verify(folder, read_judged) == []
    document = json.loads((folder / "verdict.json").read_text())
    (folder / "verdict.json").write_text(json.dumps({**document, "learner": "Mallory"}))
    assert "verdict.json: learner: got 'Mallory', expected 'Ada | <Lovelace>' as in the journal" in verify(
        folder, read_judged
    )


def test_a_run_of_nobody_says_nothing_of_it(root: Path, said: list[str]) -> None:
    folder = conclude(write_run(run_of(root)), index=None, say=said.append).folder
    assert " · by " not in (folder / "report.md").read_text() + (folder / "report.html").read_text()


def test_a_violation_is_told_by_its_exit_code(root: Path, said: list[str]) -> None:
    run = run_of(root)
    assert run.state is not None
    run.state.tiers = [type(run.state.tiers[0])(tier_id=1, event_slug="gig", capacity=5, sold=5, price_cents=100)]
    result = conclude(write_run(run), index=None, say=said.append)
    assert (result.verdict, result.exit_code) == (Verdict.VIOLATED, 1)
    assert result.violated == {"no_oversell"}


def test_a_run_whose_driver_fell_behind_is_spoiled_by_the_machine(root: Path, said: list[str]) -> None:
    run = run_of(root)
    run.driver = {"send_lag_p99_s": 0.5}
    result = conclude(write_run(run), index=None, say=said.append)
    assert (result.verdict, result.exit_code, result.spoiled) == (Verdict.INCONCLUSIVE, 3, True)


def test_a_saturated_machine_spoils_a_run_in_which_something_was_missed(root: Path, said: list[str]) -> None:
    run = run_of(root)
    run.host = [{**sample, "cpu_busy": 1.0} for sample in run.host]
    run.change = lambda at_s, _op, _number: {"outcome": "fail", "status": 500} if 10 <= at_s < 20 else {}
    result = conclude(write_run(run), index=None, say=said.append)
    assert (result.verdict, result.spoiled) == (Verdict.INCONCLUSIVE, True)


@pytest.mark.parametrize("busy", [True, False])
def test_a_steady_state_that_a_busy_machine_missed_is_worth_another_try(
    root: Path, said: list[str], busy: bool
) -> None:
    run = run_of(root)
    run.host = [{**sample, "cpu_busy": 1.0} for sample in run.host] if busy else run.host
    run.change = lambda at_s, _op, _number: {"outcome": "fail", "status": 500} if at_s < 10 else {}
    run.events.append((EventKind.ABORTED, {"by": "steady_state", "reason": "no steady state in baseline"}))
    run.drop_event(EventKind.FAULT_INJECTED)
    result = conclude(write_run(run), index=None, say=said.append)
    assert (result.verdict, result.spoiled) == (Verdict.INCONCLUSIVE, busy)
    assert result.document.aborted == "steady_state"


def test_a_saturated_machine_spoils_no_run_in_which_all_was_met(root: Path, said: list[str]) -> None:
    run = run_of(root)
    run.host = [{**sample, "cpu_busy": 1.0} for sample in run.host]
    result = conclude(write_run(run), index=None, say=said.append)
    assert (result.verdict, result.exit_code, result.spoiled) == (Verdict.HELD, 0, False)


def test_a_fault_that_was_not_felt_is_not_the_machine_s_doing(root: Path, said: list[str]) -> None:
    run = run_of(root)
    run.driver = {"send_lag_p99_s": 0.5}
    next(data for kind, data in run.events if kind is EventKind.EXPOSURE)["count"] = 0
    result = conclude(write_run(run), index=None, say=said.append)
    assert (result.verdict, result.spoiled) == (Verdict.INCONCLUSIVE, False)


def test_a_finished_run_is_put_into_the_index(root: Path, scorecard: Http, said: list[str]) -> None:
    scorecard.answers[f"PUT /api/runs/{RUN_ID}/"] = (201, b"{}")
    conclude(write_run(run_of(root)), index=Scorecard(scorecard.url, "t"), say=said.append)
    run = kept(scorecard)[f"/api/runs/{RUN_ID}/"]
    assert sorted(run) == [
        "code",
        "drill",
        "duration_s",
        "evidence_path",
        "exit_code",
        "findings",
        "proves",
        "run_id",
        "scale",
        "scenario",
        "seed",
        "started_at",
        "title",
        "variant",
        "verdict",
    ]
    assert (run["verdict"], run["exit_code"], run["scale"], run["evidence_path"]) == ("held", 0, 1.0, RUN_ID)
    assert said == []


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        (None, ""),
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"diff", "df087996d45b03e7eb8c133c0298fd98d35113fca26aaba58612fef3cc212cad"),
    ],
)
def test_the_index_knows_a_run_s_code_by_its_patch(root: Path, said: list[str], patch: bytes | None, code: str) -> None:
    run = write_run(run_of(root))
    if patch is not None:
        (run / "attempt.patch").write_bytes(patch)
    folder = conclude(run, index=None, say=said.append).folder
    assert summary_for_index(folder)["code"] == code


def test_without_a_scorecard_the_run_still_ends(root: Path, said: list[str]) -> None:
    away = Scorecard(f"http://127.0.0.1:{closed_port()}", "t")
    result = conclude(write_run(run_of(root)), index=away, say=said.append)
    assert result.verdict is Verdict.HELD
    assert verify(result.folder, read_judged) == []
    assert said == [
        "not indexed: scorecard: got ConnectError, expected it to take the run (firedrill index does it later)"
    ]


def test_indexing_again_puts_the_same_run_under_the_same_id(root: Path, scorecard: Http, said: list[str]) -> None:
    scorecard.answers[f"PUT /api/runs/{RUN_ID}/"] = (200, b"{}")
    index = Scorecard(scorecard.url, "t")
    folder = write_run(run_of(root))
    conclude(folder, index=index, say=said.append)
    assert put(index, folder, said.append)
    assert [path for _, path, _, _ in scorecard.asked] == [f"/api/runs/{RUN_ID}/"] * 2
    assert scorecard.asked[0][3] == scorecard.asked[1][3]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"run_id": 1}', b"\xff"])
def test_a_damaged_verdict_is_not_indexed(root: Path, said: list[str], content: bytes) -> None:
    folder = write_run(run_of(root))
    (folder / "verdict.json").write_bytes(content)
    assert not put(Scorecard("http://127.0.0.1:9", "t"), folder, said.append)
    assert len(said) == 1
    assert said[0].startswith(f"not indexed: {folder}")


def test_no_room_for_the_verdict(root: Path, said: list[str]) -> None:
    folder = write_run(run_of(root))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
        with pytest.raises(LabBroken) as caught:
            conclude(folder, index=None, say=said.append)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert str(caught.value) == f"{folder}: got File too large, expected room to write the evidence"
    assert not (folder / "verdict.json").exists()
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    # With room again it can be closed after all.
    assert conclude_crashed(root, index=None, say=said.append) == [folder]


# --- runs whose runner died ------------------------------------------------------------------------------------------


def crash(root: Path, *, torn: bytes = b"") -> Path:
    """A folder as `kill -9` amid the spike leaves it: no end in the journal, no end state, secrets still there."""
    run = run_of(root)
    last = next(at for at, (kind, _) in enumerate(run.events) if kind is EventKind.FAULT_INJECTED)
    run.events = run.events[: last + 1]
    run.history_tail = False
    folder = write_run(run)
    for name in ("driver.json", "histograms.json", "state.json"):
        (folder / name).unlink()
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(torn)
    return folder


@pytest.mark.parametrize("torn", [b"", b'{"seq":8,"at_unix_s":10000'])
def test_a_dead_run_is_closed_as_inconclusive(root: Path, said: list[str], torn: bytes) -> None:
    folder = crash(root, torn=torn)
    assert conclude_crashed(root, index=None, say=said.append) == [folder]
    document = json.loads((folder / "verdict.json").read_bytes())
    assert (document["verdict"], document["exit_code"]) == ("inconclusive", 3)
    last = list(read_events(folder / "journal.jsonl"))[-1]
    assert (last.event, last.data) == (
        EventKind.ABORTED,
        {"reason": "the runner died before the end of the run", "by": "lab"},
    )
    assert b"acc3ss" not in (folder / "world.json").read_bytes()
    assert [path.name for path in (folder / "history").iterdir()] == ["worker-0.jsonl.gz"]
    assert verify(folder, read_judged) == []
    assert conclude_crashed(root, index=None, say=said.append) == []
    assert said == []


def test_what_the_watchdog_did_is_part_of_a_dead_run(root: Path, said: list[str]) -> None:
    folder = crash(root)
    noted = {"at_unix_s": 5.0, "event": "watchdog", "data": {"action": "healed", "left": []}}
    (folder / "watchdog.jsonl").write_text(json.dumps(noted) + "\n")
    conclude_crashed(root, index=None, say=said.append)
    events = list(read_events(folder / "journal.jsonl"))
    assert [event.event for event in events][-2:] == [EventKind.WATCHDOG, EventKind.ABORTED]
    assert events[-2].data == {"action": "healed", "left": [], "noted_unix_s": 5.0}
    assert [event.seq for event in events] == list(range(len(events)))


def test_a_run_that_died_while_it_was_closed_is_closed_once_more(root: Path, said: list[str]) -> None:
    folder = crash(root)
    conclude_crashed(root, index=None, say=said.append)
    for name in ("manifest.json", "report.md", "report.html"):
        (folder / name).unlink()
    before = (folder / "journal.jsonl").read_bytes()
    assert conclude_crashed(root, index=None, say=said.append) == [folder]
    assert (folder / "journal.jsonl").read_bytes() == before
    assert verify(folder, read_judged) == []


def test_a_run_that_ended_but_was_never_judged(root: Path, said: list[str]) -> None:
    """Its heal failed, say: the runner ended with exit code 4 and left the folder as it was."""
    folder = write_run(run_of(root))
    before = list(read_events(folder / "journal.jsonl"))
    assert conclude_crashed(root, index=None, say=said.append) == [folder]
    assert list(read_events(folder / "journal.jsonl")) == before
    assert json.loads((folder / "verdict.json").read_bytes())["verdict"] == "held"


def test_what_can_t_be_closed_is_left_and_said(root: Path, said: list[str]) -> None:
    bad = crash(root)
    (bad / "journal.jsonl").write_bytes(b"no journal\n" + (bad / "journal.jsonl").read_bytes())
    good = write_run(run_of(root, "20261123-101503-steady-hardened-s7"))
    assert conclude_crashed(root, index=None, say=said.append) == [good]
    assert len(said) == 1
    assert said[0].startswith(f"{bad.name}: left as it is: ")


def test_tokens_of_a_run_that_died_while_preparing_are_removed(root: Path, said: list[str]) -> None:
    folder = root / "20261123-101502-x"
    folder.mkdir(parents=True)
    (folder / "world.json").write_text('{"password": "p4ss", "customers": [{"id": 1, "access": "acc3ss"}]}')
    assert conclude_crashed(root, index=None, say=said.append) == []
    assert (folder / "world.json").read_text().split() == ["{", '"customers":', "[", "{", '"id":', "1", "}", "]", "}"]
    assert said == []


def test_folders_are_those_with_a_journal_oldest_first(root: Path) -> None:
    assert folders(root) == []
    later = write_run(run_of(root, "20261124-000000-b"))
    earlier = write_run(run_of(root, "20261123-000000-a"))
    (root / "notes").mkdir()
    (root / "file").write_text("")
    assert folders(root) == [earlier, later]


# --- tampering -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "data"),
    [
        ("note", {}),
        ("run_started", {}),
        ("run_started", {"run_id": "r", "variant": "naive", "seed": "7", "scale": 1.0}),
        ("run_started", {"run_id": "r", "variant": "naive", "seed": 7, "scale": "much"}),
        ("run_started", {"run_id": 5, "variant": "naive", "seed": 7, "scale": 1.0}),
        ("run_started", {"run_id": "r", "variant": "naive", "seed": 7, "scale": 1.0, "versions": [1]}),
    ],
)
def test_a_journal_that_starts_otherwise_is_no_run(root: Path, event: str, data: dict[str, Any]) -> None:
    folder = write_run(run_of(root))
    line = {"seq": 0, "at_unix_s": 1.0, "event": event, "data": data}
    (folder / "journal.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(InvalidInput, match=f"^{folder}"):
        read_judged(folder / "scenario.yaml")


@pytest.mark.parametrize("name", ["journal.jsonl", "scenario.yaml"])
@pytest.mark.parametrize("content", [b"", b"\xff", b"{", b"[]\n", None])
def test_a_folder_that_is_no_run(root: Path, name: str, content: bytes | None) -> None:
    folder = write_run(run_of(root))
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        read_judged(folder / "scenario.yaml")
    assert all(problem.startswith(str(folder)) for problem in caught.value.problems)


def test_verify_derives_the_verdict_with_the_run_s_own_seed_and_scale(root: Path, said: list[str]) -> None:
    folder = write_run(run_of(root, scale=0.5, seed=99))
    result = conclude(folder, index=None, say=said.append)
    assert (result.document.seed, result.document.scale) == (99, 0.5)
    assert "seed: 1\n" in TEXT
    assert verify(folder, read_judged) == []


def test_a_run_of_an_older_format_is_shown_as_it_was_judged(
    root: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its record has no clocks: judged by today's rules it would be inconclusive."""
    run = run_of(root)
    run.change = lambda at_s, _op, _number: {"outcome": "fail", "status": 500} if 10 <= at_s < 20 else {}
    monkeypatch.setattr("chaos.evidence.manifest.MANIFEST_VERSION", 1)
    folder = conclude(write_run(run), index=None, say=said.append).folder
    monkeypatch.undo()
    (folder / "clocks.jsonl").unlink()
    assert concluding.shown_of(folder).document.verdict == "violated"
    (slo,) = concluding.explained(folder, "slo:success_ratio[spike,browse]")
    assert slo.operations
    with pytest.raises(InvalidInput, match="got no_oversell, which is held"):
        concluding.explained(folder, "no_oversell")
