"""The stack as a whole: `python -m services.stack … --json` as a subprocess, since provisioning is part of services."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from chaos.adapters.redis import OURS
from chaos.config import CHECKOUT, Redis
from chaos.errors import ExitCode, FiredrillError, Inconclusive, InvalidInput, LabBroken, LearnerCodeError
from launch import environment
from launch.python import PYTHON

STACK = (*PYTHON, "-m", "services.stack")
PREPARE_TIMEOUT_S = 120.0
_ERRORS: Mapping[str, type[FiredrillError]] = {"learner_code": LearnerCodeError}


def ask_stack(
    command: Sequence[str],
    *,
    timeout_s: float | None = None,
    quiet: bool = True,
    program: Sequence[str] = STACK,
) -> dict[str, Any]:
    """Run one command of the stack and decode its document. Its progress goes to our stderr unless *quiet*.

    Raises: LearnerCodeError, InvalidInput, LabBroken with the stack's own sentence.
    """
    try:
        done = subprocess.run(
            [*program, *command, "--json"],
            cwd=CHECKOUT,
            env=environment.for_commands(),  # `up` may have to download a server
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if quiet else None,
            timeout=timeout_s,
            start_new_session=True,  # a Ctrl-C must reach only the runner
            check=False,
        )
    except OSError as error:
        raise LabBroken(f"stack {command[0]}: got {error.strerror or error}, expected it to start") from None
    except subprocess.TimeoutExpired:
        raise LabBroken(f"stack {command[0]}: got nothing in {timeout_s:g} s, expected an answer (make logs)") from None
    try:
        document = msgspec.json.decode(done.stdout, type=dict[str, Any])
    except msgspec.DecodeError:
        said = (done.stderr or b"").decode(errors="replace").strip().splitlines()
        why = f" ({said[-1]})" if said else ""
        raise LabBroken(
            f"stack {command[0]}: got exit code {done.returncode}{why}, expected a JSON document (make logs)"
        ) from None
    if done.returncode:
        raise _error(document.get("error"), command[0], done.returncode)
    return document


def _error(error: Any, command: str, code: int) -> FiredrillError:
    """The stack's own message; what is invalid input for the stack is invalid input here."""
    found = error if isinstance(error, dict) else {}
    message = str(found.get("message") or f"stack {command}: got exit code {code} without a reason, expected one")
    otherwise = InvalidInput if code == ExitCode.INVALID else LabBroken
    return _ERRORS.get(str(found.get("kind")), otherwise)(message)


class StackProcess:
    """See `chaos.ports.StackControl`."""

    def __init__(self, broker: Redis) -> None:
        self._broker_url = broker.broker_url

    def prepare(
        self, *, variant: str, seed: int, world: Mapping[str, int], world_file: Path, rows: int | None = None
    ) -> Mapping[str, Any]:
        asked = _asked(variant, seed, world, world_file) + ([] if rows is None else ["--rows", str(rows)])
        return ask_stack(["prepare", *asked], timeout_s=PREPARE_TIMEOUT_S)

    def fill(
        self, *, variant: str, seed: int, world: Mapping[str, int], world_file: Path, rows: int, edition: int = 0
    ) -> None:
        asked = [*_asked(variant, seed, world, world_file), "--rows", str(rows), "--edition", str(edition)]
        ask_stack(["fill", *asked], timeout_s=PREPARE_TIMEOUT_S)

    def identities(self) -> Mapping[str, str]:
        found = ask_stack(["identities"], timeout_s=30.0)
        return flatten_identities(found.get("identities", found))

    def worker_answers(self, timeout_s: float) -> bool:
        from celery import Celery  # noqa: PLC0415 - half a second to import, and only settling needs it

        app = Celery(broker=self._broker_url, set_as_current=False)
        app.conf.broker_transport_options = {"client_name": OURS}
        try:
            # The connection is passed explicitly, since Celery prefers CELERY_BROKER_URL to the app's broker.
            with app.connection_for_write(self._broker_url) as connection:
                return bool(app.control.ping(timeout=timeout_s, limit=1, connection=connection))
        except Exception as error:
            raise Inconclusive(f"worker: got {type(error).__name__}, expected an answer to a ping") from None
        finally:
            app.close()


def _asked(variant: str, seed: int, world: Mapping[str, int], world_file: Path) -> list[str]:
    described = msgspec.json.encode(dict(world)).decode()
    return ["--variant", variant, "--seed", str(seed), "--world", described, "--world-file", str(world_file)]


def flatten_identities(parts: Mapping[str, Any]) -> dict[str, str]:
    """Part → text that changes when it restarts: the identity of its process, or of its own start."""
    flat: dict[str, str] = {}
    for name, value in parts.items():
        if isinstance(value, Mapping):
            flat[name] = f"{value.get('pid')}@{value.get('started_unix_s')}"
        elif value is not None:
            flat[name] = str(value)
    return flat
