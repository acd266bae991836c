"""Grafana under the lab's supervisor, where `up` was asked for it: nothing is judged by it, and nothing waits for it.

It shows what Prometheus has, on the dashboard in the folder `grafana` beside this module, and calls nobody else.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from services.stack import ports as port_table
from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.handles import Stack
from services.stack.layout import GRAFANA, HOST, Lab, Ports, write_private
from services.stack.programs import Program
from services.stack.progress import say
from services.stack.provision import grafana
from services.stack.provision.found import Parts
from services.stack.readiness import Waiter

PATIENCE_S: Final = 90.0
"""Its first start makes a database."""


def programs(settings: Settings, lab: Lab, ports: Ports, parts: Parts) -> list[Program]:
    """Grafana, its configuration written; none where nobody asked for it or, after a sentence, where it can't run."""
    if not settings.grafana:
        return []
    found = grafana.find(settings)
    problem = found.missing
    if found.is_there and not parts.prometheus.is_there:
        problem = "not started: this machine has no Prometheus, from which it would draw"
    elif found.is_there and not port_table.is_free(ports[GRAFANA]):
        holder = port_table.describe_holder(port_table.listeners().get(ports[GRAFANA]))
        problem = f"not started: port {ports[GRAFANA]} is held by {holder}, expected free"
    if problem:
        say(GRAFANA, problem)
        return []
    file = lab.run / "grafana.ini"
    folder = settings.checkout / "services" / "stack" / "grafana"
    lab.grafana_data.mkdir(mode=0o700, exist_ok=True)
    write_private(file, configuration(ports, folder=folder, data=lab.grafana_data))
    sources = {
        "FIREDRILL_PROMETHEUS_URL": ports.url("prometheus"),
        "FIREDRILL_GRAFANA_DASHBOARDS": str(folder / "dashboards"),
    }
    command = (*found.command, "--config", str(file))
    return [Program(name=GRAFANA, command=command, directory=lab.grafana_data, environment=sources)]


def configuration(ports: Ports, *, folder: Path, data: Path) -> str:
    """Its configuration file. *folder*: what provisions it; *data*: the only folder that it writes to."""
    off, on = "false", "true"
    sections: Mapping[str, Mapping[str, object]] = {
        "paths": {
            "data": data, "logs": data / "log", "plugins": data / "plugins", "provisioning": folder / "provisioning",
        },
        # A page whose name was pointed at this machine is sent to the right name, and so can't read the answer.
        "server": {
            "http_addr": HOST, "http_port": ports[GRAFANA], "domain": HOST, "enforce_domain": on,
        },
        "analytics": {
            "reporting_enabled": off, "check_for_updates": off, "check_for_plugin_updates": off,
            "feedback_links_enabled": off,
        },
        "news": {"news_feed_enabled": off},
        "plugins": {"preinstall_disabled": on, "public_key_retrieval_disabled": on, "plugin_admin_enabled": off},
        "snapshots": {"external_enabled": off},
        # Everybody on this machine may look, and nobody can log in: its first password is one that nobody knows.
        "security": {
            "disable_gravatar": on, "admin_password": secrets.token_hex(16), "secret_key": secrets.token_hex(16),
        },
        "auth": {"disable_login_form": on},
        "auth.basic": {"enabled": off},
        "auth.anonymous": {"enabled": on, "org_role": "Viewer"},
        "dashboards": {
            "default_home_dashboard_path": folder / "dashboards" / "firedrill.json", "min_refresh_interval": "1s",
        },
        "log": {"mode": "console", "level": "warn"},
    }  # fmt: skip
    lines = [
        line
        for name, values in sections.items()
        for line in (f"[{name}]", *(f"{key} = {value}" for key, value in values.items()), "")
    ]
    return "\n".join(lines)


def wait(stack: Stack) -> dict[str, float]:
    """Seconds until it answered. Where it doesn't, that is said, and the lab goes on without it."""
    try:
        ready = Waiter(stack.checks, patience_s=PATIENCE_S).wait([GRAFANA])
    except StackError as error:
        say(GRAFANA, f"is not ready, and nothing else needs it: {error.message}")
        return {}
    say(GRAFANA, f"ready ({ready[GRAFANA]:.1f} s)")
    return ready


def refuse_late(settings: Settings, running: Mapping[str, object]) -> None:
    """Say why a stack that runs without it does not get it by another `up`."""
    if settings.grafana and GRAFANA not in running:
        say(GRAFANA, "not started: the stack runs without it already; `make down` first")
