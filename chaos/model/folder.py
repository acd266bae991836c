"""Names of the files in a run's evidence folder, defined only here. docs/operate/evidence.md says what is in each."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class File(StrEnum):
    """A file of the folder; `folder / File.JOURNAL` is its path."""

    SCENARIO = "scenario.yaml"
    PATCH = "attempt.patch"  # what the learner changed in the code that ran; nothing is judged by it
    LOAD_PLAN = "load-plan.json"
    WORLD = "world.json"
    JOURNAL = "journal.jsonl"
    WATCHDOG = "watchdog.jsonl"
    REVIEW = "review.json.gz"  # packed, so that nobody reads the key by accident
    AUDIT = "audit.json.gz"  # packed for the same reason
    CASES = "cases.jsonl"
    EXCHANGES = "exchanges.jsonl.gz"
    CONTRACT = "contract.json"
    QUERIES = "queries.jsonl.gz"
    PLANS = "plans.jsonl.gz"
    SCHEDULES = "schedules.jsonl"
    HISTOGRAMS = "histograms.json"
    DRIVER = "driver.json"
    DRIVER_LOG = "driver.log"
    CLOCKS = "clocks.jsonl"
    HOST = "host.jsonl"
    METRICS = "metrics.jsonl.gz"
    SAMPLES = "samples.jsonl"
    STATEMENTS = "statements.jsonl.gz"
    LOG = "log.jsonl.gz"
    STATE = "state.json"
    VERDICT = "verdict.json"
    COUNTEREXAMPLES = "counterexamples.json"
    REPORT = "report.md"
    REPORT_PAGE = "report.html"
    JUNIT = "junit.xml"
    MANIFEST = "manifest.json"


EXCHANGES_GROWING: Final = File.EXCHANGES.removesuffix(".gz")
"""The exchanges while they are being made; packed at the end."""

HISTORY: Final = "history"
"""The subfolder with one file per load worker."""

LABELS: Final = "labels"
"""Beside the runs' folders, not in one: what learners call their runs, a file a run."""

SAMPLES_BY_WORKER: Final = "samples"
"""The subfolder in which each load worker keeps its samples while it runs; merged into `File.SAMPLES` at the end."""


def of_worker(number: int) -> str:
    """The name of a load worker's file in either subfolder."""
    return f"worker-{number}.jsonl"
