"""The driver's command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from urllib.parse import urlsplit

from launch.begin import CHECKOUT
from loadtests import plan as plans
from loadtests import protocol
from loadtests import world as worlds
from loadtests.journeys import discover


def main() -> int:
    """Check all arguments and files before Locust is imported, then run."""
    parser = argparse.ArgumentParser(prog="python -m loadtests", description="Play one load plan.")
    parser.add_argument("plan", type=Path, nargs="?", help="load-plan.json, as chaos.model.loadplan describes it")
    parser.add_argument("--join", metavar="HOST:PORT", help="be a load worker for the run that waits there")
    key = CHECKOUT / ".lab" / "keep" / "load-key"
    parser.add_argument("--key-file", type=Path, default=key, help="the lab's load key")
    parser.add_argument("--api", default="", help="where this host reaches the API (default: the plan's, on loopback)")
    parser.add_argument("--patience", type=float, default=600.0, help="seconds to wait for a run")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--master-port", type=int, default=0, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.join is not None:
        return _join(parser, arguments)
    if arguments.plan is None:
        parser.error("got neither a plan nor --join, expected one of them")
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
        return 2


def _join(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    """Be a load worker for a master on another host."""
    if arguments.plan is not None:
        parser.error("got both a plan and --join, expected one of them")
    try:
        master = protocol.address(arguments.join)
    except ValueError as error:
        parser.error(f"--join: {error}")
    url = urlsplit(arguments.api)
    if arguments.api and (url.scheme != "http" or not url.hostname):
        parser.error(f"--api: got {arguments.api!r}, expected http://host:port")
    try:
        key = protocol.read_key(arguments.key_file)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    from loadtests import driver  # noqa: PLC0415  # patches the standard library

    return driver.join(master, key=key, api=arguments.api.rstrip("/"), patience_s=arguments.patience)
