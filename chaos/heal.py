"""Lift everything that may still be there, and assert that nothing is: for the run, the agent and `firedrill heal`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from chaos.errors import FiredrillError
from chaos.ports import Lab

PAUSE_S = 0.5


def deviations(lab: Lab) -> list[str]:
    """What a fault may have left, in words: on proxies, processes, gateway, databases. Empty when pristine.

    Raises: LabBroken when one of them can't be asked.
    """
    return [*lab.proxies.deviations(), *lab.processes.deviations(), *lab.gateway.deviations(), *lab.gate.deviations()]


def heal(lab: Lab, *, patience_s: float) -> tuple[Sequence[str], Sequence[str]]:
    """Reset the proxies, resume every process, switch the gateway's faults off, remove the gate; until it holds.

    Returns: What was found and lifted, and what is left when *patience_s* is over (empty: pristine). Never raises.
    """
    found: list[str] = []
    give_up = lab.clock.now_unix_s() + patience_s
    while True:
        left = _try(lab, found)
        if not left or lab.clock.now_unix_s() >= give_up:
            return found, left
        lab.clock.sleep(PAUSE_S)


def _try(lab: Lab, found: list[str]) -> list[str]:
    """Heal each part by itself: a proxy that hangs must not keep a process paused. Returns what is left, and errors."""
    return [
        *_part(lab.processes.deviations, lab.processes.resume_all, found, always=True),
        *_part(lab.gateway.deviations, lab.gateway.heal, found, always=True),
        *_part(lab.gate.deviations, lab.gate.remove, found, always=False),
        # Not when all is well: a reset closes connections that a black hole had held.
        *_part(lab.proxies.deviations, lab.proxies.reset, found, always=False),
    ]


def _part(
    ask: Callable[[], Sequence[str]], mend: Callable[[], None], found: list[str], *, always: bool
) -> Sequence[str]:
    dirty: Sequence[str] | None = None
    with suppress(Exception):  # a part that can't be asked may still be healed; it is asked again below
        dirty = ask()
        found += [deviation for deviation in dirty if deviation not in found]
    try:
        if always or dirty or dirty is None:
            mend()
        return ask()
    except (FiredrillError, OSError) as error:
        return [str(error)]
    except Exception as error:  # a defect of the lab's code must not look like a pristine lab
        return [repr(error)]
