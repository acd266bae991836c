"""`pause`: SIGSTOP to the whole process group of a part of the shop, which then exists but does not run."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from chaos.faults._charges import caught_charging, charges_met, questions
from chaos.faults._kind import FaultKind, Held, Proof
from chaos.model.faults import FaultParams, HeldFault
from chaos.ports import Lab

# A process that runs answers in a few milliseconds; the worker's ping goes through the broker.
ANSWER_S = {"api": 1.0, "worker": 1.0}
# The kernel stops a group at once; a process in a system call of the disk stops a little later.
STOP_S = 2.0
AGAIN_S = 10.0
POLL_S = 0.02


class Pause(HeldFault):
    """Stop a process and its children without ending them: connections stay open and get no answer."""

    # Not the relay: no witness sees the work that it has in hand, so its exposure could not be shown.
    targets: ClassVar[tuple[str, ...]] = ("api", "worker")

    inject: Literal["pause"]
    when: Literal["charge_in_flight"] | None = Field(None, description="Wait until a charge is at the gateway.")


class PauseKind(FaultKind):
    """See `Pause`."""

    name = "pause"
    params = Pause
    signals = True
    arm_ahead_s = 2.0  # the first ping of a process imports Celery

    def proof_s(self, params: FaultParams) -> float:
        return ANSWER_S[params.on]

    def away(self, injected_s: float, lifted_s: float | None) -> tuple[float, float] | None:
        return None if lifted_s is None else (injected_s, lifted_s)

    def arm(self, held: Held, lab: Lab) -> None:
        on = held.params.on
        held.memory["before"] = lab.canary.process(on, timeout_s=2 * ANSWER_S[on])
        held.memory["mark"] = {} if on == "api" else lab.upstream.mark(on)

    def catches(self, held: Held, lab: Lab) -> bool:
        if held.params.on == "api":
            return True
        held.injected_unix_s = lab.clock.now_unix_s()
        held.memory["paused"] = caught_charging(held.params.on, lab)
        return held.memory["paused"] is not None

    def inject(self, held: Held, lab: Lab) -> None:
        if "paused" not in held.memory:
            held.injected_unix_s = lab.clock.now_unix_s()
            held.memory["paused"] = lab.processes.pause_group(held.params.on)
        held.effective_unix_s = held.memory["paused"].at_unix_s

    def prove(self, held: Held, lab: Lab) -> Proof:
        on, paused, before = held.params.on, held.memory["paused"], held.memory["before"]
        give_up = lab.clock.now_unix_s() + STOP_S
        while True:
            alive, stopped = (
                list(lab.processes.survivors(on, paused.pgid)),
                list(lab.processes.stopped(on, paused.pgid)),
            )
            running = sorted(set(alive) - set(stopped))
            if (alive and not running) or lab.clock.now_unix_s() >= give_up:
                break
            lab.clock.sleep(POLL_S)
        during = lab.canary.process(on, timeout_s=ANSWER_S[on])
        if not stopped:
            reason = f"process group {paused.pgid}: got nobody paused, expected the processes of {on}"
        elif running:
            reason = f"process group {paused.pgid}: got {running} running, expected them paused"
        elif before.round_trip_s is None:
            reason = f"{on} gave no answer before the fault ({before.error}), so nothing can be compared"
        elif during.round_trip_s is not None:
            reason = f"{on} answered after {during.round_trip_s:.3f} s, expected no answer"
        else:
            reason = ""
        return Proof(
            proven=not reason,
            read_back={"pgid": paused.pgid, "paused_pids": stopped, "running": running, **questions(paused)},
            canary={"before_s": before.round_trip_s, "during": during.error or "answered"},
            reason=reason,
        )

    def missing(self, held: Held, lab: Lab) -> str:
        on, pgid = held.params.on, held.memory["paused"].pgid
        alive, stopped = set(lab.processes.survivors(on, pgid)), set(lab.processes.stopped(on, pgid))
        if not alive:
            return f"process group {pgid}: got nobody alive, expected the paused processes of {on}"
        running = sorted(alive - stopped)
        return f"process group {pgid}: got {running} running, expected them paused" if running else ""

    def exposure(self, held: Held, lab: Lab) -> tuple[int, str]:
        params, since = held.params, held.effective_unix_s
        assert isinstance(params, Pause)
        if params.on == "api":
            waiting = lab.client.waiting_between(since, lab.clock.now_unix_s())
            return waiting, "client's history: operations that waited"
        charges = charges_met(params.on, held.memory["paused"], lab)
        if params.when is not None:
            return charges
        return max(lab.upstream.met(params.on, held.memory["mark"], cut=True), charges)

    def lift(self, held: Held, lab: Lab) -> None:
        lab.processes.resume(held.params.on)

    def gone(self, held: Held, lab: Lab) -> Proof:
        on = held.params.on
        group = lab.processes.group_of(on)
        stopped = list(lab.processes.stopped(on, group)) if group is not None else []
        if group is None or stopped:
            reason = f"{on}: got {f'{stopped} still paused' if stopped else 'no process'}, expected it to run"
            return Proof(proven=False, read_back={"pgid": group, "paused_pids": stopped}, reason=reason)
        if held.beside:  # the other faults may keep it from answering; the kernel reports that it runs
            return Proof(proven=True, read_back={"pgid": group}, canary={"left_to": list(held.beside)})
        after = lab.canary.process(on, timeout_s=AGAIN_S)
        answered = after.round_trip_s is not None
        return Proof(
            proven=answered,
            read_back={"pgid": group, "paused_pids": []},
            canary={"after_s": after.round_trip_s},
            reason="" if answered else f"{on} gave no answer after it was resumed: {after.error}",
        )


KIND = PauseKind()
