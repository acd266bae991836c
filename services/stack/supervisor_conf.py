"""Generated supervisord.conf."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence

from services.stack.layout import HOST, Lab, Ports
from services.stack.programs import Program
from services.stack.supervisor_client import USERNAME


def _text(value: object) -> str:
    """supervisord expands `%(…)s` everywhere."""
    return str(value).replace("%", "%%")


def _environment(values: Mapping[str, str]) -> str:
    """`NAME="value",…`; supervisord splits it the way a shell would, so quotes and backslashes are escaped."""
    quoted = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in values.items()}
    return ",".join(f'{name}="{_text(value)}"' for name, value in quoted.items())


def _section(name: str, values: Mapping[str, object]) -> str:
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in values.items())]) + "\n"


def _program(program: Program, lab: Lab) -> str:
    values: dict[str, object] = {
        "command": _text(shlex.join(program.command)),
        "directory": _text(program.directory),
        "autostart": str(program.autostart).lower(),
        "autorestart": program.restart,
        "exitcodes": "0",
        # A program that may have nothing to do ends at once: that is not a failed start, which would be tried again.
        "startsecs": 0 if program.restart == "unexpected" else 1,
        "startretries": 1 if program.restart == "unexpected" else 3,
        "stopsignal": program.stop_signal,
        "stopwaitsecs": program.stop_wait_s,
        "stopasgroup": "true",
        "killasgroup": "true",
        "redirect_stderr": "true",
        # supervisord expands this one twice.
        "stdout_logfile": _text(_text(lab.log / f"{program.name}.log")),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 1,
    }
    if program.environment:
        values["environment"] = _environment(program.environment)
    if program.user is not None:
        values["user"] = program.user
    return _section(f"program:{program.name}", values)


def render(programs: Sequence[Program], lab: Lab, ports: Ports, *, host: str = HOST) -> str:
    """The whole file; every program runs in a process group of its own, which is what is stopped and killed.

    What all programs have in their environment is not here: they inherit it from supervisord.

    Args:
        host: Address that supervisord itself listens on.
    """
    daemon: dict[str, object] = {
        "pidfile": _text(lab.supervisor_pid_file),
        "logfile": _text(lab.log / "supervisord.log"),
        "logfile_maxbytes": "10MB",
        "logfile_backups": 1,
        "childlogdir": _text(lab.log),
        "umask": "022",
    }
    if os.geteuid() == 0:
        daemon["user"] = "root"  # said on purpose: supervisord warns about it otherwise
    sections = [
        "; Written by `services.stack up`; changes are lost.\n",
        _section("supervisord", daemon),
        _section(
            "inet_http_server",
            {
                "port": f"{host}:{ports['supervisor']}",
                "username": USERNAME,
                "password": _text(lab.secret("supervisor")),
            },
        ),
        _section(
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
        _section(
            "rpcinterface:firedrill",
            {
                "supervisor.rpcinterface_factory": "services.stack.control:make_rpcinterface",
                "record": _text(lab.processes_file),
            },
        ),
        *(_program(program, lab) for program in programs),
    ]
    groups: dict[str, list[str]] = {}
    for program in programs:
        if program.group is not None:
            groups.setdefault(program.group, []).append(program.name)
    sections += [_section(f"group:{name}", {"programs": ",".join(members)}) for name, members in groups.items()]
    return "\n".join(sections)
