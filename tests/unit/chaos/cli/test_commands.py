"""The commands: exit codes, one JSON document, sentences instead of tracebacks."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chaos.cli import app as cli
from chaos.cli import power
from chaos.drills import conclude as conclusions
from chaos.drills.conclude import conclude
from chaos.drills.results import RunResult
from chaos.drills.session import Options
from chaos.errors import Inconclusive, LabBroken, LearnerCodeError
from chaos.judge.verify import write_manifest
from chaos.load.schema import exported_schema
from chaos.model.scenario import Scenario
from chaos.run.lock import run_lock
from tests.unit.chaos.adapters.servers import Http, closed_port, http_server
from tests.unit.chaos.evidence import RUN_ID, TEXT, run_of, write_run
from tests.unit.chaos.scenarios import GOOD, bent

CHECKOUT = Path(__file__).resolve().parents[4]


@dataclass
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


@dataclass
class Shell:
    """Runs commands in this process, with a lab and an evidence folder of its own."""

    lab: Path
    evidence: Path
    call: Callable[..., Said]

    def __call__(self, *arguments: str) -> Said:
        said = self.call(*arguments)
        assert "Traceback" not in said.err
        return said

    def stack(self, **urls: str) -> None:
        """Leave an address book as a running stack does; parts that are not named are at a closed port."""
        nobody = f"http://127.0.0.1:{closed_port()}"
        parts = ("api", "dashboard", "scorecard", "gateway", "agent", "toxiproxy", "supervisor")
        proxies = {
            name: {"listen": f"127.0.0.1:{closed_port()}", "upstream": "127.0.0.1:1"}
            for name in ("shop_to_postgres", "shop_to_cache", "shop_to_broker", "shop_to_gateway")
        }
        book = {
            "mode": "local",
            "base_port": 27000,
            "lab_dir": str(self.lab),
            "urls": {**dict.fromkeys(parts, nobody), **urls},
            "postgres": {"host": "127.0.0.1", "port": closed_port(), "user": "u", "password": "p"},
            "redis": {"host": "127.0.0.1", "port": closed_port()},
            "proxies": proxies,
            "supervisor": {"username": "u", "password": "p"},
            "lab_token": "t0ken",
            "metrics": {},
            "driver_metrics_port": 0,
            "toxiproxy": {"kind": "builtin", "version": "2.12.0"},
        }
        self.lab.mkdir(exist_ok=True)
        (self.lab / "stack.json").write_text(json.dumps(book))


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    lab, evidence = tmp_path / "lab", tmp_path / "evidence"
    monkeypatch.setenv("FIREDRILL_LAB_DIR", str(lab))
    monkeypatch.setenv("FIREDRILL_EVIDENCE_DIR", str(evidence))
    monkeypatch.delenv("FIREDRILL_STACK_FILE", raising=False)

    def call(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["firedrill", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capsys.readouterr()
        code = caught.value.code
        return Said(int(code) if isinstance(code, int) else 0 if code is None else -1, out, err)

    return Shell(lab, evidence, call)


@pytest.fixture
def good(tmp_path: Path) -> str:
    path = tmp_path / "good.yaml"
    path.write_text(GOOD)
    return str(path)


@pytest.fixture
def bad(tmp_path: Path) -> str:
    path = tmp_path / "bad.yaml"
    path.write_text(bent(("settle: 20s", "settel: 20s"), ("drill: 3", "drill: 9")))
    return str(path)


# --- files -----------------------------------------------------------------------------------------------------------


def test_validate_a_good_file(shell: Shell, good: str) -> None:
    said = shell("validate", good)
    assert (said.code, said.out, said.err) == (0, "1 scenario(s): valid\n", "")
    said = shell("validate", good, "--json")
    assert (said.code, said.json) == (0, {"checked": [good], "problems": []})


def test_validate_what_ships(shell: Shell) -> None:
    assert shell("validate").code == 0


def test_validate_names_every_problem_of_every_file(shell: Shell, good: str, bad: str) -> None:
    said = shell("validate", bad, good, "no-such-scenario")
    assert (said.code, said.out) == (2, "")
    lines = said.err.splitlines()
    assert lines[0] == f"firedrill: {bad}: drill: got 9, expected at most 6 (line 2)"
    assert lines[1].startswith(f"firedrill: {bad}: settel: got an unknown key, expected one of ")
    assert lines[2].startswith("firedrill: scenario: got 'no-such-scenario', expected a file or one of ")
    assert len(lines) == 3


def test_validate_as_json(shell: Shell, bad: str) -> None:
    said = shell("validate", bad, "--json")
    assert said.code == 2
    assert said.json["checked"] == [bad]
    assert [problem.partition(": got")[0] for problem in said.json["problems"]] == [f"{bad}: drill", f"{bad}: settel"]


def test_schema(shell: Shell) -> None:
    said = shell("schema")
    assert (said.code, said.json) == (0, exported_schema())


def test_list(shell: Shell) -> None:
    said = shell("list", "--json")
    assert said.code == 0
    assert "concurrency/flash-sale" in [row["name"] for row in said.json]
    assert "concurrency/flash-sale" in shell("list").out


def test_list_runs(shell: Shell) -> None:
    assert shell("list", "--runs", "--json").json == []
    conclude(write_run(run_of(shell.evidence)), index=None, say=pytest.fail)
    write_run(run_of(shell.evidence, "20261124-000000-open"))
    rows = shell("list", "--runs", "--json").json
    assert [(row["run_id"], row["verdict"]) for row in rows] == [(RUN_ID, "held"), ("20261124-000000-open", "open")]


# --- evidence --------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(shell: Shell) -> Path:
    return conclude(write_run(run_of(shell.evidence)), index=None, say=pytest.fail).folder


def test_verify_an_untouched_folder(shell: Shell, folder: Path) -> None:
    for name in (folder.name, str(folder)):
        said = shell("verify", name)
        assert (said.code, said.err) == (0, "")
        assert said.out == f"{RUN_ID}: held: it follows from the evidence, and nothing was changed\n"
    assert shell("verify", folder.name, "--json").json == {"folder": str(folder), "problems": []}


@pytest.mark.parametrize(
    "name", ["journal.jsonl", "scenario.yaml", "verdict.json", "manifest.json", "report.md", "history/worker-0.jsonl"]
)
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe{", b"{}", b"[]", b"changed\n"])
def test_verify_a_folder_that_was_tampered_with(shell: Shell, folder: Path, name: str, content: bytes | None) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    said = shell("verify", folder.name)
    assert (said.code, said.out) == (2, "")
    assert any(name in line for line in said.err.splitlines())
    said = shell("verify", folder.name, "--json")
    assert said.code == 2
    assert said.json["problems"]


@pytest.mark.parametrize(("now", "told"), [("a" * 40, False), ("b" * 40, True), ("", False)])
def test_verify_says_when_another_revision_judged(
    shell: Shell, folder: Path, monkeypatch: pytest.MonkeyPatch, now: str, told: bool
) -> None:
    write_manifest(folder, {"git_revision": "a" * 40})
    (folder / "report.md").write_text("changed")
    monkeypatch.setattr("chaos.drills.conclude.git_revision", lambda: now)
    said = shell("verify", folder.name)
    assert said.code == 2
    assert ("judged at revision aaaaaaaaaa, this is bbbbbbbbbb" in said.err) == told


def test_verify_what_is_not_there(shell: Shell) -> None:
    said = shell("verify", "20200101-000000-never")
    assert said.code == 2
    assert said.err == (
        f"firedrill: {shell.evidence}/20200101-000000-never: got no such folder, expected an evidence folder\n"
    )


# --- the scorecard's index -------------------------------------------------------------------------------------------


@pytest.fixture
def scorecard(shell: Shell) -> Iterator[Http]:
    with http_server() as server:
        shell.stack(scorecard=server.url)
        yield server


def test_index_any_time_without_duplicates(shell: Shell, folder: Path, scorecard: Http) -> None:
    scorecard.answers[f"PUT /api/runs/{RUN_ID}/"] = (200, b"{}")
    write_run(run_of(shell.evidence, "20261124-000000-open"))  # without a verdict there is nothing to index
    assert shell("index").out == "indexed 1 run(s)\n"
    said = shell("index", "--json")
    assert (said.code, said.json) == (0, {"indexed": 1, "problems": []})
    assert scorecard.paths() == [f"PUT /api/runs/{RUN_ID}/"] * 2
    assert scorecard.asked[0][3] == scorecard.asked[1][3]


@pytest.mark.parametrize(
    ("name", "got"),
    [
        ("verdict.json", "verdict.json: got "),
        ("manifest.json", "manifest.json: got No such file or directory, expected a readable file"),
        ("notes.txt", "notes.txt: got a file that the manifest doesn't have, expected none"),
    ],
)
def test_index_takes_no_folder_that_was_changed_since(
    shell: Shell, folder: Path, scorecard: Http, name: str, got: str
) -> None:
    """What the scorecard has sets ceilings, and may confirm a 3."""
    if name == "manifest.json":
        (folder / name).unlink()
    else:
        with (folder / name).open("a") as file:
            file.write("\n")
    said = shell("index", "--json")
    assert (said.code, said.json["indexed"]) == (2, 0)
    assert said.json["problems"][0].startswith(f"not indexed: {folder.name}: {got}")
    assert said.json["problems"][0].endswith(" (firedrill verify says the rest)")
    assert scorecard.paths() == []


def test_index_when_the_scorecard_is_down(shell: Shell, folder: Path) -> None:
    shell.stack()
    said = shell("index", "--json")
    assert said.code == 4
    assert said.json["indexed"] == 0
    assert said.json["problems"] == [
        "not indexed: scorecard: got ConnectError, expected it to take the run (firedrill index does it later)"
    ]


# --- the drill map ---------------------------------------------------------------------------------------------------


def test_export_to_stdout_and_to_a_file(shell: Shell, scorecard: Http, tmp_path: Path) -> None:
    scorecard.answers["GET /api/drill-map.md"] = (200, "# Drill map 🟢\n".encode())
    scorecard.answers["GET /api/drill-map/"] = (200, b'{"format": "firedrill-drill-map"}')
    assert (shell("export", "--format", "markdown").out) == "# Drill map 🟢\n"
    assert shell("export", "--format", "json").json == {"format": "firedrill-drill-map"}
    said = shell("export", "--format", "json", "--to", str(tmp_path / "map.json"))
    assert (said.code, said.out) == (0, f"exported to {tmp_path / 'map.json'}\n")
    assert (tmp_path / "map.json").read_bytes() == b'{"format": "firedrill-drill-map"}'


def test_import_says_what_was_added(shell: Shell, scorecard: Http, tmp_path: Path) -> None:
    file = tmp_path / "map.json"
    file.write_text('{"format": "firedrill-drill-map"}')
    scorecard.json("POST /api/drill-map/", {"scores": 3, "hints": 0, "runs": 2})
    assert shell("import", str(file)).out == "imported: 3 scores, 2 runs\n"
    assert scorecard.asked[0][3] == {"format": "firedrill-drill-map"}
    scorecard.json("POST /api/drill-map/", {"scores": 0})
    assert shell("import", str(file)).out == "imported: nothing new, all of it was here already\n"
    assert shell("import", str(file), "--json").json == {"added": {"scores": 0}}


def test_a_damaged_drill_map_is_the_callers(shell: Shell, scorecard: Http, tmp_path: Path) -> None:
    file = tmp_path / "map.json"
    file.write_text("{}")
    scorecard.json("POST /api/drill-map/", {"detail": "/document/0: digest: got one that does not fit"}, 400)
    said = shell("import", str(file))
    assert (said.code, said.out) == (2, "")
    assert said.err == "firedrill: drill map: nothing was imported: digest: got one that does not fit\n"
    scorecard.answers["POST /api/drill-map/"] = (413, b"<html>")
    assert shell("import", str(file)).code == 2


def test_a_file_that_is_none(shell: Shell, scorecard: Http, tmp_path: Path) -> None:
    said = shell("import", str(tmp_path / "nothing.json"))
    assert said.code == 2
    assert "expected a drill map" in said.err
    big = tmp_path / "big.json"
    big.write_bytes(b" " * (4 * 2**20 + 1))
    assert shell("import", str(big)).code == 2
    assert scorecard.asked == []


@pytest.mark.parametrize("status", [401, 500])
def test_a_scorecard_that_takes_nothing(shell: Shell, scorecard: Http, tmp_path: Path, status: int) -> None:
    (tmp_path / "map.json").write_text("{}")
    scorecard.answers["POST /api/drill-map/"] = (status, b"no")
    scorecard.answers["GET /api/drill-map/"] = (status, b"no")
    assert shell("import", str(tmp_path / "map.json")).code == 4
    assert shell("export", "--format", "json").code == 4
    scorecard.answers["GET /api/drill-map/"] = (200, b"{}")
    assert shell("export", "--format", "json", "--to", str(tmp_path / "no" / "map.json")).code == 4


def test_a_drill_map_when_the_scorecard_is_down(shell: Shell, tmp_path: Path) -> None:
    shell.stack()
    (tmp_path / "map.json").write_text("{}")
    assert shell("export", "--format", "markdown").err.startswith("firedrill: scorecard: got ConnectError")
    assert shell("import", str(tmp_path / "map.json")).code == 4
    assert shell("export").code == 2
    assert shell("export", "--format", "yaml").code == 2


# --- a bundle for the mentor ------------------------------------------------------------------------------------------


def checked(
    shell: Shell,
    *,
    part: str = "core",
    stamp: str = "20261123-120000",
    patch: bytes | None = b"",
    seeds: tuple[int, ...] = (7, 8, 9),
    learner: str = "Ada",
) -> list[str]:
    """A check of drill 3 that held, as `firedrill check` leaves it. Returns the runs' ids."""
    names, tries = [], []
    for seed in seeds:
        names.append(f"20261123-101502-steady-attempt-s{seed}")
        run = run_of(shell.evidence, names[-1], variant="attempt", seed=seed, learner=learner)
        folder = write_run(run)
        if patch is not None:
            (folder / "attempt.patch").write_bytes(patch)
        conclude(folder, index=None, say=pytest.fail)
        tries.append({"seed": seed, "verdict": "held", "folder": str(folder), "reason": "held"})
    item = {"name": "own/steady", "verdict": "held", "reason": "held | [in](http://a.row)", "tries": tries}
    document = {"drill": 3, "key": "concurrency", "variant": "attempt", "exit_code": 0}
    document["parts"] = {part: {"verdict": "held", "items": [item]}}
    (shell.evidence / "checks").mkdir(exist_ok=True)
    (shell.evidence / "checks" / f"{stamp}-concurrency-attempt.json").write_text(json.dumps(document))
    return names


def bundled(shell: Shell, to: Path) -> Path:
    """The folder that a mentor unpacks."""
    assert shell("bundle", "3", "--to", str(to / "for mentor.zip")).code == 0
    with zipfile.ZipFile(to / "for mentor.zip") as archive:
        archive.extractall(to)
    return to / "for-mentor"


def test_a_bundle_stands_alone(shell: Shell, tmp_path: Path) -> None:
    """It is read on another machine: what it says is verified there, from what is in it."""
    core = checked(shell, patch=b"diff")
    stretch = checked(shell, part="stretch", stamp="20261124-120000", patch=b"diff", seeds=(10, 11, 12))
    top = bundled(shell, tmp_path / "out")
    assert sorted(path.name for path in top.iterdir()) == ["README.md", "attempt.patch", "check.json", "runs"]
    assert (top / "attempt.patch").read_bytes() == b"diff"
    assert {path.name for path in (top / "runs").iterdir()} == {*core, *stretch}
    for name in core:
        assert shell("verify", str(top / "runs" / name)).out.startswith(f"{name}: held: ")
        assert (top / "runs" / name / "report.html").is_file()
    page = (top / "README.md").read_text()
    assert page.startswith("# Drill 3, Async tasks and concurrency: Ada\n")
    assert "## Core: ● passed\n" in page
    began = json.loads((shell.evidence / core[0] / "verdict.json").read_text())["started_at"][:16]
    assert f"[seed 7, scale 1, {began}](runs/{core[0]}/report.html) ● held; [seed 8, " in page
    assert "| own/steady | held \\| \\[in\\](http://a.row) |" in page
    assert "as it ran in 6 runs." in page
    assert "- Learner of all runs: Ada." in page
    assert "used up are 7, 8, 9, 10, 11, 12." in page
    assert json.loads((top / "check.json").read_text())["learner"] == "Ada"


def test_a_bundle_takes_the_newest_check_and_says_what_is_not_one_and_the_same(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked(shell, seeds=(1, 2, 3), stamp="20261121-120000", patch=b"never mind")
    monkeypatch.setattr(conclusions, "git_revision", lambda: "abc")
    other = checked(shell, seeds=(4, 5, 6), stamp="20261122-120000", patch=b"old", learner="![B](http://b/b.png)")
    monkeypatch.setattr(conclusions, "git_revision", lambda: "def+changes")
    newest = checked(shell, part="stretch", seeds=(7, 8, 9), stamp="20261123-120000", patch=b"new")
    top = bundled(shell, tmp_path)
    page = (top / "README.md").read_text()
    assert "as it ran in 3 runs." in page
    assert f"**Other code** ran in 3 runs: `{other[0]}`, " in page
    assert f"**Not all of one revision**: `abc`: `{other[0]}`, " in page
    assert "**The lab's own files had changes** in 3 runs" in page
    assert f"**Not all of one learner**: \\!\\[B\\](http://b/b.png): `{other[0]}`, " in page
    assert " clone of Firedrill at revision `abc`; " in page
    assert (top / "attempt.patch").read_bytes() == b"new"
    assert {path.name for path in (top / "runs").iterdir()} == {*other, *newest}


def test_a_bundle_of_runs_that_kept_no_code_says_so(shell: Shell, scorecard: Http, tmp_path: Path) -> None:
    """Nor whose they were: then the name is the one that the scorecard has."""
    scorecard.json("GET /api/learner/", {"name": "Ada <Lovelace>", "version": 2})
    names = checked(shell, patch=None, learner="")
    top = bundled(shell, tmp_path)
    page = (top / "README.md").read_text()
    assert page.startswith("# Drill 3, Async tasks and concurrency: Ada &lt;Lovelace>\n")
    assert f"**No code was kept** with 3 runs: `{names[0]}`, " in page
    assert "- Learner of all runs: no name." in page
    assert "## Stretch: not checked" in page
    assert "git apply" not in page
    assert not (top / "attempt.patch").exists()


def test_what_was_changed_or_is_gone_is_not_bundled(shell: Shell) -> None:
    name, *_ = checked(shell)
    path = shell.evidence / name / "verdict.json"
    path.write_bytes(path.read_bytes().replace(b"held", b"HELD"))
    said = shell("bundle", "3")
    assert said.code == 2
    assert said.err.startswith(f"firedrill: {name}: verdict.json: got ")
    shutil.rmtree(shell.evidence / name)
    said = shell("bundle", "3")
    assert (said.code, said.out) == (2, "")
    assert "got no such folder, expected an evidence folder" in said.err
    assert not (shell.evidence / "bundles").exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda part, item: item["tries"][0].update(verdict="inconclusive"), "seed 7, inconclusive, expected"),
        (lambda part, item: item["tries"][0].update(seed=70), "with seed 70, held, expected own/steady of drill 3"),
        (lambda part, item: item.update(name="concurrency/flash-sale"), "got concurrency/flash-sale of drill 3"),
        (lambda part, item: item["tries"].pop(), "own/steady: got held, expected inconclusive from 2 tries"),
        (lambda part, item: item["tries"].clear(), "got held, expected inconclusive from 0 tries"),
        (lambda part, item: item["tries"].__setitem__(2, item["tries"][1]), "expected inconclusive from 3 tries"),
        (lambda part, item: item.update(verdict="violated"), "own/steady: got violated, expected held from 3 tries"),
        (lambda part, item: part.update(verdict="violated"), "core: got violated, expected held from its parts"),
        (lambda part, item: part.update(items=[]), "core: got held, expected inconclusive from its parts"),
    ],
)
def test_a_check_that_says_otherwise_than_its_runs_is_not_bundled(
    shell: Shell, change: Callable[[dict[str, Any], dict[str, Any]], None], problem: str
) -> None:
    """It has no seal: anybody may have edited it."""
    checked(shell)
    (path,) = (shell.evidence / "checks").iterdir()
    document = json.loads(path.read_text())
    change(document["parts"]["core"], document["parts"]["core"]["items"][0])
    path.write_text(json.dumps(document))
    said = shell("bundle", "3")
    assert said.code == 2
    assert problem in said.err


def test_nothing_to_bundle(shell: Shell, tmp_path: Path) -> None:
    said = shell("bundle", "3")
    assert said.code == 2
    assert said.err == "firedrill: bundle: got no check of drill 3 on 'attempt', expected one (firedrill check 3)\n"
    assert shell("bundle", "9").code == 2
    checked(shell)
    assert shell("bundle", "3", "--variant", "*").code == 2
    assert shell("bundle", "3", "--variant", "\udcff").code == 2
    for to in (tmp_path, tmp_path / "\udcff.zip"):
        assert shell("bundle", "3", "--to", str(to)).code == 2
    (tmp_path / "file").write_text("")
    assert shell("bundle", "3", "--to", str(tmp_path / "file" / "x.zip")).code == 4
    (shell.evidence / "checks" / "20261130-000000-concurrency-attempt.json").write_text('{"parts": 3}')
    said = shell("bundle", "3")
    assert said.code == 2
    assert "20261130-000000-concurrency-attempt.json: got " in said.err


# --- a stack that is down, dirty or busy -----------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("heal",), ("index",), ("export", "--format", "json"), ("import", "map.json")])
def test_commands_that_need_a_stack(shell: Shell, command: tuple[str, ...]) -> None:
    said = shell(*command)
    assert (said.code, said.out) == (4, "")
    assert said.err.startswith("firedrill: stack: got a stack that is down (")
    assert said.err.endswith("), expected it up (make up)\n")


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"mode": 5}'])
def test_an_address_book_that_can_t_be_read(shell: Shell, content: str) -> None:
    shell.lab.mkdir()
    (shell.lab / "stack.json").write_text(content)
    said = shell("heal", "--json")
    assert said.code == 4
    assert said.json["error"]["exit_code"] == 4


def test_no_up_refuses_a_stack_that_is_down(shell: Shell, good: str) -> None:
    for command in (("run", good), ("selftest", good)):
        said = shell(*command, "--no-up")
        assert said.code == 4
        assert "stack: got a stack that is down (" in said.err
        assert "expected it up (make up, or without --no-up)" in said.err
    assert not shell.evidence.exists()


def test_one_run_at_a_time(shell: Shell, good: str) -> None:
    with run_lock(shell.lab, "flash-sale on naive"):
        said = shell("run", good, "--no-up")
    assert said.code == 2
    assert "run: got a lab that is busy with flash-sale on naive (pid " in said.err


def proxies(*, enabled: bool = True, toxics: tuple[dict[str, Any], ...] = (), **book: Any) -> dict[str, Any]:
    return {
        name: {"name": name, **addresses, "enabled": enabled, "toxics": list(toxics)}
        for name, addresses in book.items()
    }


@pytest.fixture
def toxiproxy(shell: Shell) -> Iterator[Http]:
    """A Toxiproxy whose proxies are all disabled until it is reset."""
    with http_server() as server:
        shell.stack(toxiproxy=server.url)
        book = json.loads((shell.lab / "stack.json").read_text())["proxies"]
        server.json("GET /proxies", proxies(enabled=False, **book))

        def reset(_: Any) -> tuple[int, bytes]:
            server.json("GET /proxies", proxies(**book))
            return 204, b""

        server.answers["POST /reset"] = reset
        yield server


def test_dirty_proxies_are_refused(shell: Shell, good: str, toxiproxy: Http) -> None:
    said = shell("run", good, "--no-up", "--json")
    assert said.code == 4
    assert said.json["error"]["message"].startswith("lab: got proxy shop_to_postgres: got it disabled")
    assert said.json["error"]["message"].endswith("expected a pristine one (firedrill heal, or --heal)")
    assert toxiproxy.paths() == ["GET /proxies"]
    assert not shell.evidence.exists()


def test_heal_says_what_it_lifted_and_what_it_could_not_ask(
    shell: Shell, toxiproxy: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxies come back; supervisor and gateway are away, and may have something left: that is no pristine lab."""
    monkeypatch.setattr(cli, "HEAL_PATIENCE_S", 0.1)
    said = shell("heal", "--json")
    assert said.code == 4
    assert len(said.json["lifted"]) == 4
    left = [
        "supervisor: SIGCONT to api: got ConnectionRefusedError, expected an answer (make status)",
        "gateway: GET /lab/faults: got [Errno 111] Connection refused, expected an answer",
    ]
    assert said.json["left"] == left
    said = shell("heal")
    assert (said.code, said.out) == (4, "".join(f"LEFT: {what}\n" for what in left))


def test_heal_leaves_a_run_alone(shell: Shell, toxiproxy: Http) -> None:
    """It would lift the run's faults under it, and nobody would know why they were not felt."""
    with run_lock(shell.lab, "flash-sale on naive"):
        said = shell("heal")
    assert said.code == 2
    assert "run: got a lab that is busy with flash-sale on naive (pid " in said.err
    assert toxiproxy.paths() == []


def test_a_lab_folder_that_can_t_be_made(shell: Shell, good: str) -> None:
    shell.lab.write_text("a file")
    said = shell("run", good, "--no-up")
    assert said.code == 4
    assert said.err == f"firedrill: {shell.lab}: got File exists, expected a folder for the run's lock\n"


# --- runs and self-tests ---------------------------------------------------------------------------------------------


class FakeLab:
    """A session whose runs end as they are told."""

    def __init__(self) -> None:
        self.results: dict[str, RunResult | BaseException] = {}
        self.asked: list[tuple[str, str, int | None]] = []
        self.options: Options | None = None

    def run(self, scenario: Scenario, variant: str, seed: int | None) -> RunResult:
        self.asked.append((scenario.slug, variant, seed))
        result = self.results[variant]
        if isinstance(result, BaseException):
            raise result
        return result


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeLab:
    lab = FakeLab()

    @contextmanager
    def session(options: Any, view: Any, *, purpose: str) -> Iterator[FakeLab]:
        view.say(purpose)
        lab.options = options
        yield lab

    monkeypatch.setattr(cli, "session", session)
    monkeypatch.setattr(power, "session", session)
    return lab


def finished(root: Path, variant: str, *, oversold: bool = False, late: bool = False) -> RunResult:
    run = run_of(root, f"20261123-101502-steady-{variant}", variant=variant)
    assert run.state is not None
    if oversold:
        run.state.tiers = [type(run.state.tiers[0])(tier_id=1, event_slug="gig", capacity=5, sold=5, price_cents=100)]
    if late:
        run.driver = {"send_lag_p99_s": 0.5}
    return conclude(write_run(run), index=None, say=pytest.fail)


@pytest.fixture
def steady(tmp_path: Path) -> str:
    path = tmp_path / "steady.yaml"
    path.write_text(TEXT)
    return str(path)


@pytest.mark.parametrize(
    ("how", "code", "verdict"),
    [({}, 0, "held"), ({"oversold": True}, 1, "violated"), ({"late": True}, 3, "inconclusive")],
)
def test_run_ends_with_its_verdict(
    shell: Shell, fake: FakeLab, steady: str, how: dict[str, bool], code: int, verdict: str
) -> None:
    result = finished(shell.evidence, "naive", **how)
    fake.results["naive"] = result
    said = shell("run", steady, "--variant", "naive", "--seed", "5", "--json")
    assert said.code == code
    assert said.json == {**result.document, "folder": str(result.folder)}
    assert said.json["verdict"] == verdict
    assert fake.asked == [("steady", "naive", 5)]
    assert "steady on naive" in said.err
    said = shell("run", steady, "--variant", "naive")
    assert said.code == code
    assert result.document["summary"] in said.out
    assert f"evidence: {result.folder}/report.html" in said.out


def test_selftest_that_proves_itself(shell: Shell, fake: FakeLab, steady: str) -> None:
    fake.results = {
        "naive": finished(shell.evidence, "naive", oversold=True),
        "hardened": finished(shell.evidence, "hardened"),
    }
    said = shell("selftest", steady, "--json")
    assert said.code == 0
    (proof,) = said.json["scenarios"]
    assert (said.json["exit_code"], proof["exit_code"], proof["complaints"]) == (0, 0, [])
    assert (proof["naive"]["verdict"], proof["hardened"]["verdict"]) == ("violated", "held")
    assert [one["variant"] for one in proof["tries"]] == ["naive", "hardened"]
    said = shell("selftest", steady)
    assert said.code == 0
    assert "✔ the scenario proved itself: violated on naive as named, held on hardened" in said.out
    assert f"evidence: {shell.evidence}/20261123-101502-steady-naive/report.html (naive: violated)" in said.out


def test_selftest_unlike_proves(shell: Shell, fake: FakeLab, steady: str) -> None:
    fake.results = {"naive": finished(shell.evidence, "naive"), "hardened": finished(shell.evidence, "hardened")}
    said = shell("selftest", steady)
    assert said.code == 1
    assert "✗ naive: got no_oversell held, expected violated" in said.out


def test_selftest_that_can_t_tell(shell: Shell, fake: FakeLab, steady: str) -> None:
    fake.results = {
        "naive": finished(shell.evidence, "naive", oversold=True),
        "hardened": finished(shell.evidence, "hardened", late=True),
    }
    said = shell("selftest", steady, "--json")
    assert (said.code, said.json["exit_code"]) == (3, 3)
    assert [one["variant"] for one in said.json["scenarios"][0]["tries"]] == ["naive", *["hardened"] * 3]


def test_selftest_of_several_ends_with_a_table_even_when_the_lab_breaks(
    shell: Shell, fake: FakeLab, steady: str, tmp_path: Path
) -> None:
    second = tmp_path / "second.yaml"
    second.write_text(TEXT)
    naive, hardened = finished(shell.evidence, "naive", oversold=True), finished(shell.evidence, "hardened")
    fake.results = {"naive": naive, "hardened": hardened}
    said = shell("selftest", steady, str(second))
    assert said.code == 0
    assert said.out.endswith(
        "scenario  outcome   hardened  runs  naive violated\n"
        "steady    ✔ proved  held      2     no_oversell\n"
        "second    ✔ proved  held      2     no_oversell\n"
        "2 of 2 scenarios proved themselves\n"
    )
    results = iter([naive, hardened])

    def breaks(*_: Any) -> RunResult:
        if (result := next(results, None)) is None:
            raise LabBroken("toxiproxy: got nothing, expected an answer")
        return result

    fake.run = breaks  # type: ignore[method-assign]
    said = shell("selftest", steady, str(second))
    assert said.code == 4
    assert said.out.endswith("1 of 2 scenarios proved themselves\n")


def test_selftest_takes_patterns(shell: Shell, fake: FakeLab) -> None:
    fake.results = {"naive": Inconclusive("enough")}
    assert shell("selftest", "concurrency/flash-*").code == 3
    assert fake.asked == [("flash-sale", "naive", None)]
    said = shell("selftest", "concurrency/none-*")
    assert said.code == 2
    assert "scenario: got 'concurrency/none-*', expected a pattern that matches one of" in said.err


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A record and a page of its own instead of docs/."""
    monkeypatch.setattr(power, "RECORD", tmp_path / "power.jsonl")
    monkeypatch.setattr(power, "PAGE", tmp_path / "power.md")
    monkeypatch.setattr(power, "revision", lambda: "abc")
    return tmp_path


@pytest.mark.parametrize(("oversold", "code", "sign"), [(True, 0, "✔"), (False, 1, "✗")])
def test_selftest_of_a_mutant(shell: Shell, fake: FakeLab, record: Path, oversold: bool, code: int, sign: str) -> None:
    fake.results = {
        "mutant_check_then_act": finished(shell.evidence, "mutant_check_then_act", oversold=oversold),
        "hardened": finished(shell.evidence, "hardened"),
    }
    command = ("selftest", "--mutants", "check_then*", "--seeds", "2", "--write")
    said = shell(*command)
    assert said.code == code
    assert f"{sign}  check_then_act  concurrency/flash-sale  no_oversell  caught {2 if oversold else 0}/2" in said.out
    assert [asked[1:] for asked in fake.asked] == [
        (variant, seed) for seed in (1, 2) for variant in ("hardened", "mutant_check_then_act")
    ]
    page = (record / "power.md").read_text()
    assert f"| {sign} | `check_then_act`: " in page
    assert len((record / "power.jsonl").read_text().splitlines()) == 4
    fake.asked.clear()
    said = shell(*command, "--json")
    assert (said.code, said.json["exit_code"], fake.asked) == (code, code, [])
    assert shell(*command, "--again").code == code
    assert len(fake.asked) == 4


def test_a_record_that_can_t_be_read(shell: Shell, fake: FakeLab, record: Path) -> None:
    (record / "power.jsonl").write_text("{}\n")
    said = shell("selftest", "--mutants", "--write")
    assert said.code == 2
    assert "power.jsonl: got Object missing required field" in said.err


def test_mutants_are_listed(shell: Shell) -> None:
    said = shell("mutants", "--json")
    assert said.code == 0
    assert {"name": "check_then_act", "drill": 3, "scenario": "concurrency/flash-sale", "caught_by": "no_oversell"} in [
        {key: row[key] for key in ("name", "drill", "scenario", "caught_by")} for row in said.json
    ]
    assert "check_then_act  3  concurrency/flash-sale  no_oversell" in shell("mutants").out


def test_selftest_of_no_mutant(shell: Shell, fake: FakeLab) -> None:
    said = shell("selftest", "--mutants", "nonesuch")
    assert said.code == 2
    assert "mutants: got 'nonesuch', expected a pattern that matches one of" in said.err
    assert shell("selftest", "--mutants", "--all").code == 2
    assert fake.asked == []


def test_selftest_needs_something_to_prove_before_it_starts_anything(
    shell: Shell, fake: FakeLab, tmp_path: Path
) -> None:
    path = tmp_path / "silent.yaml"
    path.write_text(TEXT[: TEXT.index("proves:")])
    said = shell("selftest", str(path))
    assert said.code == 2
    assert said.err == "firedrill: silent: proves: got nothing, expected what the self-test has to see\n"
    assert (said.out, fake.asked) == ("", [])  # no session was begun


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LearnerCodeError("services/shop/attempt/views.py:3: got a syntax error, expected Python"), 2),
        (Inconclusive("steady on naive: got stopped by SIGINT, expected to run it"), 3),
        (LabBroken("heal: got a toxic\nand another, expected pristine proxies"), 4),
        (OSError(28, "No space left on device", "/evidence/x"), 4),
        (KeyboardInterrupt(), 3),
    ],
)
def test_errors_are_sentences_and_exit_codes(
    shell: Shell, fake: FakeLab, steady: str, error: BaseException, code: int
) -> None:
    fake.results["naive"] = error
    said = shell("run", steady, "--variant", "naive")
    assert said.code == code
    if isinstance(error, KeyboardInterrupt):
        assert said.err == "firedrill: stopped by hand\n"
    elif isinstance(error, OSError):
        assert said.err == "firedrill: /evidence/x: got No space left on device, expected it to work\n"
    else:
        assert said.err == "".join(f"firedrill: {line}\n" for line in str(error).splitlines())


def test_errors_as_json_are_one_document(shell: Shell, fake: FakeLab, steady: str) -> None:
    fake.results["naive"] = LabBroken("a: got b, expected c")
    said = shell("run", steady, "--variant", "naive", "--json")
    assert said.json == {"error": {"exit_code": 4, "message": "a: got b, expected c"}}


def test_unknown_variant(shell: Shell, fake: FakeLab, good: str) -> None:
    said = shell("run", good, "--variant", "naiv")
    assert said.code == 2
    assert said.err.startswith("firedrill: variant: got 'naiv', expected one of ")
    assert "hardened" in said.err
    assert fake.asked == []


@pytest.mark.parametrize(
    ("asked", "workers", "elsewhere"),
    [
        ([], 1, None),
        (["--workers", "3"], 3, None),
        (["--workers-elsewhere", "2"], 2, ""),
        (["--workers-elsewhere", "1", "--master-at", "10.0.0.1:9000"], 1, "10.0.0.1:9000"),
    ],
)
def test_where_the_load_comes_from(
    shell: Shell, fake: FakeLab, steady: str, asked: list[str], workers: int, elsewhere: str | None
) -> None:
    fake.results["naive"] = LabBroken("that is enough")
    shell("run", steady, "--variant", "naive", *asked)
    assert fake.options is not None
    assert (fake.options.workers, fake.options.elsewhere) == (workers, elsewhere)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (["--workers", "2", "--workers-elsewhere", "2"], "workers: got both"),
        (["--master-at", "127.0.0.1:1"], "--master-at: got it without --workers-elsewhere"),
        (["--workers-elsewhere", "1", "--master-at", "host"], "--master-at: got 'host', expected host:port"),
    ],
)
def test_load_from_nowhere(shell: Shell, fake: FakeLab, steady: str, asked: list[str], problem: str) -> None:
    said = shell("run", steady, *asked)
    assert said.code == 2
    assert said.err.startswith(f"firedrill: {problem}")
    assert fake.options is None


def test_unknown_scenario(shell: Shell, fake: FakeLab) -> None:
    said = shell("run", "flash-sail")
    assert said.code == 2
    assert said.err.startswith("firedrill: scenario: got 'flash-sail', expected a file or one of ")
    assert said.err.endswith("(did you mean concurrency/flash-sale?)\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", "x", "--seed", "-1"),
        ("run", "x", "--seed", "much"),
        ("run", "x", "--scale", "0"),
        ("run", "x", "--scale", "nan"),
        ("run", "x", "--workers", "0"),
        ("run", "x", "--workers-elsewhere", "0"),
        ("run", "x\0y"),
        ("run", ""),
        ("run", "/dev/null"),
        ("run", "/etc/shadow-"),
        ("selftest",),
        ("selftest", "--all", "x"),
        ("validate", "/dev/null"),
        ("validate", "/"),
        ("validate", "\udcff"),
        ("verify",),
        ("verify", "a\0b"),
        ("verify", "x" * 5000),
        ("verify", "/dev/null"),
        ("verify", "\udcff"),
        ("bundle",),
        ("bundle", "3\0"),
        ("list", "--nonsense"),
        ("dance",),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_no_bad_input_ends_in_a_traceback(
    shell: Shell, fake: FakeLab, arguments: tuple[str, ...], as_json: bool
) -> None:
    said = shell(*arguments, *(["--json"] if as_json else []))
    assert said.code == 2
    assert said.err or as_json
    assert fake.asked == []


@pytest.mark.parametrize("command", [["list"], ["schema"], ["validate", "/dev/null", "--json"], ["run", "nobody"]])
def test_a_reader_that_has_gone(command: list[str]) -> None:
    """`firedrill list | head -0`, in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "chaos.cli", *command],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert "Traceback" not in errors
    assert "Exception ignored" not in errors
    assert process.returncode == (4 if command[0] != "run" else 2)


def test_the_installed_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("firedrill")), "validate", "/dev/null", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "")
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem.startswith("scenario: got '/dev/null', expected a file or one of ")


def test_a_check_with_too_little_load_is_refused_before_anything_runs(shell: Shell, fake: FakeLab) -> None:
    said = shell("check", "5", "--variant", "hardened", "--scale", "0.5")
    assert (said.code, said.out, fake.asked) == (2, "", [])
    assert said.err == (
        "firedrill: --scale: got 0.5, expected at least 0.75: below it a pass says nothing (measured with mutants)\n"
    )


def test_attempt_manage_is_djangos_own_command_line(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[tuple[str, ...]] = []
    monkeypatch.setattr("chaos.cli.app._hand_over", lambda *words: handed.append(words))
    assert shell("attempt", "manage", "makemigrations", "shop", "--dry-run").code == 0
    assert handed == [("services.stack", "manage", "--variant", "attempt", "makemigrations", "shop", "--dry-run")]
    assert shell("attempt", "manage").code == 2
