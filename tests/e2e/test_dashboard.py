"""The dashboard in Debian's Chromium: wide and narrow, light and dark, by mouse and by keyboard alone."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

HEADINGS = {
    "": "Overview",
    "live": "Live",
    "run": "Run",
    "compare": "Compare",
    "scores": "Scores",
    "progress": "Progress",
    "drill": "Drill",
    "contract": "Contract",
    "review": "Review",
}
CHARTED = ("live", "run", "compare", "progress")
OVERFLOW = """() => [...document.querySelectorAll('html, .stApp, .stMain, .stMainBlockContainer')]
    .filter(each => each.scrollWidth > each.clientWidth + 1).map(each => each.className || each.tagName)"""
BACKGROUND = "() => getComputedStyle(document.querySelector('.stApp')).backgroundColor"


def lightness(colour: str) -> float:
    """Mean of red, green and blue, 0..255."""
    numbers = colour[colour.index("(") + 1 : colour.index(")")].split(",")[:3]
    return sum(float(number) for number in numbers) / 3


@pytest.mark.parametrize(
    ("width", "theme"),
    [
        (1440, "light"),
        (420, "dark"),
        pytest.param(1440, "dark", marks=pytest.mark.extended),
        pytest.param(420, "light", marks=pytest.mark.extended),
    ],
)
@pytest.mark.parametrize("path", HEADINGS)
def test_a_page_fits_follows_the_theme_stays_on_this_machine_and_axe_finds_nothing(
    open_page: Any, path: str, width: int, theme: str
) -> None:
    page, seen = open_page(path, width=width, theme=theme)
    expect(page.locator("h1")).to_have_text(HEADINGS[path])
    if path in CHARTED:
        page.wait_for_selector("canvas")
    assert page.evaluate(OVERFLOW) == []
    assert (lightness(page.evaluate(BACKGROUND)) > 127) is (theme == "light")
    assert page.locator("text=could not be drawn").count() == 0
    assert page.locator("[data-testid=stException]").count() == 0
    assert seen.outside == []
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_deep_links_open_what_they_name(open_page: Any, site: Any) -> None:
    naive, hardened = site.runs
    page, _ = open_page(f"run?run={naive}")
    page.wait_for_selector(".fd-banner:has-text('violated')")
    page, _ = open_page(f"run?run={hardened}")
    page.wait_for_selector(".fd-banner:has-text('held')")
    page, _ = open_page(f"compare?a={hardened}&b={naive}")
    page.wait_for_selector("text=hardened held what naive violated")
    page, _ = open_page("drill?drill=auth")
    page.wait_for_selector("h2:has-text('Authentication')")
    page, _ = open_page("run?run=20200101-000000-no-such-s1")
    page.wait_for_selector("text=There is no run")


def test_the_address_follows_the_box_and_survives_a_reload(open_page: Any, site: Any) -> None:
    naive, _ = site.runs
    page, _ = open_page("run")
    page.get_by_role("combobox").first.click()
    page.get_by_role("option").last.click()
    page.wait_for_url(f"**run={naive}")
    page.reload()
    page.wait_for_selector(".fd-banner:has-text('violated')")
    expect(page).to_have_url(re.compile(f"{naive}$"))


def test_a_run_is_taken_away(open_page: Any, site: Any) -> None:
    naive, _ = site.runs
    page, _ = open_page(f"run?run={naive}")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Seconds (CSV)").click()
    assert taken.value.suggested_filename == f"{naive}-seconds.csv"
    assert Path(taken.value.path()).read_text().startswith("second,offered,served,errors")


def test_the_drill_map_is_taken_away_and_a_damaged_one_refused(open_page: Any, site: Any, tmp_path: Path) -> None:
    page, _ = open_page("progress")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Export as JSON").click()
    document = json.loads(Path(taken.value.path()).read_text())
    assert document["format"] == "firedrill-drill-map"
    with page.expect_download() as taken:
        page.get_by_role("button", name="Export as Markdown").click()
    assert "radar-beta" in Path(taken.value.path()).read_text()
    document["content"]["learner"] = "somebody else"
    (tmp_path / "damaged.json").write_text(json.dumps(document))
    page.get_by_text("Import a drill map").click()
    page.locator("input[type=file]").set_input_files(tmp_path / "damaged.json")
    page.get_by_role("button", name="Import", exact=True).click()
    page.wait_for_selector("text=Nothing was imported.")


def test_a_hint_is_logged_when_it_is_opened(open_page: Any, site: Any) -> None:
    page, _ = open_page("drill?drill=ai-review")
    page.get_by_role("button", name="Open this hint").first.click()
    page.wait_for_selector("text=Once for what it does, once for what it does not.")
    hints = site.get("/api/drills/ai-review/brief/")["hints"]
    assert [hint["key"] for hint in hints if hint["used_at"]] == ["read-twice"]


@pytest.fixture
def a_run_goes_on(site: Any, samples: Any) -> Iterator[None]:
    """A run in its 13th second, with two faults."""
    t0 = time.time() - 12.2
    samples.write_run(site.evidence, t0_unix_s=t0, variant="attempt", until_s=12.2)
    yield
    samples.remove_run(site.evidence, samples.run_id_at(t0 - 6, "attempt"))


@pytest.mark.usefixtures("a_run_goes_on")
def test_a_reload_during_a_run_goes_on_with_it(open_page: Any) -> None:
    page, _ = open_page("live")
    page.wait_for_selector(".fd-banner:has-text('running')")
    page.reload()
    page.wait_for_selector(".fd-banner:has-text('running')")


def test_a_phone_has_the_page_links_in_the_page(open_page: Any) -> None:
    page, _ = open_page("", width=420)
    page.locator(".st-key-phone-nav a", has_text="Scores").click()
    page.wait_for_selector("h1:has-text('Scores')")
    expect(page).to_have_url(re.compile("/scores$"))


def test_a_desktop_has_them_on_top_only(open_page: Any) -> None:
    page, _ = open_page("", width=1440)
    expect(page.locator(".st-key-phone-nav")).to_be_hidden()
    page.locator("[data-testid=stTopNavLink]", has_text="Live").click()
    page.wait_for_selector("h1:has-text('Live')")


def test_overview_leads_to_a_runs_timeline_and_to_a_drills_form(open_page: Any) -> None:
    page, _ = open_page("")
    page.locator("table a").first.click()
    page.wait_for_selector("h1:has-text('Run')")
    expect(page).to_have_url(re.compile("run=2"))
    page.wait_for_selector("canvas")
    page.go_back()
    page.wait_for_selector("h1:has-text('Overview')")
    page.locator("text=Record drill 3").click()
    page.wait_for_selector("h1:has-text('Scores')")
    page.wait_for_selector("text=Save drill 3")
    expect(page).to_have_url(re.compile("drill=concurrency"))
    expect(page.locator("text=Save drill 1")).to_have_count(0)


def test_live_finds_a_run_by_itself_and_follows_it_to_its_verdict(open_page: Any, site: Any, samples: Any) -> None:
    page, _ = open_page("live")
    page.wait_for_selector("text=No run is going on")
    t0 = time.time() - 12.2
    samples.write_run(site.evidence, t0_unix_s=t0, variant="attempt", until_s=12.2)
    page.wait_for_selector("text=Active faults:")
    expect(page.locator(".fd-banner")).to_contain_text("latency on shop_to_gateway")
    samples.remove_run(site.evidence, samples.run_id_at(t0 - 6, "attempt"))
    samples.write_run(site.evidence, t0_unix_s=t0, variant="attempt", verdict="inconclusive")
    page.wait_for_selector("text=▲ inconclusive")
    samples.remove_run(site.evidence, samples.run_id_at(t0 - 6, "attempt"))


FADED = """selector => {
    if (document.querySelector(`[data-stale=true] ${selector}`) === null) { window.since = null; return false; }
    window.since ??= performance.now();
    if (performance.now() - window.since < 2000) return false;
    const waiting = [...document.querySelectorAll('[data-stale=true]')];
    return {faded: waiting.filter(each => getComputedStyle(each).opacity !== '1').map(each => each.innerText)};
}"""  # Streamlit fades what has waited for half a second, and takes a second to do so


@pytest.mark.usefixtures("a_run_goes_on")
@pytest.mark.parametrize(
    ("path", "slow", "shown"), [("", "scorecard", "table"), ("live", "agent", "[data-testid=stMetric]")]
)
def test_a_page_that_moves_stays_readable_while_a_source_is_slow(
    open_page: Any, site: Any, samples: Any, path: str, slow: str, shown: str
) -> None:
    page, _ = open_page(path)
    page.wait_for_selector(shown)
    try:
        with socket.create_server(("127.0.0.1", 0)) as silent:  # takes a connection, never answers
            urls = {"scorecard": site.scorecard, slow: f"http://127.0.0.1:{silent.getsockname()[1]}"}
            samples.write_stack(site.stack, **urls)
            assert page.wait_for_function(FADED, arg=shown).json_value() == {"faded": []}
    finally:
        samples.write_stack(site.stack, scorecard=site.scorecard)


FOCUSED = """() => {
    const e = document.activeElement;
    if (['BODY', 'MAIN'].includes(e.tagName)) return '';
    return e.getAttribute('aria-label') || e.closest('label')?.innerText || e.innerText || '';
}"""


def focused(page: Any) -> str:
    """Label of what has the keyboard: a radio's value, a text area's label, a button's text."""
    return str(page.evaluate(FOCUSED)).strip()


def tab_to(page: Any, label: str) -> None:
    for _ in range(60):
        if label in focused(page):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard never reached {label!r}; it is at {focused(page)!r}")


def test_a_score_is_recorded_by_keyboard_alone(open_page: Any, site: Any) -> None:
    before = site.score("ai-review")["version"]
    page, _ = open_page("scores?drill=ai-review")
    page.wait_for_selector("text=Save drill 6")
    tab_to(page, "Not scored")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    tab_to(page, "Notes and lessons learned of drill 6")
    page.keyboard.type("Read it line by line")
    tab_to(page, "Save drill 6")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Saved: 2")
    stored = site.score("ai-review")
    assert (stored["value"], stored["notes"], stored["version"]) == (2, "Read it line by line", before + 1)
    page.wait_for_selector("text=Competent")


def test_two_tabs_cannot_overwrite_each_other(open_page: Any, site: Any) -> None:
    site.set_score("auth", 0, "at the start")
    stale, _ = open_page("scores?drill=auth")
    fresh, _ = open_page("scores?drill=auth")
    for page, choice in ((fresh, "3 Owner"), (stale, "1 Assisted")):
        page.locator("label", has_text=choice).click()
        page.locator("button", has_text="Save drill 4").click()
        page.wait_for_selector("text=Saved: 3" if page is fresh else "text=Not saved")
    assert site.score("auth")["value"] == 3
    stale.get_by_role("button", name="Show what is stored").click()
    stale.wait_for_selector("text=Not saved", state="detached")
    expect(stale.locator("label:has(input:checked)")).to_have_text("3 Owner")


def test_a_reload_shows_what_is_stored(open_page: Any, site: Any) -> None:
    site.set_score("orm-queries", 1, "select_related was new to me")
    page, _ = open_page("scores?drill=orm-queries")
    page.locator("textarea").fill("typed, never saved")
    page.reload()
    page.wait_for_selector("text=Save drill 2")
    expect(page.locator("textarea")).to_have_value("select_related was new to me")  # Streamlit draws it empty first
    expect(page.locator("label:has(input:checked)")).to_have_text("1 Assisted")
