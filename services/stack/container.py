"""PID 1 of the containers `api` and `worker`: `python -m services.stack.container NAME` becomes their supervisord.

supervisord reaps orphaned processes, ends its programs on SIGTERM, and is controlled over XML-RPC.
"""

from __future__ import annotations

import os
import sys

from launch import environment
from launch.python import PYTHON
from services.stack import config, isolation, programs, supervisor_conf
from services.stack.handles import stack_of
from services.stack.layout import SUPERVISORS, write_private

_EVERYWHERE = "0.0.0.0"  # noqa: S104 -- of a container's own networks, which only the lab is in


def main(words: list[str]) -> int:
    """Write supervisord's configuration and become supervisord. Exit 2 for an unknown container."""
    known = sorted(set(SUPERVISORS.values()))
    if len(words) != 1 or words[0] not in known:
        sys.stderr.write(f"container: got {' '.join(words)!r}, expected one of {', '.join(known)}\n")
        return 2
    settings = config.load()
    stack = stack_of(settings)
    names = [program for program, host in SUPERVISORS.items() if host == words[0]]
    how = isolation.decide(settings, stack.lab)
    table = programs.shop_programs(settings, stack.lab, stack.ports, how, names, autostart=True)
    text = supervisor_conf.render(table, stack.lab, stack.ports, host=_EVERYWHERE)
    write_private(stack.lab.run / "supervisord.conf", text)
    env = environment.for_programs() | programs.common_environment(settings, stack.lab, stack.ports)
    env |= {"FIREDRILL_BIND_HOST": _EVERYWHERE}
    command = [
        *PYTHON,
        "-m",
        "supervisor.supervisord",
        "--nodaemon",
        "-c",
        str(stack.lab.run / "supervisord.conf"),
    ]
    os.execve(sys.executable, command, env)  # noqa: S606


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
