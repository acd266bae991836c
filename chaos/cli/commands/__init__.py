"""The commands by name, in the order of `firedrill --help`: the module that has each, and its help's first line.

A command's module is imported when that command is called: `firedrill --help` imports none of them.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Entry(NamedTuple):
    """One command or group of commands.

    Attributes:
        module: Below this package; its `app` has the command under the same name.
        about: First line of the command's docstring.
    """

    module: str
    about: str


COMMANDS: Final = {
    "run": Entry("run", "Run one scenario on one variant and judge it."),
    "selftest": Entry(
        "selftest", "Show that a scenario is violated on naive for the reasons it names, and holds on hardened."
    ),
    "mutants": Entry("power", "List the mutants; exit 2 when their patches and the scenarios disagree."),
    "validate": Entry("scenarios", "Check scenario files and name everything that is wrong with them."),
    "heal": Entry(
        "heal", "Lift everything that a run may have left: toxics, disabled proxies, paused processes, gateway faults."
    ),
    "verify": Entry(
        "evidence", "Derive a run's verdict again, offline, from its folder alone, and notice any changed byte."
    ),
    "calibrate": Entry(
        "calibrate",
        "Measure once how much of the scripted load this machine carries; later runs take that scale by themselves.",
    ),
    "check": Entry(
        "check",
        "Does your attempt pass a drill? Core and stretch apart; drill 3 wants three holds in a row on different "
        "seeds.",
    ),
    "try": Entry(
        "try_out", "One request by hand: as whom you like, its answer, and where that differs from the contract."
    ),
    "token": Entry(
        "bearer",
        "A bearer token of somebody of the seeded world, good for an hour, for curl or another tool.",
    ),
    "explain": Entry(
        "evidence",
        "The smallest counterexample of a violation, on one time line: operations, SQL, charges, log lines. Offline.",
    ),
    "force": Entry(
        "force", "One forced schedule of a run once more, on the code as it is now: until the code is right."
    ),
    "compare": Entry("evidence", "Two runs of the same scenario and seed side by side, before and after. Offline."),
    "queries": Entry(
        "queries",
        "How many statements each request made, with few rows and with many: which, how long, whose line. Offline.",
    ),
    "replay": Entry(
        "replay", "A finished run once more, as it happened: phases, faults, figures, and real answers. Offline."
    ),
    "label": Entry("label", "A few words on a run, to find it by; the evidence stays as it is. Offline."),
    "index": Entry(
        "scores", "Put every run of the evidence folder into the scorecard, or one; any time, without duplicates."
    ),
    "export": Entry(
        "scores", "The whole drill map: scores with their history, months, hints, and what it all amounts to."
    ),
    "import": Entry("scores", "Put a drill map back: adds what is not here yet, and never drops what is."),
    "list": Entry(
        "scenarios", "The scenarios that there are, with the verdict of the last run on each variant; or the runs."
    ),
    "schema": Entry("scenarios", "The JSON Schema of scenario files, for editors; or the reference for people."),
    "agent": Entry("stack", "Run the watchdog in the foreground (the stack does so by itself)."),
    "up": Entry("stack", "Start the stack and wait until every part is ready."),
    "down": Entry("stack", "End every process of the stack; data stays."),
    "status": Entry("stack", "What runs, and whether it is ready."),
    "doctor": Entry("stack", "Every part: found where, which version, what is missing and how to get it."),
    "completion": Entry(
        "completion", "The script that completes commands, options, scenarios, variants and runs in your shell."
    ),
    "reveal": Entry(
        "attempt",
        "The key of your attempt's draft: every flaw, and where. On record like a solution, and caps the ceiling at 1.",
    ),
    "attempt": Entry("attempt", "Your own variant of the API."),
    "review": Entry("review", "Drill 6: a sample of code to read, your notes on it, and how they are graded."),
    "deliver": Entry(
        "deliver",
        "What a drill asks you to hand in: its documents and one ZIP, after a run on a seed that nobody knew before.",
    ),
    "scenario": Entry("new_scenario", "A scenario of your own."),
    "mentor": Entry(
        "mentor",
        "What learners handed in, on one page: results, tries, hints, what no machine judged, what to ask. Offline.",
    ),
    "standing": Entry(
        "standing", "Where you stand in the six drills, and the next command to type; `firedrill` alone says the same."
    ),
    "drill": Entry(
        "drill",
        "What a drill asks: brief, steps, scenarios with their last verdicts, which files it is about, what is next.",
    ),
    "hint": Entry(
        "hint",
        "The next of three hints for the check that failed last; on record, and the last one caps the ceiling at 1.",
    ),
    "watch": Entry(
        "watch",
        "A quick look at each save of your attempt: is the check that failed still violated? It is no evidence.",
    ),
    "score": Entry(
        "score",
        "Record your own score of a drill, as the page Scores does; the ceiling of the evidence is told beside it.",
    ),
}
