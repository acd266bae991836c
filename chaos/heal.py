"""Lift everything that may still be there, and assert that nothing is: for the run, the agent and `firedrill heal`."""

from __future__ import annotations

from collections.abc import Sequence

from chaos.errors import FiredrillError
from chaos.ports import Lab

PAUSE_S = 0.5


def heal(lab: Lab, *, patience_s: float) -> tuple[Sequence[str], Sequence[str]]:
    """Reset the proxies, resume every process, switch the gateway's faults off; again until it holds.

    Returns: What was found and lifted, and what is left when *patience_s* is over (empty: pristine). Never raises.
    """
    found: list[str] = []
    give_up = lab.clock.now_unix_s() + patience_s
    while True:
        try:
            deviations = lab.proxies.deviations()
            found += [deviation for deviation in deviations if deviation not in found]
            if deviations:
                lab.proxies.reset()
            lab.processes.resume_all()
            lab.gateway.heal()
            left = list(lab.proxies.deviations())
        except (FiredrillError, OSError) as error:
            left = [str(error)]
        except Exception as error:  # a defect of ours must not pass for a lab that is pristine
            left = [repr(error)]
        if not left or lab.clock.now_unix_s() >= give_up:
            return found, left
        lab.clock.sleep(PAUSE_S)
