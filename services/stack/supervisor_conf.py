"""Generated supervisord.conf."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence

from services.stack.layout import HOST, Lab, Ports
from services.stack.programs import Program
from services.stack.supervisor_client import USERNAME


def _text(value: object) -> str:
    """*value* with `%` doubled: supervisord expands `%(…)s` in every value."""
    return str(value).replace("%", "%%")


def _environment(values: Mapping[str, str]) -> str:
    """`NAME="value",…`; supervisord reads single and double quotes here, but no escape."""
    quotes = {name: "'" if '"' in value else '"' for name, value in values.items()}
    return ",".join(f"{name}={quotes[name]}{_text(value)}{quotes[name]}" for name, value in values.items())


def _fits(value: str) -> bool:
    """Whether `_environment` can hold *value*: supervisord also strips every quote at its ends."""
    return not ("'" in value and '"' in value) and value == value.strip("'\"")


def _section(name: str, values: Mapping[str, object]) -> str:
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in values.items())]) + "\n"


def _program(program: Program, lab: Lab) -> str:
    fits = {name: value for name, value in program.environment.items() if _fits(value)}
    others = [f"{name}={value}" for name, value in program.environment.items() if name not in fits]
    command = ["/usr/bin/env", *others, *program.command] if others else program.command
    values: dict[str, object] = {
        "command": _text(shlex.join(command)),
        "directory": _text(program.directory),
        "autostart": str(program.autostart).lower(),
        "autorestart": program.restart,
        "exitcodes": "0",
        # A program with nothing to do ends at once: supervisord must not take this for a failed start and repeat it.
        "startsecs": 0 if program.restart == "unexpected" else 1,
        "startretries": 1 if program.restart == "unexpected" else 3,
        "stopsignal": program.stop_signal,
        "stopwaitsecs": program.stop_wait_s,
        "stopasgroup": "true",
        "killasgroup": "true",
        "redirect_stderr": "true",
        # supervisord expands this value twice.
        "stdout_logfile": _text(_text(lab.log / f"{program.name}.log")),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 1,
    }
    if fits:
        values["environment"] = _environment(fits)
    if program.user is not None:
        values["user"] = program.user
    return _section(f"program:{program.name}", values)


def render(
    programs: Sequence[Program], lab: Lab, ports: Ports, *, host: str = HOST, shop_uid: int | None = None
) -> str:
    """The whole file; every program runs in its own process group: stopping and killing reach the whole group.

    Environment variables that all programs share are not in it: programs inherit them from supervisord.

    Args:
        host: Address that supervisord itself listens on.
        shop_uid: The shop's own user; a process with this uid is the shop's.
    """
    daemon: dict[str, object] = {
        "identifier": lab.identifier,
        "pidfile": _text(lab.supervisor_pid_file),
        "logfile": _text(lab.log / "supervisord.log"),
        "logfile_maxbytes": "10MB",
        "logfile_backups": 1,
        "childlogdir": _text(lab.log),
        "umask": "077",  # files that a program writes are readable for its user only
    }
    if os.geteuid() == 0:
        daemon["user"] = "root"  # supervisord warns when it runs as root without this line
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
                **({} if shop_uid is None else {"shop_uid": shop_uid}),
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
