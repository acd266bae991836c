"""`firedrill --help`: every command with one line, in the groups in which people look for them.

Written with the standard library: Rich would take a third of the time that the help may take.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

from chaos.cli.commands import COMMANDS

GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "Learn": {
        "standing": "where you stand, and what to type next; also without a command",
        "drill": "what a drill asks, its last verdicts, the files it is about",
        "attempt": "your own variant: start, reset, serve, manage",
        "watch": "a quick look at each save of your attempt; no evidence",
        "hint": "the next of three hints for the check that failed last",
        "check": "does your attempt pass a drill? core and stretch",
        "try": "one request by hand: its answer, and what the contract says",
        "token": "somebody's bearer token, for curl or another tool",
        "score": "record your own score, with the ceiling beside it",
        "review": "drill 6: a sample to read, your notes, their grade",
        "reveal": "what was planted in your attempt (counts as a solution)",
        "deliver": "what a drill asks you to hand in, and one ZIP of it",
        "mentor": "what was handed in, on one page; run again, signed",
    },
    "Run": {
        "list": "the scenarios with their last verdicts; --runs: the runs",
        "run": "run one scenario on one variant and judge it",
        "selftest": "show that a scenario tells naive from hardened",
        "force": "one forced schedule of a run once more",
        "mutants": "the flaws that measure the power of the checks",
        "validate": "check scenario files",
        "scenario": "a scenario of your own: new",
        "schema": "the schema of scenario files, or their reference",
    },
    "Evidence": {
        "explain": "what shows a violation, on one time line",
        "compare": "two runs side by side, before and after",
        "queries": "what each request asked the database",
        "label": "a few words on a run, to find it by",
        "replay": "a run once more as it went, also as a video",
        "verify": "derive a verdict again; notice any changed byte",
        "index": "put runs into the scorecard",
        "export": "the drill map: scores, months, levels",
        "import": "put a drill map back",
    },
    "Maintain": {
        "up": "start the stack and wait until it is ready",
        "down": "end every process of the stack; data stays",
        "status": "what runs, and whether it is ready",
        "doctor": "what is missing, and how to get it",
        "heal": "lift every fault that a run may have left",
        "calibrate": "measure how much load this machine carries",
        "completion": "the script that completes commands in your shell",
        "agent": "the watchdog in the foreground",
    },
}
"""Group → command → its line, in the order of the page."""


def page(about: str, options: Mapping[str, str], *, styled: bool) -> str:
    """The help of the program as a whole; *styled*: with bold heads, for a terminal."""
    return "\n".join(_lines(about, options, styled)) + "\n"


def _lines(about: str, options: Mapping[str, str], styled: bool) -> Iterator[str]:
    def head(text: str) -> str:
        return f"\033[1m{text}\033[0m" if styled else text

    width = max(map(len, (*COMMANDS, *options)))
    yield from ("Usage: firedrill COMMAND …", "", *textwrap.wrap(about, 80))
    for group, commands in GROUPS.items():
        yield from ("", head(group))
        yield from (f"  {name:<{width}}  {text}" for name, text in commands.items() if name in COMMANDS)
    yield from ("", head("Options"))
    yield from (f"  {name:<{width}}  {text}" for name, text in options.items())
    yield from ("", "`firedrill COMMAND --help` says more about one.")
