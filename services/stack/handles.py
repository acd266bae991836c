"""The handles of one lab that every command works with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.layout import CONTAINERS, Lab, Ports
from services.stack.locking import exclusive
from services.stack.readiness import Checks
from services.stack.supervisor_client import Fleet, Supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Settings, files, ports and supervisord of one lab; the stack may be up or down."""

    settings: Settings
    lab: Lab
    ports: Ports
    supervisor: Supervisor

    @property
    def public(self) -> Ports:
        """The ports as a person's browser reaches them."""
        return Ports(self.settings.public_base_port or self.ports.base)

    @property
    def checks(self) -> Checks:
        """The readiness checks of its parts."""
        return Checks(self.lab, self.ports, self.supervisor)

    def require_running(self) -> None:
        """Raises: StackError: `not_running` unless our supervisord answers."""
        if not self.supervisor.is_running():
            where = "the containers api and worker" if in_compose(self.settings) else self.ports.address("supervisor")
            raise StackError("not_running", f"{self.lab.root}: got no stack on {where}, expected it to run: make up")


def in_compose(settings: Settings) -> bool:
    """Whether this process is one of the Compose stack's containers."""
    return settings.mode == "compose"


def lab_of(settings: Settings) -> Lab:
    """The lab's files."""
    return Lab(settings.lab_dir, settings.secrets_dir)


def stack_of(settings: Settings) -> Stack:
    """Handles for *settings*; nothing is asked or started."""
    lab = lab_of(settings)
    ports = Ports(settings.base_port, CONTAINERS if in_compose(settings) else {})
    supervisor = (Fleet if in_compose(settings) else Supervisor).of(lab, ports)
    return Stack(settings=settings, lab=lab, ports=ports, supervisor=supervisor)


@contextmanager
def changing(settings: Settings, command: str) -> Iterator[Stack]:
    """Hold the lab's lock for a command that changes it."""
    with exclusive(lab_of(settings).lock_file, command):
        yield stack_of(settings)
