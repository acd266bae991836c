"""`make screenshots`: pictures of every page of the running lab, as README and docs show them.

They show what is there; for Live the headline scenario is started on naive and watched while its faults are active,
which takes a minute. Writes docs/images/<page>.png, 1440 px wide, and for some pages
<page>-phone.png, 420 px wide in the dark theme. Exit 4 without a running stack, Chromium or Playwright.
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
PAGES = ("overview", "live", "run", "compare", "scores", "progress", "drill")
ON_A_PHONE = ("live", "scores")
MOST_PX = 1700
RUN = {"scenario": "concurrency/flash-sale", "variant": "naive", "seed": 7}
RUN_WITHIN_S = 240
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
        running = _start(urls["agent"], token)
        if not running:
            sys.stderr.write("screenshots: no run could be started, so Live shows the last one\n")
        for page in sorted(PAGES, key=lambda page: page != "live"):
            _take(browser, f"{url}/{_path(page, urls)}", IMAGES / f"{page}.png", width=1440, theme="light", hot=running)
            if page in ON_A_PHONE:
                _take(browser, f"{url}/{page}", IMAGES / f"{page}-phone.png", width=420, theme="dark", hot=False)
            if page == "live" and running:
                running = False
                _wait_for_the_end(urls["agent"])
            sys.stdout.write(f"screenshot    docs/images/{page}.png\n")
        browser.close()
    return 0


def _path(page: str, urls: dict[str, str]) -> str:
    """Run shows a violated run when there is one, Drill the drill of the newest run."""
    if page == "overview":
        return ""
    if page not in ("run", "drill"):
        return page
    with urlopen(f"{urls['scorecard']}/api/runs/{'?verdict=violated' if page == 'run' else ''}") as answer:
        runs = json.load(answer)["results"]
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


def _wait_for_the_end(agent: str) -> None:
    """The other pages show it as ended."""
    end = time.monotonic() + RUN_WITHIN_S
    while time.monotonic() < end:
        with urlopen(f"{agent}/runs", timeout=10) as answer:
            if json.load(answer)["running"] is None:
                return
        time.sleep(1)


def _take(browser: Any, address: str, to: Path, *, width: int, theme: str, hot: bool) -> None:
    """The page as high as it is, up to a limit: its start is what a reader of a README looks at."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    page = context.new_page()
    page.set_default_timeout(90_000)
    page.goto(address)
    page.wait_for_selector("h1")
    page.wait_for_function("document.querySelector('[data-test-script-state=notRunning]') !== null")
    if hot:
        page.wait_for_selector(".fd-hot")
        page.wait_for_timeout(2500)
    height = int(page.evaluate("document.querySelector('.stMainBlockContainer').scrollHeight"))
    page.set_viewport_size({"width": width, "height": min(height + 40, MOST_PX)})
    page.wait_for_timeout(1500)  # charts draw themselves anew for the new height
    page.screenshot(path=str(to))
    context.close()
    with Image.open(to) as picture:  # a page has few colours: a quarter of the bytes
        # Coverage, not frequency: the few green pixels of a sign have to stay green.
        small = picture.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=1)
    small.save(to, optimize=True)


def _complain(sentence: str) -> int:
    sys.stderr.write(f"screenshots: {sentence}\n")
    return 4


if __name__ == "__main__":
    sys.exit(main())
