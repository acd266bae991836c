"""`python -m loadtests PLAN.json`: play one load plan. Exit codes: see `loadtests.driver.Exit`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from loadtests import plan as plans
from loadtests import world as worlds
from loadtests.journeys import discover


def main() -> int:
    """Check everything that can be checked before Locust comes in."""
    parser = argparse.ArgumentParser(prog="python -m loadtests", description="Play one load plan.")
    parser.add_argument("plan", type=Path, help="load-plan.json, as chaos.model.loadplan describes it")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--master-port", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    try:
        plan = plans.read(arguments.plan, discover())
        world = worlds.read(Path(plan.world_file))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    from loadtests import driver  # noqa: PLC0415  # patches the standard library

    try:
        return driver.run(plan, world, arguments.plan, arguments.worker, arguments.master_port)
    except FileExistsError as error:
        sys.stderr.write(f"{error.filename}: got a file that exists, expected a folder without a history\n")
        return driver.Exit.BAD_PLAN


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # Locust's message sockets would wait for peers that are gone
