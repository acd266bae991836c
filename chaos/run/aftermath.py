"""After the load: heal, wait until every accepted order is final, and collect the end state."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict

import msgspec

from chaos.collect import collect
from chaos.errors import FiredrillError
from chaos.evidence.files import digests
from chaos.evidence.journal import read_events
from chaos.heal import heal
from chaos.model.evidence import EndState
from chaos.model.faults import PROXIES
from chaos.model.folder import File
from chaos.model.journal import EventKind
from chaos.run.last_look import last_look, seats_left
from chaos.run.ongoing import Ongoing
from chaos.run.settle import settle


def heal_all(run: Ongoing) -> Sequence[str]:
    """Lift all faults and check it. Never raises: what could not be lifted is journalled and returned."""
    lifted, left = heal(run.tools.lab, patience_s=run.request.pace.heal_s)
    with suppress(OSError):
        if left:
            run.journal.write(EventKind.HEAL_FAILED, left=list(left), reason="still there after healing")
        else:
            run.journal.write(EventKind.HEALED, pristine=True, lifted=list(lifted))
    return left


def settle_and_collect(run: Ongoing, *, loaded_until_s: float) -> None:
    """Wait until every accepted order is final, then write state.json.

    Args:
        loaded_until_s: When the load ended, in seconds since its start.
    """
    run.view.say("settling: every accepted order has to become final")
    state = EndState()
    _settle(run, state, until_unix_s=_promise_unix_s(run, loaded_until_s))
    try:
        state.shown = last_look(run.folder, run.tools.customers, seed=run.plan.seed)
    except (FiredrillError, OSError) as error:  # a shop that does not answer is recorded as a missing witness
        state.missing["shown"] = str(error)
    collect(run.tools.world, state)
    try:
        state.seats_shown = seats_left(
            run.folder, run.tools.customers, state.tiers, run.tools.lab.clock, seed=run.plan.seed, still=state.settled
        )
    except (FiredrillError, OSError) as error:
        state.missing["seats_shown"] = str(error)
    run.note_identities("after")
    (run.folder / File.STATE).write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=1))
    counts = {name: len(value) for name in state.__struct_fields__ if isinstance(value := getattr(state, name), list)}
    run.journal.write(EventKind.COLLECTED, missing=state.missing, counts=counts, sha256=digests(run.folder))


def _settle(run: Ongoing, state: EndState, *, until_unix_s: float) -> None:
    lab = run.tools.lab
    result = settle(run.tools.world, lab.clock, until_unix_s=until_unix_s, stopped=lambda: run.stop.asked)
    canaries = {proxy: lab.canary.read(proxy, timeout_s=3.0).round_trip_s is not None for proxy in PROXIES}
    try:
        ping = run.tools.stack.worker_answers(run.request.pace.worker_ping_s)
    except FiredrillError:
        ping = False
    state.settled, state.settle_s = result.settled, round(result.settle_s, 3)
    state.healthy = ping and all(canaries.values())
    state.cut = result.cut
    run.journal.write(
        EventKind.SETTLED,
        settled=result.settled,
        healthy=state.healthy,
        pending=None if result.pending is None else asdict(result.pending),
        settle_s=state.settle_s,
        reason=result.reason,
        canaries=canaries,
        worker_ping=ping,
    )


def _promise_unix_s(run: Ongoing, loaded_until_s: float) -> float:
    """When the contract promises every accepted order to be final; 0, a time long past, without a load."""
    if not run.t0_unix_s:
        return 0.0
    # Orders are accepted until the load ends, so the promised time of the last one starts there.
    return run.t0_unix_s + max(loaded_until_s, *_lifts_s(run)) + run.scenario.settle_s


def _lifts_s(run: Ongoing) -> list[float]:
    events = read_events(run.folder / File.JOURNAL)
    lifts = [event.data.get("lifted_s") for event in events if event.event is EventKind.FAULT_LIFTED]
    return [0.0, *(float(lifted_s) for lifted_s in lifts if lifted_s is not None)]
