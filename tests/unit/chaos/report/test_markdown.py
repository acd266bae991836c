from dataclasses import replace

import msgspec

from chaos.model.verdict import plain
from chaos.report.markdown import cell, render
from chaos.report.words import details
from tests.unit.chaos.report.conftest import changed
from tests.unit.chaos.report.samples import OVERSOLD, RACE, SAMPLES

EXPECTED = """\
# ■ violated: Flash sale on `naive`

**Violated: no_oversell (312 of 150 seats taken), and 1 more: charged_exactly_once.**

Start with the first violated check; its examples name what to look for in the history.

> A 4x spike on one hot tier sells every seat once and charges every accepted order once.

Run `20261123-101502-flash-sale-naive-s7` · scenario `concurrency/flash-sale` · drill 3 · seed 7 · scale 1 · \
2026-11-23T10:15:02Z · 44 s

Isolation: not known. Nobody wrote down how the shop was kept from the lab's files: read the patch.

## Checks

| verdict | check | expected | measured | where |
|---|---|---|---|---|
| ■ violated | `no_oversell` | in every tier, seats of live orders and tickets ≤ capacity | 312 of 150 seats taken \
| tier 3 (night-of-drums) |
| ■ violated | `charged_exactly_once` | each paid intent has exactly one captured charge, each refused one none \
| 402 charges for 371 intents: 31 charged more than once | – |
| ▲ inconclusive | `slo:success_ratio[spike,buy]` | success ratio buy at least 95 % | 91.2 % over 390 operations \
| phase spike |
| ● held | `sells_out` | it is so | 312 of 150 seats sold, 844 wanted in tier 3 | – |
"""


def test_the_verdict_comes_first(shown):
    assert render(shown).startswith(EXPECTED)


def test_faults_operations_and_events_are_told(shown):
    text = render(shown)
    assert "| latency-1 | latency | shop_to_gateway | 10.0 s | 16.2 s | proven, met by 57 |" in text
    assert "| spike | buy | 390 | 300 | 55 | 5 | 30 | 0 | 88 | no answer | no answer |" in text
    assert "| 16.20 s | fault lifted | fault latency-1, lifted 16.2 s, pristine yes |" in text
    assert "  Examples: `k-17`, `k-20`" in text


def test_text_of_others_stays_in_its_cell(shown):
    assert cell("a | b\n<script>\\") == "a \\| b &lt;script>\\\\"
    document = changed(shown.document, title="x\n\n# fake heading")
    assert "\n# fake heading" not in render(replace(shown, document=document))


def test_few_examples_and_no_empty_details(shown):
    findings = [{**f, "examples": [f"e{n}" for n in range(10)]} for f in plain(shown.document)["findings"]]
    text = render(replace(shown, document=changed(shown.document, findings=findings)))
    assert "  Examples: `e0`, `e1`, `e2` and 7 more" in text
    said = details({"reason": "", "missing": {}, "planned_s": None, "phases": [{"name": "spike", "mix": {"buy": 8}}]})
    assert said == "phases spike"


def test_counterexamples_and_sampled_answers_stand_in_it(shown):
    text = render(replace(shown, counterexamples=[OVERSOLD], samples=SAMPLES))
    assert "## Counterexamples\n\n### `no_oversell`\n\n10 seats were taken when this order took 1 more." in text
    assert (
        "| +20.0 ms | A | database, session 7 | SELECT &lt;b> & FROM shop_tickettier (1.0 ms) [/api/orders/] |" in text
    )
    assert "| 13.00 s | spike | POST /api/orders/ | 503 (info: http_503), 200 ms after it was wanted |" in text
    assert "Sampled answers while a fault was there" in text


def test_what_kept_the_shop_from_the_lab_is_said_in_a_sentence(shown):
    text = render(replace(shown, document=changed(shown.document, isolation="same user")))
    assert "Isolation: same user. The shop ran as the same user as the lab." in text
    text = render(replace(shown, document=changed(shown.document, isolation="own user")))
    assert "Isolation: own user. The shop ran as a user of its own" in text
    for odd in ("\x1b[2J", "", "own users"):
        assert "Isolation: not known." in render(replace(shown, document=changed(shown.document, isolation=odd)))


def test_the_race_is_a_list_and_a_table_of_its_own(shown):
    text = render(replace(shown, counterexamples=[msgspec.structs.replace(OVERSOLD, race=RACE)]))
    assert "**36 lost updates of shop_tickettier 1 in this run; this is the first.** both read" in text
    assert "- **D** 0-4 buy: 202 order pending, after 190 ms" in text
    assert "- In the code, C and D: read at views.py:79 OrderList.post" in text
    assert "| +40.0 ms | C | database, session 7 | UPDATE sold = 1 |" in text
