"""Reports and replay video in a real browser: whole, offline, and nothing that runs over at either width."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chaos.report import html, pair
from chaos.report.replay import Replay
from chaos.report.video import write_video
from chaos.report.words import Shown
from tests.unit.chaos.report.conftest import changed, document, events, timeline
from tests.unit.chaos.report.samples import OVERSOLD, SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.extended]


def shown() -> Shown:
    return Shown(document=document(), timeline=timeline(), events=events(), counterexamples=[OVERSOLD], samples=SAMPLES)


def after() -> Shown:
    run = shown()
    return replace(run, document=changed(run.document, run_id="20261123-101602-x", variant="hardened"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 420])
@pytest.mark.parametrize("name", ["report", "pair"])
def test_a_page_fits_and_asks_nobody(browser: Any, tmp_path: Path, name: str, width: int, scheme: str) -> None:
    page_file = tmp_path / f"{name}.html"
    page_file.write_text(html.render(shown()) if name == "report" else pair.html(pair.paired(shown(), after())))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(page_file.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") <= 0
    assert asked == [page_file.as_uri()]
    assert errors == []
    assert page.locator("svg:visible").count() >= 1
    context.close()


def test_the_video_plays(browser: Any, tmp_path: Path) -> None:
    run = shown()
    short = changed(run.document, phases=[{"name": "spike", "start_s": 0.0, "end_s": 3.0}])
    path = tmp_path / "out.mp4"
    write_video(Replay(replace(run, document=short, timeline=run.timeline[:3])), path)
    (tmp_path / "page.html").write_text('<video id="v" src="out.mp4" muted></video>')
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    if page.evaluate("document.createElement('video').canPlayType('video/mp4; codecs=\"avc1.64001f\"')") == "":
        pytest.skip("this build of the browser has no H.264")
    page.evaluate("document.getElementById('v').play()")
    page.wait_for_function("document.getElementById('v').currentTime > 0.5", timeout=60_000)
    video = page.evaluate("(v => [v.videoWidth, v.videoHeight, v.duration, v.error])(document.getElementById('v'))")
    assert video[:2] == [1280, 720]
    assert 9 < video[2] <= 60
    assert video[3] is None
    page.close()
