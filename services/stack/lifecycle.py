"""Bring the stack up and down."""

from __future__ import annotations

import contextlib
import http.client
import json
import resource
import signal
import subprocess
import time
import xmlrpc.client
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import psutil

from launch import environment
from launch.python import PYTHON
from services.stack import (
    grafana_program,
    isolation,
    leftovers,
    postgres,
    programs,
    provisioning,
    shop,
    supervisor_conf,
)
from services.stack import ports as port_table
from services.stack.compose import outside_only, started_unix_s
from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.handles import Stack, changing, in_compose, lab_of, stack_of
from services.stack.layout import GRAFANA, SUPERVISORS, Lab, Ports, write_json
from services.stack.locking import foreign_run
from services.stack.progress import say
from services.stack.provision.found import Parts
from services.stack.readiness import Waiter, direct_redis, dirty_proxies, toxiproxy_call
from services.stack.supervisor_client import Supervisor, Unreachable

DEFAULT_VARIANT: Final = "hardened"
NICENESS: Final = 5
OPEN_FILES: Final = 1024
_SUPERVISOR_PATIENCE_S: Final = 15.0
_STOP_PATIENCE_S: Final = 15.0


def up(settings: Settings, *, variant: str = DEFAULT_VARIANT) -> dict[str, object]:
    """Start every part that does not run and wait until all say that they are ready.

    Raises:
        StackError: then the stack is down again, unless it was up before.
    """
    with changing(settings, "up"):
        start = time.monotonic()
        _refuse_second_base_port(settings)
        lab_of(settings).create()
        stack = stack_of(settings)  # its password exists by now
        was_up = stack.supervisor.is_running()
        timings = _repair(stack) if was_up or in_compose(settings) else _start(stack, variant)
        if was_up and not in_compose(settings):
            _write_down_again(stack)
            grafana_program.refuse_late(settings, stack.supervisor.programs())
        warnings = _warnings(stack)
        for warning in warnings:
            say("warning", warning)
        return {
            **describe(stack),
            "already_running": was_up,
            "ready_after_s": timings,
            "total_s": round(time.monotonic() - start, 2),
            "warnings": warnings,
        }


def describe(stack: Stack) -> dict[str, object]:
    """A running stack for its caller: variant, base port, address book, URLs, the scorecard's login."""
    running = stack.supervisor.programs()
    prometheus_runs = in_compose(stack.settings) or "prometheus" in running
    urls: dict[str, str | None] = {
        "api": stack.public.url("api"),
        "dashboard": stack.public.url("dashboard"),
        "prometheus": stack.public.url("prometheus") if prometheus_runs else None,
        "scorecard": f"{stack.public.url('scorecard')}/admin/",
    }
    if GRAFANA in running or stack.settings.grafana:
        urls[GRAFANA] = stack.public.url(GRAFANA) if GRAFANA in running else None
    return {
        "variant": shop.current_variant(stack.lab),
        "base_port": stack.ports.base,
        "stack_file": str(stack.lab.stack_file),
        "urls": urls,
        "scorecard_login": {"username": "admin", "password_file": _admin_password_file(stack)},
    }


def _admin_password_file(stack: Stack) -> str:
    """The path for a person: below the checkout, even when this process reads it as a secret of its container."""
    if in_compose(stack.settings):
        return ".lab/secrets/scorecard_admin"
    return str(stack.lab.secret_file("scorecard_admin"))


def _refuse_second_base_port(settings: Settings) -> None:
    if settings.asked_base_port is None or settings.remembered_base_port is None:
        return
    remembered = Ports(settings.remembered_base_port)
    if remembered.base != settings.asked_base_port and Supervisor.of(Lab(settings.lab_dir), remembered).is_running():
        message = (
            f"base port: got {settings.asked_base_port}, expected {remembered.base}, on which this stack runs; "
            "`make down` first"
        )
        raise StackError("other_base_port", message)


def _start(stack: Stack, variant: str) -> dict[str, float]:
    settings, lab, ports = stack.settings, stack.lab, stack.ports
    shop.require_variant(settings, variant)
    leftovers.end_all(lab, postgres.locate(lab), say=lambda text: say("stack", text))
    port_table.require_free(ports)
    parts, cluster = provisioning.provision(settings, lab)
    postgres.configure(cluster, ports)
    how = isolation.decide(settings, lab)
    isolation.empty_run_dir(lab)  # its files may belong to another user, from an earlier start
    isolation.share(lab, how)
    if how.why:
        say("shop", f"runs as the lab's own user: {how.why}")
    shop.choose(settings, lab, variant)
    lab.processes_file.unlink(missing_ok=True)
    programs.write_configurations(lab, ports, remote_write=settings.remote_write)
    table = programs.table(settings, lab, ports, parts, cluster, how)
    besides = grafana_program.programs(settings, lab, ports, parts)
    lab.supervisor_conf.touch(mode=0o600)  # holds supervisord's password
    lab.supervisor_conf.write_text(supervisor_conf.render([*table, *besides], lab, ports, shop_uid=how.uid))
    settings.remembered_base_port_file.write_text(f"{ports.base}\n")
    _write_address_book(stack, parts, cluster)
    try:
        ready = _start_programs(stack, variant, [program.name for program in table if program.group is None], parts)
        return ready | (grafana_program.wait(stack) if besides else {})
    except BaseException:
        say("stack", "could not be brought up, ending what was started")
        _end(stack)
        raise


def _write_address_book(stack: Stack, parts: Parts, cluster: postgres.Cluster) -> None:
    facts = programs.facts_of(parts, cluster)
    book = programs.address_book(stack.settings, stack.lab, stack.ports, stack.public, facts)
    write_json(stack.lab.stack_file, book)


def _write_down_again(stack: Stack) -> None:
    """Write the base port, and the address book if it can't be read, again: the disk may have been full before."""
    stack.settings.remembered_base_port_file.write_text(f"{stack.ports.base}\n")
    try:
        is_ours = json.loads(stack.lab.stack_file.read_bytes())["lab_dir"] == str(stack.lab.root)
    except (OSError, ValueError, KeyError, TypeError):
        is_ours = False
    if not is_ours:
        parts, cluster = provisioning.provision(stack.settings, stack.lab)
        _write_address_book(stack, parts, cluster)


def _start_programs(stack: Stack, variant: str, plain: list[str], parts: Parts) -> dict[str, float]:
    if not parts.prometheus.is_there:
        say("prometheus", parts.prometheus.missing)
    start = time.monotonic()
    _launch_supervisord(stack)
    launched_s = time.monotonic() - start
    waiter = Waiter(stack.checks, on_ready=_tell)
    timings: dict[str, float] = {"supervisor": round(launched_s, 2)}
    # The shop needs these; the others keep starting meanwhile.
    first = [name for name in ("postgres", "redis", "toxiproxy") if name in plain]
    timings |= waiter.wait(first)
    postgres.ensure_roles(stack.lab, stack.ports)
    if shop.ensure_schema(stack, variant):  # a first look at the shop should show data
        world_file = stack.lab.root / "world.json"
        shop.seed_world(stack, variant, seed=shop.DEFAULT_SEED, world=shop.DEFAULT_WORLD, world_file=world_file)
    before_shop_s = time.monotonic() - start
    stack.supervisor.start(programs.SHOP)
    rest = [name for name in plain if name not in first] + list(programs.SHOP)
    later = shop.explained(stack, variant, lambda: waiter.wait(rest, variant=variant))
    return timings | {name: round(before_shop_s + seconds, 2) for name, seconds in later.items()}


def _tell(name: str, seconds: float) -> None:
    say(name.removeprefix("shop:"), f"ready ({seconds:.1f} s)")


def _launch_supervisord(stack: Stack) -> None:
    """Start the daemon, at low priority so that the load driver on the same machine keeps its schedule."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < OPEN_FILES:  # supervisord raises the lower of the two limits itself
        raise StackError("not_ready", f"open files: got a limit of {most}, expected {OPEN_FILES} or more (ulimit -Hn)")
    command = ["nice", "-n", str(NICENESS), *PYTHON, "-m", "supervisor.supervisord"]
    command += ["-c", str(stack.lab.supervisor_conf)]
    env = environment.for_programs() | programs.common_environment(stack.settings, stack.lab, stack.ports)
    done = subprocess.run(
        command,
        cwd=stack.settings.checkout,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        reason = next((line for line in said if line.startswith("Error")), said[-1])
        raise StackError("not_ready", f"supervisord: got exit {done.returncode} ({reason}), expected it to start")
    wait_until(
        stack.supervisor.is_running, _SUPERVISOR_PATIENCE_S, "supervisord: got no answer, expected state RUNNING"
    )


def wait_until(is_so: Callable[[], bool], patience_s: float, otherwise: str) -> None:
    """Poll *is_so*.

    Raises:
        StackError: `not_ready` with *otherwise* when it stays false.
    """
    deadline = time.monotonic() + patience_s
    while not is_so():
        if time.monotonic() > deadline:
            raise StackError("not_ready", f"{otherwise} (after {patience_s:.0f} s)")
        time.sleep(0.03)


def _warnings(stack: Stack) -> list[str]:
    try:
        dirty = dirty_proxies(stack.lab, stack.ports)
    except (OSError, http.client.HTTPException, ValueError):
        return []
    return [f"{sentence}; `firedrill heal` lifts it" for sentence in dirty]


def _repair(stack: Stack) -> dict[str, float]:
    """Repair parts that don't answer: resume, start, restart once. Nothing is repaired during a run."""
    if in_compose(stack.settings):
        stack.require_running()
    states = stack.supervisor.programs()
    names = [name for name in (*programs.ALWAYS, *programs.SHOP) if name in states or in_compose(stack.settings)]
    if _warnings(stack):  # a fault is active: a program of the shop that it makes unready is not broken
        names = [name for name in names if not name.startswith("shop:")]
    run = foreign_run(stack.lab)
    if run is None:
        _leave_a_variant_that_is_gone(stack)
    variant = shop.current_variant(stack.lab)
    silent = not_ready(stack, names, variant)
    if not silent:
        return {}
    if run is not None:
        say("stack", f"not ready: {', '.join(silent)}; nothing is repaired while a run is on: {run}")
        return {}
    elsewhere = [name for name in silent if name not in states]  # a container that this one can't start
    if elsewhere:
        Waiter(stack.checks, patience_s=15, on_ready=_tell).wait(elsewhere)
        silent = [name for name in silent if name in states]
    say("stack", f"repairing {', '.join(silent)}")
    for name in silent:
        if stack.supervisor.identity(name) is not None:
            _quietly(stack.supervisor, "firedrill.signal_group", name, int(signal.SIGCONT))
    stack.supervisor.start([name for name in silent if states[name].state not in {"RUNNING", "STARTING"}])
    if stack.checks.toxiproxy() is not None:
        restore_proxies(stack)
    try:
        return Waiter(stack.checks, patience_s=15, on_ready=_tell).wait(names, variant=variant)
    except StackError as error:
        say("stack", f"still not ready, restarting it: {error.message.splitlines()[0]}")
    silent = not_ready(stack, names, variant)
    stop_programs(stack, silent)
    stack.supervisor.start(silent)
    if "toxiproxy" in silent:
        restore_proxies(stack)
    return Waiter(stack.checks, patience_s=30, on_ready=_tell).wait(names, variant=variant)


def _leave_a_variant_that_is_gone(stack: Stack) -> None:
    """Switch to `hardened` when the code of the current variant was removed: it could not be started again."""
    variant = shop.current_variant(stack.lab)
    if variant is not None and shop.is_there(stack.settings, variant):
        return
    say("shop", f"variant {variant or 'of this lab'}: its code is not there any more, going on with {DEFAULT_VARIANT}")
    stop_programs(stack, programs.SHOP)
    shop.choose(stack.settings, stack.lab, DEFAULT_VARIANT)
    if stack.checks.postgres() is None:  # else the next command makes it
        shop.ensure_schema(stack, DEFAULT_VARIANT)


def not_ready(stack: Stack, names: Sequence[str], variant: str | None) -> list[str]:
    """Which of *names* are not ready; each is asked once, all concurrently."""
    with ThreadPoolExecutor(len(names)) as pool:
        asked = {name: pool.submit(stack.checks.of(name, variant=variant)) for name in names}
        return [name for name, future in asked.items() if future.result() is not None]


def restore_proxies(stack: Stack) -> None:
    """Create missing proxies; existing ones keep their toxics."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and stack.checks.toxiproxy() is not None:
        try:
            toxiproxy_call(stack.lab, stack.ports, "POST", "/populate", body=programs.proxy_list(stack.ports))
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)


def stop_programs(stack: Stack, names: Sequence[str], *, grace_s: float = 1.5) -> None:
    """Stop programs and make sure that no process of their groups and families is left.

    Raises:
        StackError: `not_ready` when a process survives even SIGKILL.
    """
    groups: dict[str, int] = {}
    for name, identity in stack.supervisor.identities(names).items():
        groups[name] = int(identity["pid"])
        stack.supervisor.signal_group(name, int(signal.SIGCONT))  # a paused group can't end
    stack.supervisor.stop(names)

    def left() -> dict[str, list[int]]:
        alive = {name: stack.supervisor.group_pids(name, pgid) for name, pgid in groups.items()}
        return {name: pids for name, pids in alive.items() if pids}

    deadline = time.monotonic() + grace_s
    while left() and time.monotonic() < deadline:
        time.sleep(0.03)
    for name in left():
        stack.supervisor.kill_group(name, groups[name])
        say(name.removeprefix("shop:"), f"killed, {grace_s:g} s after it was asked to stop")
    wait_until(lambda: not left(), 5, f"{', '.join(names)}: got processes that survive SIGKILL, expected none")

    def stopped() -> bool:
        states = stack.supervisor.programs()
        return all(states[name].state not in {"RUNNING", "STARTING", "STOPPING"} for name in names if name in states)

    wait_until(stopped, _STOP_PATIENCE_S, f"{', '.join(names)}: got a program that runs, expected it stopped")


def down(settings: Settings) -> dict[str, object]:
    """End every process of this lab, however the stack came to its present state. Data stays.

    Raises:
        StackError: `not_ready` when a process of ours is left.
    """
    if in_compose(settings):
        raise outside_only("down")
    with changing(settings, "down") as stack:
        run = foreign_run(stack.lab)
        if run is not None:
            say("warning", f"a run is on and loses its lab: {run}")
        return _end(stack)


def _end(stack: Stack) -> dict[str, object]:
    start = time.monotonic()
    was_running = stack.supervisor.is_running()
    if was_running:
        say("stack", "stopping")
        _shut_down(stack)
    folders = postgres.locate(stack.lab)
    ended = leftovers.end_all(stack.lab, folders, say=lambda text: say("stack", text))
    left = leftovers.find(stack.lab, folders)
    if left:
        raise StackError("not_ready", f"down: got {[process.pid for process in left]} still alive, expected no process")
    stack.lab.stack_file.unlink(missing_ok=True)
    stack.lab.processes_file.unlink(missing_ok=True)
    stack.lab.supervisor_pid_file.unlink(missing_ok=True)
    return {"was_running": was_running, "ended_leftovers": ended, "total_s": round(time.monotonic() - start, 2)}


def _shut_down(stack: Stack) -> None:
    """Stop all programs concurrently (supervisord's shutdown would stop one after the other), then supervisord."""
    supervisor = stack.supervisor
    try:
        pid = supervisor.pid()
        for name in supervisor.programs():
            if supervisor.identity(name) is not None:
                _quietly(supervisor, "firedrill.signal_group", name, int(signal.SIGCONT))
        supervisor.call("supervisor.stopAllProcesses", False)
        deadline = time.monotonic() + _STOP_PATIENCE_S
        while any(s.state in {"RUNNING", "STARTING", "STOPPING"} for s in supervisor.programs().values()):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        supervisor.call("supervisor.shutdown")
        _wait_gone(pid, 10)
    except (Unreachable, StackError) as error:
        say("stack", f"{error}; ending its processes directly")


def _quietly(supervisor: Supervisor, method: str, *arguments: Any) -> None:
    with contextlib.suppress(xmlrpc.client.Fault):
        supervisor.call(method, *arguments)


def _wait_gone(pid: int, patience_s: float) -> None:
    wait_until(lambda: not psutil.pid_exists(pid), patience_s, f"supervisord (pid {pid}): got alive, expected gone")


def identities(stack: Stack) -> Mapping[str, object]:
    """The identities of all running parts: a value that differs later means that a part was restarted.

    `postgres` is its start time and `redis` its run id (so a restart without supervisord shows, too); the others are
    `{"pid", "started_unix_s"}`, or None while not running; the API's also has all its `processes`. In Compose mode
    Toxiproxy, gateway and mail are their start times, from their own metrics. `code` identifies the files of the
    variant: after an edit, a process that is restarted in a run would load other code.
    """
    found: dict[str, object] = {"postgres": postgres.start_time(stack.lab, stack.ports)}
    with direct_redis(stack.lab, stack.ports) as client:
        info: Any = client.info("server")
        found["redis"] = info["run_id"]
    programs_of = {
        "toxiproxy": "toxiproxy",
        "gateway": "gateway",
        "mail": "mail",
        "api": "shop:api",
        "worker": "shop:worker",
        "relay": "shop:relay",
    }
    running = stack.supervisor.identities(list(programs_of.values()))
    for key, name in programs_of.items():
        if in_compose(stack.settings) and name not in SUPERVISORS:
            found[key] = started_unix_s(stack.ports, {"mail": "mail_http"}.get(key, key))
            continue
        identity = running.get(name)
        known = {name: identity[name] for name in ("pid", "started_unix_s")} if identity else None
        if known and identity and key == "api":  # its master lives on for a moment when one of the processes has died
            known["processes"] = identity["pids"]
        found[key] = known
    if variant := shop.current_variant(stack.lab):
        found["code"] = shop.running_code(stack, variant)
    return found
