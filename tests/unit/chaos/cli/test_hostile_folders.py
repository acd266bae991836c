"""The commands on folders that somebody tampered with: sentences, in bounded time, no better verdict.

Each mutation is applied to a recorded run; manifest and verdict are then made anew, as whoever tampers with it would.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from chaos.checks import InvariantCheck
from chaos.cli import app as cli
from chaos.drills.conclude import conclude, shown_of
from chaos.drills.crashed import conclude_crashed
from chaos.errors import FiredrillError
from chaos.evidence import files
from chaos.evidence.files import digests
from chaos.evidence.manifest import write_manifest
from chaos.evidence.record import read_record
from chaos.invariants import KINDS
from chaos.model.evidence import EndState
from chaos.model.journal import EventKind
from chaos.model.loadplan import DriverReport, WorkerReport
from chaos.model.verdict import SEVERITY, Verdict
from tests.unit.chaos.runs import RUN_ID, TEXT, run_of, write_run

PATIENCE_S = 120
DEEP = b'{"a":' * 100_000
ESC = "\x1b]0;owned\x07\x1b[2J\r\x9b31m\u202e\ufeff"


@contextmanager
def patience() -> Iterator[None]:
    """A command that hangs fails the test instead of all of them."""

    def give_up(*_: object) -> None:
        raise AssertionError(f"nothing came of it within {PATIENCE_S} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Call:
    monkeypatch.setenv("FIREDRILL_LAB_DIR", str(tmp_path / "lab"))
    monkeypatch.setenv("FIREDRILL_EVIDENCE_DIR", str(tmp_path / "evidence"))
    monkeypatch.delenv("FIREDRILL_STACK_FILE", raising=False)

    def asked(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["firedrill", *words])
        with patience(), pytest.raises(SystemExit) as caught:
            cli.main()
        out, err = capfdbinary.readouterr()
        code = caught.value.code
        return code if isinstance(code, int) else 0, out.decode(), err.decode()

    return asked


def recorded(root: Path, *, violated: bool = False, inconclusive: bool = False) -> Path:
    run = run_of(root)
    if violated:
        gone = {"status": 503, "outcome": "info"}
        run.change = lambda at_s, op, _number: gone if op == "browse" and 12 <= at_s < 18 else {}
    if inconclusive:
        run.driver["crashed"] = ["KeyError"]
    folder = write_run(run)
    conclude(folder, index=None, say=print)
    return folder


def reseal(folder: Path) -> None:
    """As whoever tampers would: a manifest that fits."""
    (folder / "manifest.json").unlink(missing_ok=True)
    try:
        write_manifest(folder, {"seed": 7, "git_revision": "abc"})
    except FiredrillError:
        (folder / "manifest.json").write_bytes(b"{}")


def rejournal(folder: Path) -> None:
    """As whoever changes the journal too: it names the digests of the files as they are now."""
    events = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    for event in events:
        if event["event"] == "collected":
            event["data"]["sha256"] = digests(folder)
    (folder / "journal.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


# --- things that are no files of a run -------------------------------------------------------------------------------


def pipe(path: Path) -> None:
    os.mkfifo(path)


def zeroes(path: Path) -> None:
    path.symlink_to("/dev/zero")


def loop(path: Path) -> None:
    path.symlink_to(path)


def folder_(path: Path) -> None:
    path.mkdir()


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def deep(path: Path) -> None:
    path.write_bytes(DEEP)


def deep_line(path: Path) -> None:
    path.write_bytes(b'{"seq":0,"at_unix_s":1,"event":"note","data":' + DEEP + b"\n")


def no_text(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 64)


def bomb(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(96):
            file.write(b"\0" * (1 << 20))


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 43)


THINGS = (pipe, zeroes, loop, folder_, nothing, deep, deep_line, no_text, bomb, huge)
NAMES = (
    "journal.jsonl", "manifest.json", "verdict.json", "driver.json", "state.json", "histograms.json", "host.jsonl",
    "scenario.yaml", "metrics.jsonl.gz", "samples.jsonl", "statements.jsonl.gz", "counterexamples.json",
    "history/worker-0.jsonl", "history", "world.json", "attempt.patch",
)  # fmt: skip

DECIDE = ("driver.json", "state.json", "histograms.json", "host.jsonl", "history/worker-0.jsonl", "history")


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_say_what_is_wrong_with_it(call: Call, tmp_path: Path, name: str) -> None:
    good = recorded(tmp_path / "evidence")
    kept = tmp_path / "kept"
    shutil.copytree(good, kept)
    for put in THINGS:
        for sealed in (True, False):
            bad = tmp_path / "evidence" / RUN_ID
            shutil.rmtree(bad)
            shutil.copytree(kept, bad)
            target = bad / name
            if target.is_dir():
                shutil.rmtree(target)
            else:
                target.unlink(missing_ok=True)
            if put is folder_ and not (kept / name).exists():
                continue  # an empty folder more is no evidence of anything
            put(target)
            if sealed and name != "manifest.json":
                reseal(bad)
            asked = [("verify", str(bad))]
            if sealed:
                asked += [
                    ("verify", str(bad), "--json"),
                    ("explain", str(bad)),
                    ("replay", str(bad)),
                    ("list", "--runs"),
                ]
                asked += [("compare", str(kept), str(bad))]
            for words in asked:
                code, out, err = call(*words)
                assert code in (0, 2), f"{words} with {put.__name__} as {name}: {code} {err}"
                assert "Traceback" not in out + err
                assert code == 0 or (err or out).strip()
                if words[0] == "verify" and not sealed:
                    assert code == 2, f"{put.__name__} as {name} went unnoticed"
            verdict = Verdict.INCONCLUSIVE
            if name not in ("journal.jsonl", "scenario.yaml"):
                verdict = Verdict(shown_of(bad).document.verdict)
            if name in (
                "driver.json",
                "state.json",
                "histograms.json",
                "host.jsonl",
                "history/worker-0.jsonl",
                "history",
            ):
                assert verdict is not Verdict.HELD, f"held with {put.__name__} as {name}"


@pytest.mark.parametrize("put", THINGS)
def test_a_hostile_folder_keeps_no_dead_run_from_being_closed(tmp_path: Path, put: Callable[[Path], None]) -> None:
    root = tmp_path / "evidence"
    dead = write_run(run_of(root, "20261124-101502-steady-hardened-s7"))
    for number, name in enumerate((*NAMES, "history/worker-0.jsonl.gz.part", "samples/a.jsonl", "watchdog.jsonl")):
        if name == "manifest.json":
            continue
        bad = write_run(run_of(root, f"20261123-1015{number:02}-steady-hardened-s7"))
        target = bad / name
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.parent.mkdir(exist_ok=True)
            target.unlink(missing_ok=True)
        put(target)
    said: list[str] = []
    with patience():
        closed = conclude_crashed(root, index=None, say=said.append)
    assert dead in closed
    assert json.loads((dead / "verdict.json").read_bytes())["verdict"] == "held"
    assert all(": left as it is: " in line for line in said)


def test_no_link_is_written_through(tmp_path: Path) -> None:
    root, outside = tmp_path / "evidence", tmp_path / "outside"
    bad = write_run(run_of(root))
    outside.write_text("mine")
    for name in ("verdict.json", "report.md", "history/worker-0.jsonl.gz.part", "world.json", "samples.jsonl"):
        (bad / name).unlink(missing_ok=True)
        (bad / name).symlink_to(outside)
    elsewhere = write_run(run_of(tmp_path / "elsewhere"))
    (root / "20261125-101502-steady-hardened-s7").symlink_to(elsewhere)
    before = sorted(path.name for path in elsewhere.iterdir())
    conclude_crashed(root, index=None, say=print)
    assert outside.read_text() == "mine"
    assert sorted(path.name for path in elsewhere.iterdir()) == before


# --- what is left out is missing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [name for name in DriverReport.__struct_fields__ if name != "versions"])
def test_a_key_that_driver_json_lacks_is_missing(tmp_path: Path, key: str) -> None:
    folder = recorded(tmp_path)
    document = json.loads((folder / "driver.json").read_bytes())
    del document[key]
    (folder / "driver.json").write_text(json.dumps(document))
    rejournal(folder)
    shown = shown_of(folder).document
    assert shown.verdict == "inconclusive"
    assert f"`{key}`" in shown.summary


@pytest.mark.parametrize("name", files.WITNESSES)
def test_no_witness_of_the_folder_can_be_changed_alone(tmp_path: Path, name: str) -> None:
    """Another byte that means the same is enough, whatever the manifest says."""
    folder = recorded(tmp_path)
    with (folder / name).open("a") as file:
        file.write("\n")
    reseal(folder)
    assert shown_of(folder).document.summary == f"Inconclusive: not as when it was collected: {name}."
    rejournal(folder)
    assert shown_of(folder).document.verdict == "held"


@pytest.mark.parametrize("key", [n for n in WorkerReport.__struct_fields__ if not n.startswith("clock_")])
def test_a_key_that_a_load_worker_lacks_is_missing(tmp_path: Path, key: str) -> None:
    folder = recorded(tmp_path)
    document = json.loads((folder / "driver.json").read_bytes())
    del document["workers"][0][key]
    (folder / "driver.json").write_text(json.dumps(document))
    rejournal(folder)
    assert shown_of(folder).document.verdict == "inconclusive"


@pytest.mark.parametrize("key", [name for name in EndState.__struct_fields__ if name != "settle_s"])
def test_a_table_that_state_json_lacks_is_missing(tmp_path: Path, key: str) -> None:
    """Each invariant that reads it is inconclusive, whatever else it reads."""
    folder = recorded(tmp_path)
    document = json.loads((folder / "state.json").read_bytes())
    del document[key]
    (folder / "state.json").write_text(json.dumps(document))
    rejournal(folder)
    record = read_record(folder)
    if record.state is None:
        assert key in record.unread["state.json"]
        assert shown_of(folder).document.verdict == "inconclusive"
    else:
        assert record.state.missing == {key: f"state.json has no {key}"}


class _Watched:
    """An end state that remembers which of its tables were asked for."""

    def __init__(self, state: EndState) -> None:
        self._state, self.asked = state, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.asked.add(name)
        return getattr(self._state, name)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_an_invariant_reads_no_table_that_it_does_not_name(tmp_path: Path, name: str) -> None:
    folder = recorded(tmp_path, violated=True)
    record = read_record(folder)
    assert record.state is not None
    kind = KINDS[name]
    check = InvariantCheck(invariant=kind, params=kind.params())
    reducer = check.invariant.reducer(check.params)
    for op in record.history:
        if kind.ops is None or op.op in kind.ops:
            reducer.feed(op)
    from chaos.invariants import Context  # noqa: PLC0415
    from chaos.model.span import Span  # noqa: PLC0415

    watched = _Watched(record.state)
    context = Context(state=watched, t0_unix_s=0.0, phases=(Span(name="baseline", start_s=0, end_s=30),),
                      history_complete=True, lifted_s=18.0, queue=())  # type: ignore[arg-type]  # fmt: skip
    reducer.finish(context)
    tables = {name for name in EndState.__struct_fields__ if isinstance(getattr(record.state, name), list)}
    assert watched.asked & tables <= kind.witnesses


def test_a_poll_that_was_turned_is_noticed_by_three_witnesses(tmp_path: Path) -> None:
    """The end of a follow-up is on record three times: in the history, in driver.json and in the histograms."""
    run = run_of(tmp_path)
    folder = write_run(run)
    lines = (folder / "history" / "worker-0.jsonl").read_text().splitlines()
    poll = [
        '{"t":"invoke","id":"0-poll","op":"poll","phase":"spike","intended":11,"sent":11,"main":false}',
        '{"t":"info","id":"0-poll","ended":12}',
    ]
    told = json.loads((folder / "driver.json").read_bytes())
    told |= {"follow_ups_info": 1, "operations": told["operations"] + 1}
    cells = json.loads((folder / "histograms.json").read_bytes())
    cells["cells"].append({"phase": "spike", "op": "poll", "outcome": "info", "kind": "latency", "count": 1})

    def verdict(*, poll: list[str] = poll, told: Any = told, cells: Any = cells) -> str:
        end = f'{{"t":"end","lines":{len(lines) - 1 + len(poll)}}}'
        (folder / "history" / "worker-0.jsonl").write_text("\n".join([*lines[:-1], *poll, end]) + "\n")
        (folder / "driver.json").write_text(json.dumps(told))
        (folder / "histograms.json").write_text(json.dumps(cells))
        rejournal(folder)
        return str(shown_of(folder).document.summary)

    assert verdict().startswith("Held")
    turned = [poll[0], poll[1].replace("info", "ok")]
    assert "follow_ups_ok: driver.json says 0, the history 1" in verdict(poll=turned)
    same = {**told, "follow_ups_info": 0, "follow_ups_ok": 1}
    assert "spike/poll/info, second tries included: 1 in histograms.json, 0" in verdict(poll=turned, told=same)
    assert "operations: driver.json says 301, the history 300" in verdict(poll=[])


# --- figures that no run has -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        '{"t":"invoke","id":"9-1","op":"browse","phase":"spike","intended":1e12,"sent":1e12}',
        '{"t":"dropped","id":"9-1","op":"browse","phase":"spike","intended":1e12}',
        '{"t":"ok","id":"0-1","ended":1e12}',
        '{"t":"dropped","id":"9-1","op":"browse","phase":"spike","intended":-1e12}',
        '{"t":"dropped","id":"9-1","op":"browse","phase":"spike","intended":1e400}',
        '{"t":"dropped","id":"9-1","op":"browse","phase":"spike","intended":NaN}',
        '{"t":"dropped","id":"9-1","op":"browse","phase":"spike","intended":' + "9" * 5000 + "}",
        '{"t":"invoke","id":"9-1","op":"buy","phase":"spike","intended":1,"sent":1,"quantity":' + "9" * 4000 + "}",
        '{"t":"invoke","id":"9-1","op":"' + "x" * 100_000 + '","phase":"spike","intended":1,"sent":1}',
        '{"t":"note","deep":' + "[" * 100_000,
    ],
)  # fmt: skip
def test_an_operation_that_no_run_has_is_a_problem_of_the_history(call: Call, tmp_path: Path, line: str) -> None:
    folder = recorded(tmp_path / "evidence")
    path = next((folder / "history").iterdir())
    path.write_text(path.read_text().replace('{"t":"end"', f'{line}\n{{"t":"end"'))
    reseal(folder)
    assert call("verify", str(folder))[0] == 2
    assert call("replay", str(folder))[0] == 0
    assert shown_of(folder).document.verdict == "inconclusive"


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("for: 10s", "for: 1000000000s"),
        TEXT.replace("load:\n", "load:\n" + "".join(
            f"  - {{phase: p{n}, for: 3600s, arrivals: 10/s, mix: {{browse: 1}}}}\n" for n in range(1000))),
        TEXT + "faults:\n" + "  - {inject: latency, on: shop_to_gateway, latency: 1ms, from: spike, for: 1s}\n" * 1500,
        "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*{'a' if n == 0 else f'b{n - 1}'}, *a]\n" for n in range(60)),
        "[" * 100_000,
        "title: " + "9" * 200_000,
        "# " + "x" * 10_000_000,
    ],
    ids=["a phase of a billion seconds", "a thousand hours", "faults", "aliases", "deep", "digits", "long"],
)  # fmt: skip
def test_a_scenario_that_no_run_has_is_refused(call: Call, tmp_path: Path, text: str) -> None:
    folder = recorded(tmp_path / "evidence")
    (folder / "scenario.yaml").write_text(text)
    reseal(folder)
    for words in (("verify",), ("explain",), ("replay",)):
        code, _, err = call(*words, str(folder))
        assert code == 2
        assert "scenario.yaml" in err


def test_a_scenario_without_its_checks_is_not_the_one_that_ran(call: Call, tmp_path: Path) -> None:
    folder = recorded(tmp_path / "evidence", violated=True)
    (folder / "scenario.yaml").write_text(
        TEXT.replace("  - {slo: success_ratio, phase: spike, op: browse, at_least: 95%}\n", "")
    )
    reseal(folder)
    code, _, err = call("verify", str(folder))
    assert (code, "the one that ran" in err) == (2, True)


@pytest.mark.parametrize("value", [1e12, -1e12, 1e308, 10**400, True, "x", None, [], {"a": 1}])
@pytest.mark.parametrize(
    "key", ["lifted_s", "effective_s", "count", "counts", "parts", "phase", "expected_restarts", "ended"]
)
def test_a_journal_that_says_anything(call: Call, tmp_path: Path, key: str, value: Any) -> None:
    folder = recorded(tmp_path / "evidence")
    lines = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    for line in lines:
        if key in line["data"]:
            line["data"][key] = value
    (folder / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    reseal(folder)
    for words in (("verify",), ("replay",), ("explain",)):
        code, _, err = call(*words, str(folder))
        assert code in (0, 2), err


# --- deleted and emptied: a seeded walk over everything that a run records -------------------------------------------


def _emptied(value: Any) -> Any:
    return {dict: {}, list: [], str: "", int: 0, float: 0.0, bool: False}.get(type(value))


def _spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, key)
        yield from _spots(inner, (*path, key))


def _mutated(document: Any, rng: random.Random) -> None:
    """Delete or empty one thing anywhere in it."""
    spots = list(_spots(document))
    if not spots:
        return
    *way, last = rng.choice(spots)
    holder = document
    for step in way:
        holder = holder[step]
    if rng.random() < 0.6:
        del holder[last]
    else:
        holder[last] = _emptied(holder[last]) if rng.random() < 0.5 else None


def _packed(path: Path) -> bool:
    return path.suffix == ".gz"


def mutate(folder: Path, rng: random.Random) -> str:
    """One deletion or emptying; returns what it was."""
    names = ["driver.json", "state.json", "histograms.json", "host.jsonl", "journal.jsonl", "history"]
    name = rng.choice(names)
    path = next((folder / "history").iterdir()) if name == "history" else folder / name
    how = rng.choice(["file", "empty", "line", "lines", "field", "field", "field", "field"])
    raw = gzip.decompress(path.read_bytes()) if _packed(path) else path.read_bytes()
    if how == "file":
        path.unlink()
        return f"{name}: deleted"
    if how == "empty":
        changed = b""
    elif path.suffix == ".json":
        document = json.loads(raw)
        _mutated(document, rng)
        changed = json.dumps(document).encode()
    else:
        lines = raw.splitlines(keepends=True)
        at = rng.randrange(len(lines))
        if how == "line":
            del lines[at]
        elif how == "lines":
            del lines[at : at + rng.randrange(1, len(lines))]
        else:
            document = json.loads(lines[at])
            _mutated(document, rng)
            lines[at] = json.dumps(document).encode() + b"\n"
        changed = b"".join(lines)
    path.write_bytes(gzip.compress(changed) if _packed(path) else changed)
    return f"{name}: {how}"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["held", "violated", "inconclusive"])
def test_no_verdict_gets_better_by_what_is_taken_away(call: Call, tmp_path: Path, kind: str, seed: int) -> None:
    original = recorded(tmp_path / "original", violated=kind == "violated", inconclusive=kind == "inconclusive")
    was = Verdict(json.loads((original / "verdict.json").read_bytes())["verdict"])
    assert was == kind
    rng = random.Random(f"{kind} {seed}")
    for _ in range(20):
        folder = tmp_path / "evidence" / RUN_ID
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(original, folder)
        what = mutate(folder, rng)
        try:
            now = Verdict(shown_of(folder).document.verdict)
        except FiredrillError:
            now = Verdict.INCONCLUSIVE
        # An SLO of a run that can't be trusted any more is inconclusive, which is no pass.
        worst_allowed = min(SEVERITY.index(was), SEVERITY.index(Verdict.INCONCLUSIVE))
        assert SEVERITY.index(now) >= worst_allowed, f"{what}: {was} became {now}"
        reseal(folder)
        code, out, err = call("verify", str(folder))
        assert code in (0, 2)
        assert "Traceback" not in out + err


@pytest.mark.parametrize("seed", range(3))
def test_noise_anywhere_ends_with_a_sentence(call: Call, tmp_path: Path, seed: int) -> None:
    original = recorded(tmp_path / "original", violated=True)
    rng = random.Random(seed)
    for _ in range(20):
        folder = tmp_path / "evidence" / RUN_ID
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(original, folder)
        path = rng.choice([path for path in sorted(folder.rglob("*")) if path.is_file()])
        content = bytearray(path.read_bytes()) or bytearray(b"x")
        for _ in range(rng.choice([1, 3, 30])):
            content[rng.randrange(len(content))] = rng.randrange(256)
        path.write_bytes(content)
        for words in (("verify", str(folder)), ("explain", str(folder)), ("replay", str(folder))):
            code, out, err = call(*words)
            assert code in (0, 2), f"{path.name}: {err}"
            assert "Traceback" not in out + err


# --- what a terminal or a browser would obey -------------------------------------------------------------------------

MARKUP = "<script>alert(1)</script> | ` ![x](http://x.invalid) [y](javascript:alert)"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def odd(root: Path, name: str = RUN_ID) -> Path:
    """A violated run with something to obey in every text that somebody else wrote."""
    run = run_of(root, name, learner=f"Eve{ESC}{MARKUP}")
    gone = {"status": 503, "outcome": "info", "reason": f"gone{ESC}{MARKUP}"}
    run.change = lambda at_s, op, _number: gone if op == "browse" and 12 <= at_s < 18 else {}
    run.events.insert(-1, (EventKind.NOTE, {"text": f"learner: {ESC}{MARKUP}"}))
    told = json.dumps(f"{ESC}{MARKUP}".replace("\ufeff", ""))
    folder = write_run(run, TEXT.replace("title: Steady", f"title: {told}").replace("It holds.", told))
    base = {"op": "browse", "phase": "spike", "intended": 13.0, "sent": 13.0, "ended": 14.0, "status": 500}
    sample = {**base, "id": f"0-1{ESC}", "outcome": f'fail"{MARKUP}', "method": "GET", "path": f"/{ESC}{MARKUP}",
              "reason": ESC, "headers": {f"x-{ESC}": MARKUP}, "body": f"{ESC}{MARKUP}"}  # fmt: skip
    (folder / "samples.jsonl").write_text(json.dumps(sample) + "\n")
    line = {
        "at_unix_s": 1_000_013.0,
        "part": f"api{ESC}",
        "level": "ERROR",
        "text": ESC + MARKUP,
        "acting_for": "0-120",
    }
    with gzip.open(folder / "log.jsonl.gz", "wt") as file:
        file.write("".join(json.dumps({**line, "acting_for": f"0-{number}"}) + "\n" for number in range(300)))
    conclude(folder, index=None, say=print)
    return folder


def test_nothing_that_would_be_obeyed_reaches_a_terminal_or_a_report(call: Call, tmp_path: Path) -> None:
    folder = odd(tmp_path / "evidence")
    for name in ("report.md", "report.html", "junit.xml"):
        text = (folder / name).read_text("utf-8")
        assert not OBEYED.findall(text), name
        assert "<script>alert" not in text, name
        assert "\\x1b" in text, name
    markdown = (folder / "report.md").read_text()
    assert not re.search(r"(?<!\\)\]\(|(?<!\\)\]\[", markdown)  # a link or a picture
    ElementTree.parse(folder / "junit.xml")
    (folder / "manifest.json").unlink()
    other = odd(tmp_path / "evidence", RUN_ID.replace("-10", "-11"))
    out_html, out_md = tmp_path / "out.html", tmp_path / "out.md"
    for words in (
        ("verify", str(folder)), ("verify", str(folder), "--json"), ("explain", str(folder)),
        ("explain", str(folder), "--json"), ("explain", str(folder), f"no{ESC}"), ("replay", str(folder)),
        ("compare", str(folder), str(other)), ("compare", str(folder), str(other), "--json"), ("list", "--runs"),
        ("compare", str(folder), str(other), "--html", str(out_html), "--markdown", str(out_md)),
        ("list", "--runs", "--json"), ("verify", f"/nowhere{ESC}"), ("run", f"no{ESC}"), ("check", f"no{ESC}"),
    ):  # fmt: skip
        code, out, err = call(*words)
        assert code in (0, 2)
        assert not OBEYED.findall(out + err), words
        if "--json" in words:
            json.loads(out)
    for path in (out_html, out_md):
        text = path.read_text("utf-8")
        assert not OBEYED.findall(text)
        assert "<script>alert" not in text


@pytest.mark.parametrize("variant", ["a|b", "`x`", "<b>", f"x{ESC}", "", "../x", 7, None])
def test_a_variant_that_no_folder_of_code_is_called_is_refused(call: Call, tmp_path: Path, variant: Any) -> None:
    folder = recorded(tmp_path / "evidence")
    lines = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    lines[0]["data"]["variant"] = variant
    (folder / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, _, err = call("replay", str(folder))
    assert code == 2
    assert "variant" in err
