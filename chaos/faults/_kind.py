"""What every fault does: it is armed, injected, proven, counted and lifted, and its end is proven, too."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chaos.model.faults import FaultParams
from chaos.model.kinds import first_paragraph
from chaos.ports import Lab


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The proof that a fault is in effect, or that it is gone.

    Attributes:
        proven: Read back as asked *and* measured by a canary (or, for a kill, the group is gone).
        read_back: What the server or the kernel reports.
        canary: What the canary measured before and during.
        reason: Why it is not proven; empty when it is.
    """

    proven: bool
    read_back: Mapping[str, Any] = field(default_factory=dict)
    canary: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(slots=True, kw_only=True)
class Held:
    """A fault of a run, from its arming to its lift.

    Attributes:
        id: Unique in the run, e.g. `1-latency-shop_to_gateway`; also the toxic's name.
        params: The kind's own parameters.
        injected_unix_s: When the call that took effect was made.
        effective_unix_s: When it had certainly taken effect.
        seed: Seed of the fault's random draws, if it has any.
        beside: Ids of the other faults held on the same path right now; a canary measures all of them together.
        memory: What the kind remembers for proving, counting and lifting: baselines, marks, process groups.
    """

    id: str
    params: FaultParams
    injected_unix_s: float = 0.0
    effective_unix_s: float = 0.0
    seed: int = 1
    beside: tuple[str, ...] = ()
    memory: dict[str, Any] = field(default_factory=dict)


class FaultKind(ABC):
    """One kind of fault. `inject` may raise after it took effect, so callers lift in every case.

    Attributes:
        name: The word after `inject:`.
        doc: One paragraph for the scenario reference.
        params: The keys that a scenario file may give.
        arm_ahead_s: How long before its start `arm` begins.
        severs: No answer gets through while it is held, so that a canary can't measure a fault that begins meanwhile.
        felt_when_cut: A canary can measure it even when it begins while another fault severs its target.
        restarts: Its target ends and is started again, as another process.
        signals: It sends its target a signal, so the target's process has to exist.
    """

    name: str
    params: type[FaultParams]
    arm_ahead_s: float = 0.6
    severs: bool = False
    felt_when_cut: bool = False
    restarts: bool = False
    signals: bool = False

    @property
    def doc(self) -> str:
        """First paragraph of the parameters' docstring."""
        return first_paragraph(self.params.__doc__)

    def proof_s(self, params: FaultParams) -> float:
        """How long a canary needs to measure it. A fault with a shorter time would be held longer than asked for."""
        return 0.0

    def conflicts_with(self, params: FaultParams, other: FaultKind, its: FaultParams) -> str:
        """What to do instead of holding both on one target at once; empty when that is fine. Both kinds are asked."""
        if self is other and params.part == its.part:
            return "one"
        return "one after the other" if self.signals and other.signals else ""

    def away(self, injected_s: float, lifted_s: float | None) -> tuple[float, float] | None:
        """Start and end of the time in which its target certainly did nothing, in seconds of the run; None: unknown."""
        return None

    @abstractmethod
    def arm(self, held: Held, lab: Lab) -> None:
        """Measure the baseline, so that `inject` takes effect at once."""

    def catches(self, held: Held, lab: Lab) -> bool:
        """Asked when its trigger was seen: whether it would hit what it waited for; else the trigger has to come again.

        It may begin to take effect, and undoes that before it returns False. Raises: LabBroken.
        """
        return True

    @abstractmethod
    def inject(self, held: Held, lab: Lab) -> None:
        """Put it into effect and note the times. Raises: LabBroken."""

    @abstractmethod
    def prove(self, held: Held, lab: Lab) -> Proof:
        """Read it back, and measure it with a canary."""

    def missing(self, held: Held, lab: Lab) -> str:
        """Read it back while it is held. Returns why it is not there any more; empty while it is.

        Called repeatedly until the lift. Raises: LabBroken when it can't be read back.
        """
        return ""

    @abstractmethod
    def exposure(self, held: Held, lab: Lab) -> tuple[int, str]:
        """Calls or tasks that met it so far, and the witness that counted. Called right before the lift."""

    @abstractmethod
    def lift(self, held: Held, lab: Lab) -> None:
        """End it. Idempotent, and also safe when `inject` failed half way. Raises: LabBroken."""

    @abstractmethod
    def gone(self, held: Held, lab: Lab) -> Proof:
        """Prove that it is lifted."""
