"""PID 1 of the containers `api` and `worker`: `python -m services.stack.container NAME` becomes their supervisord.

supervisord reaps what loses its parent, ends its programs on SIGTERM, and takes orders over XML-RPC.
"""

from __future__ import annotations

import os
import sys

from services.stack import config, programs, supervisor_conf
from services.stack.config import inherited_environment
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
    table = programs.shop_programs(settings, stack.lab, stack.ports, names, autostart=True)
    text = supervisor_conf.render(table, stack.lab, stack.ports, host=_EVERYWHERE)
    write_private(stack.lab.run / "supervisord.conf", text)
    environment = inherited_environment() | programs.common_environment(settings, stack.lab, stack.ports)
    environment |= {"FIREDRILL_BIND_HOST": _EVERYWHERE, "SHOP_API_HOSTNAME": "api"}
    command = [
        sys.executable,
        "-m",
        "supervisor.supervisord",
        "--nodaemon",
        "-c",
        str(stack.lab.run / "supervisord.conf"),
    ]
    os.execve(sys.executable, command, environment)  # noqa: S606


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
