"""`make screenshots`: pictures of every page of the running lab, as README and docs show them.

They show what is there; for Live the headline scenario is started on naive and watched while its faults are active,
which takes a minute. Writes docs/images/<page>.png, 1440 px wide in the light theme; `-phone` in a name is 420 px wide,
`-dark` the dark theme. Which there are stands in PICTURES: the repository keeps each for ever, so there are few.
Exit 4 without a running stack, Chromium or Playwright.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from PIL import Image

CHECKOUT = Path(__file__).resolve().parents[2]
IMAGES = CHECKOUT / "docs" / "images"
WIDTHS = {"": 1440, "-phone": 420}
THEMES = {"": "light", "-dark": "dark"}
PICTURES = (
    *("live", "live-phone", "live-phone-dark"),
    *("overview", "overview-dark", "overview-phone"),
    *("run", "run-phone-dark", "compare", "scores", "scores-phone-dark", "progress", "drill"),
)
HOT = "live"
"""Taken while a fault is active."""
MOST_PX = 1700
RUN = {"scenario": "concurrency/flash-sale", "variant": "naive", "seed": 7}
RUN_WITHIN_S = 240
TRIES = 2
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def main() -> int:
    lab = Path(os.environ.get("FIREDRILL_LAB_DIR") or CHECKOUT / ".lab")
    try:
        stack = json.loads((lab / "stack.json").read_text())
        urls, token = stack["urls"], stack["lab_token"]
        url = urls["dashboard"]
    except (OSError, ValueError, KeyError) as error:
        return _complain(f"stack: got {error!r}, expected it up (make up)")
    chromium = shutil.which("chromium")
    if chromium is None:
        return _complain("chromium: got none on PATH, expected Debian's package chromium")
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a development dependency
    except ImportError:
        return _complain("playwright: got none, expected the development dependencies (make install)")
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        loaded = any(_start(urls["agent"], token) and _gets_load(urls["agent"]) for _ in range(TRIES))
        view = _open(browser, f"{url}/live", HOT)  # not before: a page that moves costs the start of the load dear
        if not (loaded and _becomes_hot(view, urls["agent"])):
            sys.stderr.write("screenshots: no run came as far as its faults, so Live shows the last one\n")
        _take(view, HOT)
        view.context.close()
        _wait_for_the_end(urls["agent"])
        for name in PICTURES:
            if name != HOT:
                view = _open(browser, f"{url}/{_path(name.partition('-')[0], urls)}", name)
                _take(view, name)
                view.context.close()
        browser.close()
    return 0


def _path(page: str, urls: dict[str, str]) -> str:
    """Run shows a violated run, the learner's before others; Drill the drill of the newest run."""
    if page == "overview":
        return ""
    if page not in ("run", "drill"):
        return page
    runs: list[Any] = []
    for asked in ("verdict=violated&variant=attempt", "verdict=violated") if page == "run" else ("",):
        with urlopen(f"{urls['scorecard']}/api/runs/?{asked}") as answer:
            runs = runs or json.load(answer)["results"]
    if not runs:
        return page
    if page == "run":
        return f"run?run={runs[0]['run_id']}"
    with urlopen(f"{urls['scorecard']}/api/drills/") as answer:
        key = next((drill["key"] for drill in json.load(answer) if drill["number"] == runs[0]["drill"]), "")
    return f"drill?drill={key}"


def _start(agent: str, token: str) -> bool:
    """Start the run that Live is to show."""
    headers = {"X-Lab-Token": token, "Content-Type": "application/json"}
    asked = Request(f"{agent}/runs", json.dumps(RUN).encode(), headers, method="POST")
    try:
        with urlopen(asked, timeout=10) as answer:
            return bool(answer.status == 202)
    except OSError:
        return False


def _goes_on(agent: str) -> bool:
    with urlopen(f"{agent}/runs", timeout=10) as answer:
        return json.load(answer)["running"] is not None


def _gets_load(agent: str) -> bool:
    """Whether its load begins before the run ends: on a busy machine one may end early."""
    evidence = Path(os.environ.get("FIREDRILL_EVIDENCE_DIR") or CHECKOUT / "evidence")
    before = set(evidence.glob("*/journal.jsonl"))
    while _goes_on(agent):
        if any(b'"phase_started"' in path.read_bytes() for path in set(evidence.glob("*/journal.jsonl")) - before):
            return True
        time.sleep(0.5)
    return False


def _becomes_hot(view: Any, agent: str) -> bool:
    """Whether the page shows an active fault before the run ends."""
    while _goes_on(agent):
        if view.query_selector(".fd-hot") is not None:
            view.wait_for_timeout(2500)
            return True
        view.wait_for_timeout(500)
    return False


def _wait_for_the_end(agent: str) -> None:
    """The other pages show it as ended."""
    end = time.monotonic() + RUN_WITHIN_S
    while time.monotonic() < end and _goes_on(agent):
        time.sleep(1)


def _open(browser: Any, address: str, name: str) -> Any:
    """The page in a window of the width and the theme that *name* tells."""
    width = next(px for mark, px in reversed(WIDTHS.items()) if mark in name)
    theme = next(word for mark, word in reversed(THEMES.items()) if mark in name)
    view = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme).new_page()
    view.set_default_timeout(90_000)
    view.goto(address)
    view.wait_for_selector("h1")
    view.wait_for_function("document.querySelector('[data-test-script-state=notRunning]') !== null")
    return view


def _take(view: Any, name: str) -> None:
    """The page as high as it is, up to a limit: its start is what a reader of a README looks at."""
    height = int(view.evaluate("document.querySelector('.stMainBlockContainer').scrollHeight"))
    view.set_viewport_size({"width": view.viewport_size["width"], "height": min(height + 40, MOST_PX)})
    view.wait_for_timeout(2500)  # charts draw themselves anew for the new height
    to = IMAGES / f"{name}.png"
    view.screenshot(path=str(to))
    with Image.open(to) as picture:  # a page has few colours: a quarter of the bytes
        # Coverage, not frequency: the few green pixels of a sign have to stay green.
        small = picture.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=1)
    small.save(to, optimize=True)
    sys.stdout.write(f"screenshot    docs/images/{name}.png ({to.stat().st_size // 1000} kB)\n")
    sys.stdout.flush()


def _complain(sentence: str) -> int:
    sys.stderr.write(f"screenshots: {sentence}\n")
    return 4


if __name__ == "__main__":
    sys.exit(main())
