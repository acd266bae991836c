"""A dashboard in a real browser, over a real scorecard and evidence folders with known contents."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

PATIENCE_MS = 90_000
"""How long a page may take to show what a test waits for: a busy machine is no defect."""


def _load_samples() -> ModuleType:
    name = "firedrill_dashboard_samples"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, CHECKOUT / "tests" / "unit" / "dashboard" / "samples.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


if str(CHECKOUT) not in sys.path:
    sys.path.insert(0, str(CHECKOUT))
samples: Any = _load_samples()


@contextlib.contextmanager
def process(*command: str, env: dict[str, str], log: Path, ready: str) -> Iterator[None]:
    """A program of ours while the block lasts, in its own process group."""
    with log.open("wb") as out:
        started = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=CHECKOUT,
            env={**os.environ, **env},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:

            def is_ready() -> bool:
                if started.poll() is not None:
                    raise AssertionError(f"{command[0]} ended: {log.read_text()[-2000:]}")
                return bool(samples.answers(ready))

            samples.wait_for(is_ready, what=command[0])
            yield
        finally:
            started.terminate()
            try:
                started.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(started.pid, 9)
                started.wait(20)


@dataclass(frozen=True)
class Site:
    """Where everything is."""

    dashboard: str
    scorecard: str
    evidence: Path
    stack: Path
    runs: list[str] = field(default_factory=list)

    def get(self, path: str) -> Any:
        return httpx.get(f"{self.scorecard}{path}", trust_env=False).json()

    def score(self, key: str) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.scorecard}/api/drills/{key}/", trust_env=False).json()["score"]
        return found

    def put(self, path: str, body: dict[str, Any]) -> None:
        headers = {"Authorization": f"Token {samples.TOKEN}"}
        httpx.put(f"{self.scorecard}{path}", json=body, headers=headers, trust_env=False).raise_for_status()

    def set_score(self, key: str, value: int | None, notes: str) -> None:
        body = {"value": value, "notes": notes, "version": self.score(key)["version"]}
        self.put(f"/api/drills/{key}/score/", body)


def chromium_path() -> str:
    found = shutil.which("chromium")
    if found is None:
        sentence = "no Chromium on PATH: Debian's package chromium has it"
        if samples.required("browser"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return found


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One dashboard and one scorecard for all browser tests; two runs in the past, one that is going on."""
    chromium_path()  # nothing is started for nothing
    folder = tmp_path_factory.mktemp("site")
    (folder / "token").write_text(samples.TOKEN)
    scorecard_port, dashboard_port = samples.free_port(), samples.free_port()
    scorecard_url, dashboard_url = f"http://127.0.0.1:{scorecard_port}", f"http://127.0.0.1:{dashboard_port}"
    scorecard_env = {
        "SCORECARD_PORT": str(scorecard_port),
        "SCORECARD_DATABASE_PATH": str(folder / "scorecard.sqlite3"),
        "SCORECARD_TOKEN_FILE": str(folder / "token"),
    }
    dashboard_env = {
        "FIREDRILL_STACK_FILE": str(samples.write_stack(folder / "stack.json", scorecard=scorecard_url)),
        "FIREDRILL_EVIDENCE_DIR": str(folder / "evidence"),
    }
    flags = ("--server.port", str(dashboard_port), "--server.address", "127.0.0.1")
    with (
        process("services.scorecard", env=scorecard_env, log=folder / "s.log", ready=f"{scorecard_url}/health"),
        process(
            "dashboard", *flags,
            env=dashboard_env, log=folder / "d.log", ready=f"{dashboard_url}/_stcore/health",
        ),
    ):  # fmt: skip
        site = Site(dashboard_url, scorecard_url, folder / "evidence", folder / "stack.json")
        now = time.time()
        for ago_s, variant, verdict, broken in (
            (4000, "naive", "violated", ("no_oversell", "charged_exactly_once", "no_lost_orders")),
            (3900, "hardened", "held", ()),
        ):
            t0 = now - ago_s
            run_id = samples.write_run(site.evidence, t0_unix_s=t0, variant=variant, verdict=verdict, broken=broken)
            site.runs.append(run_id)
            site.put(f"/api/runs/{run_id}/", samples.index_entry(run_id, variant, t0, verdict, broken))
        site.set_score("api-contract", 2, "Typed fields, at last")
        site.set_score("concurrency", 1, "With a hint")
        yield site


@dataclass
class Seen:
    """What a page did behind its face.

    Attributes:
        outside: Addresses beyond this machine that the page asked for.
        unanswered: Addresses without an answer so far.
        complaints: What the page wrote to the console, and its errors.
    """

    outside: list[str] = field(default_factory=list)
    unanswered: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Any) -> None:
        page.on("request", self.request)
        page.on("requestfinished", lambda asked: self.unanswered.discard(asked.url))
        page.on("requestfailed", lambda asked: self.complaints.append(f"{asked.url}: {asked.failure}"))
        page.on("console", lambda said: self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("websocket", self.socket)

    def socket(self, opened: Any) -> None:
        self.unanswered.add(opened.url)
        opened.on("framereceived", lambda _: self.unanswered.discard(opened.url))
        opened.on("close", lambda _: self.complaints.append(f"{opened.url} was closed"))

    def request(self, asked: Any) -> None:
        self.unanswered.add(asked.url)
        parts = urlsplit(asked.url)
        if parts.scheme not in ("data", "blob") and parts.hostname not in ("127.0.0.1", "localhost"):
            self.outside.append(asked.url)


OpenPage = Callable[..., tuple[Any, Seen]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser per file, no longer: while it is there its event loop runs in this thread, and no other can."""
    path = chromium_path()
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield found
        found.close()


@pytest.fixture
def open_page(browser: Any, site: Site) -> Iterator[OpenPage]:
    """Opens a page of the dashboard in a browser of its own; returns it with what it asks for."""
    from playwright.sync_api import TimeoutError as TooLate  # noqa: PLC0415

    contexts: list[Any] = []

    def opened(path: str, *, width: int = 1440, theme: str = "light") -> tuple[Any, Seen]:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        contexts.append(context)
        page, seen = context.new_page(), Seen()
        page.set_default_timeout(PATIENCE_MS)
        seen.watch(page)
        page.goto(f"{site.dashboard}/{path}")
        try:
            settled(page)
        except TooLate as error:  # seen once, cause unknown: what there is to know goes into the tests' output
            log = (site.stack.parent / "d.log").read_text()[-2000:]
            text = page.locator("body").inner_text()[:2000]
            warnings.warn(f"{page.url} was loaded twice: {error}\n{seen}\n{text!r}\n{log}", stacklevel=2)
            page.reload()
            settled(page)
        return page, seen

    yield opened
    for context in contexts:
        context.close()


def settled(page: Any) -> None:
    """Until the page has its heading, the script behind it has run to its end, and its last element stands."""
    page.wait_for_selector("h1")
    page.wait_for_function("document.querySelector('[data-test-script-state=notRunning]') !== null")
    page.wait_for_function("document.querySelector('[data-testid=stSkeleton]') === null")


@pytest.fixture(name="samples", scope="session")
def _samples() -> Any:
    """The module samples.py of the dashboard's unit tests."""
    return samples
