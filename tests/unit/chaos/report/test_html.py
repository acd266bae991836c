import re
from dataclasses import replace
from html.parser import HTMLParser

import msgspec
import pytest

from chaos.evidence.figures import Second, Timelines
from chaos.evidence.limits import Curve, Limit
from chaos.model.history import Operation, Outcome
from chaos.model.verdict import plain
from chaos.report.chart import MAX_COLUMNS, Chart, columns, nice_ceiling
from chaos.report.html import render
from tests.unit.chaos.report.conftest import changed
from tests.unit.chaos.report.samples import OVERSOLD, RACE, SAMPLES

VOID = {"meta", "wbr", "rect", "path"}


class Balanced(HTMLParser):
    """Fails on a tag that is closed in the wrong place, and collects all text and attributes."""

    def __init__(self):
        super().__init__()
        self.open, self.words, self.attributes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.attributes += attrs
        if tag not in VOID or tag in {"rect", "path"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def parsed(page):
    parser = Balanced()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


def test_the_verdict_sentence_is_the_first_thing_read(shown):
    words = " ".join(" ".join(parsed(render(shown)).words).split())
    body = words[words.index("■ violated: Flash sale on naive") :]
    assert body.startswith(
        "■ violated: Flash sale on naive Violated: no_oversell (312 of 150 seats taken), and 1 more: "
        "charged_exactly_once."
    )
    for part in ("Hypothesis.", "expected", "measured", "Timeline", "Operations", "Event log", "latency on shop"):
        assert part in body


def test_what_is_violated_stands_before_what_stayed_open(shown):
    page = render(shown)
    checks = page[page.index("<h2>Checks</h2>") : page.index("<h2>Timeline</h2>")]
    order = [checks.index(f"<code>{name}") for name in ("charged_exactly_once", "slo:success_ratio", "sells_out")]
    assert order == sorted(order)


def test_it_needs_no_network_and_no_script(shown):
    page = render(shown)
    assert not re.search(r"https?://|src=|@import|url\(|<script|<link", page)
    assert "default-src 'none'" in page


def test_text_of_others_is_escaped_everywhere(shown):
    evil = "<img src=x onerror=alert(1)>\"'&"
    said = plain(shown.document)
    more = {
        **dict.fromkeys(
            ("title", "hypothesis", "variant", "run_id", "scenario", "summary", "started_at", "learner"), evil
        ),
        "findings": [
            {**f, "check": evil, "measured": evil, "where": evil, "reason": evil + "!", "examples": [evil]}
            for f in said["findings"]
        ],
        "phases": [{**phase, "name": evil} for phase in said["phases"]],
        "faults": [{**fault, "id": evil, "kind": evil, "on": evil} for fault in said["faults"]],
        "operations": {evil: {evil: said["operations"]["baseline"]["browse"]}},
    }
    page = render(replace(shown, document=changed(shown.document, **more)))
    assert "<img" not in page
    assert not any(name.startswith("on") for name, _ in parsed(page).attributes)


def test_what_spoiled_the_run_is_unfolded(shown):
    assert "<details open>" not in render(shown)
    findings = [{**f, "verdict": "inconclusive"} for f in plain(shown.document)["findings"]]
    page = render(replace(shown, document=changed(shown.document, findings=findings, verdict="inconclusive")))
    assert "<details open><summary>The run itself: 3 of 3 spoil it" in page


def test_a_run_without_a_history_has_a_page_too(shown):
    assert "No operation is on record." in render(replace(shown, timeline=(), events=()))


# --- chart -----------------------------------------------------------------------------------------------------------


def second(at_s, **more):
    return Second(**{"at_s": at_s, "offered": 10, "served": 10, "errors": 0, "p95_ms": 20.0, **more})


def test_faults_are_bands_with_their_name_over_the_time_that_they_lasted(shown):
    svg = Chart(shown, 1040).svg()
    bands = re.findall(r'<rect class="band" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', svg)
    span = (1040 - 46 - 12) / 29
    assert [(float(x), float(width)) for x, width in bands] == [
        (pytest.approx(46 + 10 * span, abs=0.1), pytest.approx(6.2 * span, abs=0.2)),
        (pytest.approx(46 + 11.4 * span, abs=0.1), pytest.approx(1.5 * span, abs=0.2)),
    ]
    assert "latency on shop_to_gateway" in svg


def test_a_p95_without_an_answer_breaks_the_line_and_is_marked(shown):
    svg = Chart(shown, 1040).svg()
    assert svg.count('class="noanswer"') == 2
    assert svg.count('class="p95"') == 2
    assert "13–14 s: 27 offered, 18 served, 9 errors, p95 no answer" in svg


def test_a_latency_limit_is_drawn_for_the_operation_the_phase_and_the_quantile_that_it_limits(shown):
    """Until now: a limit on `browse` in the baseline, through the whole run, beside the p95 of all operations."""
    timelines = Timelines()
    for number in range(160):
        at_s = number / 10
        timelines.of("browse").add(operation("browse", at_s, at_s + 0.1))
        timelines.of("buy").add(operation("buy", at_s, at_s + (0.5 if at_s < 12 else 0.7)))
    limits = (
        Limit(curve=Curve("browse"), at_most_s=0.3),
        Limit(curve=Curve("buy", 0.99), at_most_s=1.0, phase="spike"),
        Limit(curve=Curve("buy"), at_most_s=1.0, phase="gone"),
    )
    svg = Chart(replace(shown, timelines=timelines, limits=limits[:2]), 1040).svg()
    width = (1040 - 46 - 12) / 29
    drawn = re.findall(r'class="limit" d="M([\d.]+) [\d.]+H([\d.]+)"><title>([^<]+)</title>', svg)
    assert [(float(a), float(b), name) for a, b, name in drawn] == [
        (46, pytest.approx(46 + 8 * width, abs=0.1), "browse p95 ≤ 300 ms"),
        (pytest.approx(46 + 8 * width, abs=0.1), pytest.approx(46 + 20 * width, abs=0.1), "buy p99 ≤ 1 s"),
    ]
    assert re.findall(r'class="curve" d="[^"]+"><title>([^<]+)</title>', svg) == ["browse p95", "buy p99"]
    assert Chart(replace(shown, limits=limits[2:]), 1040).svg().count('class="limit"') == 0
    page = render(replace(shown, timelines=timelines, limits=limits[:2]))
    assert "limit: browse p95 ≤ 300 ms, buy p99 ≤ 1 s" in page


def operation(op, intended, ended):
    return Operation(id="0-1", op=op, phase="p", intended=intended, ended=ended, outcome=Outcome.OK)


@pytest.mark.parametrize("width", [360, 1040])
def test_nothing_lies_outside_the_drawing(shown, width):
    svg = Chart(shown, width).svg()
    for x in re.findall(r'[" ]x="([-\d.]+)"', svg):
        assert 0 <= float(x) <= width


def test_a_long_run_is_drawn_with_few_columns_and_its_worst_p95():
    drawn = columns([second(at_s, p95_ms=1000.0 if at_s == 777 else 20.0) for at_s in range(3600)])
    assert len(drawn) <= MAX_COLUMNS
    assert drawn[-1].until_s == 3600
    assert max(c.p95_ms for c in drawn) == 1000.0
    assert all(c.offered == 10 for c in drawn)


def test_seconds_without_arrivals_have_no_p95():
    assert columns([second(0, offered=0, p95_ms=None)])[0].p95_ms is None


@pytest.mark.parametrize(
    ("value", "ceiling"), [(0, 1), (0.3, 0.5), (1, 1), (46, 50), (51, 100), (430, 500), (1000, 1000)]
)
def test_axes_end_on_round_figures(value, ceiling):
    assert nice_ceiling(value) == pytest.approx(ceiling)


def test_counterexamples_and_sampled_answers_stand_in_it_and_break_nothing(shown):
    page = render(replace(shown, counterexamples=[OVERSOLD], samples=SAMPLES))
    words = " ".join(" ".join(parsed(page).words).split())
    assert "10 seats were taken when this order took 1 more." in words
    assert "+20.0 ms A database, session 7 SELECT <b> & FROM shop_tickettier" in words
    assert "Sampled answers while a fault was there POST /api/orders/ at 13.00 s" in words
    assert 'Retry-After: 2 Content-Type: application/problem+json {"title": "<Busy>"}' in words
    assert "0-1 " in words


def test_without_violations_and_samples_there_are_no_such_headings(shown):
    page = render(shown)
    assert "Counterexamples</h2>" not in page
    assert "Sampled answers" not in page


def test_the_race_has_lanes_and_a_time_line_of_its_own(shown):
    raced = msgspec.structs.replace(OVERSOLD, race=RACE)
    page = render(replace(shown, counterexamples=[raced]))
    assert "<strong>36 lost updates of shop_tickettier 1 in this run; this is the first.</strong> both read" in page
    assert "set &lt;b&gt; = 1" in page
    assert "<li>in the code, C and D: read at views.py:79" in page
    assert page.count('aria-label="Time line of 2 operations') == 4  # the finding's and the race's, wide and narrow
