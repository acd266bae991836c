"""docs/extend/adding-a-kind.md word by word: its examples, put into a copy of the checkout, are enough."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs/extend/adding-a-kind.md").read_text("utf-8")
BLOCK = re.compile(r"^```(python|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FOLDERS = ("chaos", "dashboard", "docs", "launch", "loadtests", "scenarios", "services", "tests")
# What the page asks of whoever adds a fault, besides its file.
KEYS = """
KEYS["blip"] = {"on": "shop_to_cache", "at": "spike"}
KEYS["hang"] = {"on": "gateway", "from": "spike", "for": "6s"}
"""

pytestmark = pytest.mark.timeout(300)


class Copy:
    """A checkout with everything that the page adds."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def python(self, *arguments: str) -> str:
        code, said = self.ended(*arguments)
        assert code == 0, said[-6000:]
        return said

    def ended(self, *arguments: str) -> tuple[int, str]:
        """Exit code, and what was said, of the copy's own code."""
        command = [str(self.root / ".venv/bin/python"), "-B", *arguments]
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False, timeout=250)
        return done.returncode, done.stdout if done.returncode == 0 else done.stdout + done.stderr

    def tests(self, *arguments: str) -> None:
        self.python("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    root = tmp_path_factory.mktemp("checkout")
    for folder in FOLDERS:
        shutil.copytree(CHECKOUT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (root / ".venv").mkdir()  # the lab's packages are those beside it
    for name in ("bin", "lib", "pyvenv.cfg"):
        (root / ".venv" / name).symlink_to(Path(sys.prefix) / name)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(CHECKOUT / name, root)
    for language, text in BLOCK.findall(PAGE):
        if language == "python":
            path = root / text.partition("\n")[0].removeprefix("# ")
            assert not path.exists(), path
            path.write_text(text.partition("\n")[2], "utf-8")
        else:
            patch = ["patch", "--strip=1", "--silent", "--no-backup-if-mismatch"]
            done = subprocess.run(patch, cwd=root, input=text, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
    samples = root / "tests/unit/chaos/faults/samples.py"
    samples.write_text(samples.read_text("utf-8") + KEYS, "utf-8")
    made = Copy(root)
    assert Path(made.python("-c", "import chaos; print(chaos.__file__)").strip()).is_relative_to(root)
    (root / "scenarios/scenario.schema.json").write_text(made.python("-m", "chaos.cli", "schema"), "utf-8")
    reference = made.python("-m", "chaos.cli", "schema", "--markdown")
    (root / "docs/extend/scenario-reference.md").write_text(reference, "utf-8")
    (root / "docs/operate/commands.md").write_text(made.python("-m", "chaos.cli.reference"), "utf-8")
    (root / "chaos/cli/shapes.json").write_text(made.python("-m", "chaos.cli.completing"), "utf-8")
    return made


SCENARIO = """\
title: Everything that is new
drill: 5
hypothesis: It is known as soon as its file is there.
seed: 7
world: {events: 5, hot_tiers: 1, seats: 150, customers: 200}
blast_radius: [shop_to_cache, gateway]
settle: 20s
load:
  - {phase: calm, for: 8s, arrivals: 12/s, mix: {second_page: 5, buy: 5}}
  - {phase: spike, for: 12s, arrivals: 12/s, mix: {second_page: 5, buy: 5}}
faults:
  - {inject: blip, on: shop_to_cache, at: spike+1s}
  - {inject: hang, on: gateway, share: 20%, from: spike+2s, for: 6s}
steady_state:
  - {probe: refusal_ratio, at_most: 1%}
checks:
  - {invariant: no_internal_error}
  - {slo: refusal_ratio, phase: spike, op: second_page, at_most: 1%}
"""


def test_a_scenario_may_use_what_is_new_and_the_reference_tells_of_it(copy: Copy) -> None:
    (copy.root / "new.yaml").write_text(SCENARIO)
    copy.python("-m", "chaos.cli", "validate", "new.yaml")
    reference = (copy.root / "docs/extend/scenario-reference.md").read_text("utf-8")
    for word in ("blip", "hang", "refusal_ratio", "no_internal_error", "second_page"):
        assert f"{word}`" in reference, word
    (copy.root / "odd.yaml").write_text(SCENARIO.replace("inject: blip", "inject: blib"))
    code, said = copy.ended("-m", "chaos.cli", "validate", "odd.yaml")
    assert (code, "did you mean blip?" in said) == (2, True), said


def test_what_holds_for_every_kind_holds_for_the_new_ones(copy: Copy) -> None:
    copy.tests(
        "tests/unit/chaos/faults",
        "tests/unit/chaos/invariants/test_kinds.py",
        "tests/unit/chaos/probes/test_probes.py",
        "tests/unit/chaos/load/test_schema.py",
        "tests/unit/chaos/test_nobody_names_a_kind.py",
        "tests/unit/loadtests/test_journeys.py",
    )


BLIP = """
from chaos.faults import KINDS
from tests.unit.chaos.fakes import Outside
from tests.unit.chaos.faults.samples import held_of, injected

outside, held = Outside(), held_of("blip")
kind, proof = injected(outside, held)
assert proof.proven, proof.reason
assert outside.proxies.deviations()
kind.lift(held, outside.lab)
assert kind.gone(held, outside.lab).proven
assert not outside.proxies.deviations()
outside.canary.numb = True
kind, proof = injected(outside, held_of("blip"))
assert not proof.proven
"""


def test_a_new_fault_from_arming_to_gone(copy: Copy) -> None:
    copy.python("-c", BLIP)


SWITCH = """
import sys
from pathlib import Path

from chaos.adapters.gateway import Gateway as Adapter
from tests.contract.test_gateway_process import LAB, Gateway

gateway = Gateway(Path(sys.argv[1]))
try:
    adapter = Adapter(str(gateway.http.base_url), LAB["X-Lab-Token"])
    assert adapter.deviations() == []
    gateway.faults(hang={"ratio": 1.0})
    (left,) = adapter.deviations()
    assert "hang on (ratio 1.0)" in left, left
    reading = adapter.canary(timeout_s=0.5)
    assert (reading.status, reading.captured) == (None, False), reading
    adapter.switch("status", {"code": 502, "ratio": 0.5}, seed=1)
    assert adapter.settings("hang") == {"ratio": 1.0}, "switching one must not put out another"
    adapter.heal()
    assert adapter.deviations() == []
    assert adapter.canary(timeout_s=5.0).captured
finally:
    gateway.end()
"""


def test_a_new_switch_is_told_of_and_healed_by_an_engine_that_does_not_know_it(copy: Copy, tmp_path: Path) -> None:
    copy.python("-c", SWITCH, str(tmp_path))
    copy.tests("tests/contract/test_gateway_process.py", "-k", "switches or read_back or hits")


def test_a_new_page_has_an_address_and_is_drawn(copy: Copy) -> None:
    script = """
from streamlit.testing.v1 import AppTest

app = AppTest.from_file("dashboard/app.py", default_timeout=60)
app.run()
app.switch_page("app_pages/about.py").run()
assert not app.exception, app.exception
assert [title.value for title in app.title] == ["About"], app.title
"""
    copy.python("-c", script)


def test_a_new_command_is_listed_and_answers(copy: Copy) -> None:
    assert "  what a fault can hit\n" in copy.python("-m", "chaos.cli", "--help")
    assert "targets\twhat a fault can hit\n" in copy.python("-m", "chaos.cli", "__complete", "targ")
    assert "gateway" in json.loads(copy.python("-m", "chaos.cli", "targets", "--json"))
    assert "## `firedrill targets`" in (copy.root / "docs/operate/commands.md").read_text("utf-8")


def test_a_new_rule_is_a_red_flag_as_it_stands(copy: Copy) -> None:
    script = """
from datetime import UTC, datetime
from services.scorecard import rules

scored = rules.ScoreFact(value=3, changed_at=datetime(2026, 1, 10, tzinfo=UTC))
facts = rules.DrillFacts(key="k", number=1, title="t", scores=(scored,))
assert "unconfirmed" in {flag.kind for flag in rules.red_flags([facts])}
"""
    copy.python("-c", script)
