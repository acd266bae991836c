"""A customer is refused what only support and admins may do, also after the customer has asked to become an admin.

Judged by which requests succeed, not by the role that the account shows. Violated by a 2xx for a request that only
staff may make, sent with a customer's token. Inconclusive when no such request had a definite answer.
"""

from __future__ import annotations

from chaos.invariants._auth import refused
from chaos.invariants._common import MAX_EXAMPLES, OK, NoParams, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.accounts import UNPRIVILEGED
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.verdict import Finding

SAY = Say("no_privilege_gained", "no customer gets what is for support or admins")


class _NoPrivilegeGained:
    def __init__(self, _: NoParams) -> None:
        self.refused = self.gained = 0
        self.examples: list[str] = []

    def feed(self, op: Operation) -> None:
        if op.state != UNPRIVILEGED or op.sent is None:
            return
        if op.outcome is OK:
            self.gained += 1
            if len(self.examples) < MAX_EXAMPLES:
                self.examples.append(op.id)
        elif refused(op):
            self.refused += 1

    def finish(self, context: Context) -> Finding:
        figures = {"refused": self.refused, "gained": self.gained}
        measured = f"customers at the doors of staff: {self.refused} refused, {self.gained} let in"
        if self.gained:
            reason = f"{self.gained} requests that only staff may make were answered to a customer"
            return SAY.violated(reason, measured, examples=self.examples, figures=figures)
        if not self.refused:
            return SAY.inconclusive("no such request had a definite answer", measured, figures=figures)
        return SAY.held(measured, figures)


KIND = InvariantKind(
    name="no_privilege_gained",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=NoParams,
    ops=frozenset({"trespass"}),
    requires_ops=frozenset({"trespass"}),
    witnesses=frozenset(),
    reducer=_NoPrivilegeGained,
)
