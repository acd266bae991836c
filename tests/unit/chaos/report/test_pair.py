from dataclasses import replace

import msgspec
import pytest

from chaos.errors import InvalidInput
from chaos.model.verdict import VerdictDocument, plain
from chaos.report.compare import comparison_table, comparison_text
from chaos.report.pair import delta_rows, html, markdown, paired
from tests.unit.chaos.report.test_html import parsed


def other(shown, **changes):
    """The same scenario on hardened: held, and its first fault a second later."""
    document = plain(shown.document)
    document |= {"variant": "hardened", "run_id": "20261123-101602-flash-sale-hardened-s7", "verdict": "held"}
    document |= {"summary": "Held: all 5 checks were met, with 2 fault(s) proven and felt."}
    for finding in document["findings"]:
        finding |= {"verdict": "held", "reason": "", "examples": []}
    document["faults"][0]["injected_s"] = 11.0
    document["operations"]["baseline"]["browse"]["p95_ms"] = 30.0
    return replace(shown, document=msgspec.convert(document | changes, VerdictDocument))


@pytest.fixture
def pair(shown):
    return paired(shown, other(shown))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scenario": "own/other"}, "compare: scenario: got 'concurrency/flash-sale' in "),
        ({"seed": 8}, "compare: seed: got 7 in "),
        ({"scale": 0.5}, "compare: scale: got 1.0 in "),
        ({"hypothesis": "Something else."}, "got two different files of that name"),
        ({"phases": []}, "expected the same phases"),
        ({"faults": []}, "expected the same faults"),
        ({"run_id": "20261123-101502-flash-sale-naive-s7"}, "twice, expected two runs"),
    ],
)
def test_runs_that_did_not_do_the_same_are_refused_with_the_reason(shown, change, words):
    with pytest.raises(InvalidInput) as caught:
        paired(shown, other(shown, **change))
    assert words in str(caught.value)


def test_every_difference_is_named_at_once(shown):
    with pytest.raises(InvalidInput) as caught:
        paired(shown, other(shown, seed=8, scale=2.0))
    assert len(caught.value.problems) == 2


def test_the_axis_begins_with_the_first_fault_of_each_run(pair):
    assert pair.axis.zero_s == (10.0, 11.0)
    assert "since latency on shop_to_gateway took effect" in html(pair)


def test_a_run_that_ended_before_its_fault_moves_both_to_the_start_of_the_load(shown):
    """And it is said: until now its other fault, or the load's start, was put beside the first one's in silence."""
    faults = plain(other(shown).document)["faults"]
    later = other(shown, faults=[{**faults[0], "injected_s": None}, faults[1]])
    both = paired(shown, later)
    assert both.axis.zero_s == (0.0, 0.0)
    said = f"latency on shop_to_gateway never took effect in {later.document.run_id}."
    assert "since the start of the load" in html(both)
    assert said in html(both)
    assert f"> {said}" in markdown(both)
    documents = [shown.document, later.document]
    assert said in comparison_text(documents)
    assert said in str(comparison_table(documents).caption)


def test_figures_before_and_after(pair):
    rows = {row[:2]: row[2:] for row in delta_rows(pair)}
    assert rows["baseline", "browse"] == ("77 → 77", "0 → 0", "9.1 → 9.1", "41 → 30")
    assert rows["spike", "buy"][3] == "no answer → no answer"


def test_markdown(pair):
    text = markdown(pair)
    assert text.startswith("# Flash sale: naive and hardened\n")
    assert "- **naive**: ■ violated. Violated: no_oversell" in text
    assert (
        "| `no_oversell` | in every tier, seats of live orders and tickets ≤ capacity | "
        "■ violated: 312 of 150 seats taken | ● held: 312 of 150 seats taken |" in text
    )
    assert "| baseline | browse | 77 → 77 | 0 → 0 | 9.1 → 9.1 | 41 → 30 |" in text


def test_html_is_complete_and_loads_nothing_else(pair):
    page = html(pair)
    words = " ".join(" ".join(parsed(page).words).split())
    assert "Flash sale: naive and hardened" in words
    assert "■ violated 312 of 150 seats taken ● held 312 of 150 seats taken" in words
    assert "http" not in page.replace("http-equiv", "")
    assert page.count('class="band"') == 8  # two faults, two runs, drawn for a wide and for a narrow screen
    assert "<script" not in page


def test_two_runs_of_one_variant_are_told_apart(shown):
    both = paired(shown, other(shown, variant="naive"))
    assert markdown(both).startswith("# Flash sale: naive (20261123-101502) and naive (20261123-101602)\n")
