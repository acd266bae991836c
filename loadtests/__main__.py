"""`python -m loadtests PLAN.json`: play one load plan. `python -m loadtests --join HOST:PORT`: be a load worker for a
plan that is played on another host. Exit codes: see `loadtests.process.Exit`.
"""

from __future__ import annotations

import os

from launch.entry import call

if __name__ == "__main__":
    # A normal exit would wait until Locust's sockets have sent their messages, also to peers that are gone.
    os._exit(call("loadtests", "loadtests.command:main", interrupted=3))
