"""How many charges a signal to the worker cut: its own, not those that another process of the shop had on its way."""

from __future__ import annotations

from typing import Any

from chaos.errors import LabBroken
from chaos.ports import Lab, Signalled

WITNESS = "kernel and gateway: charges of the process without an answer"


def charges_met(process: str, signalled: Signalled, lab: Lab) -> tuple[int, str]:
    """Charges whose answer *process* had not read when it was signalled. Raises: LabBroken.

    The kernel knows whose question waits, and not what it asks; the gateway knows what was asked, and behind its proxy
    not by whom. An answer that the gateway gave and a toxic holds back has not been read.
    """
    if signalled.asked_unix_s is None:
        raise LabBroken(f"{process}: got no list of its connections from the kernel, expected to see what waits there")
    return lab.gateway.charges_among(signalled.asked_unix_s, signalled.at_unix_s), WITNESS


def caught_charging(process: str, lab: Lab) -> Signalled | None:
    """Pause *process*, which stays so if it has asked the gateway something; else it runs on, and None is returned.

    A charge is short, and on a busy machine it is answered before a signal comes. Raises: LabBroken.
    """
    paused = lab.processes.pause_group(process)
    if paused.asked_unix_s == ():
        lab.processes.resume(process)
        return None
    return paused


def questions(signalled: Signalled) -> dict[str, Any]:
    """For the record: how long before the signal each question to the gateway was sent that had no answer."""
    asked = signalled.asked_unix_s
    return {"questions_to_gateway_s": None if asked is None else [round(signalled.at_unix_s - at, 3) for at in asked]}
