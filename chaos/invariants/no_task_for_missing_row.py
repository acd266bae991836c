"""No task about an order is sent, or runs, before that order is committed in the database.

*Early*: a message that names an order was queued before that order was committed, whatever its task is called and
however long it then waits. Such a message works only if the commit comes before the worker, and is wrong when the
transaction fails. It names an order by its id, with or without dashes, or by its reference once the row was made; a
hash or the number of another row can't be told. The times are those of the broker's own stream of commands and of
PostgreSQL's log of commits, both by this machine's clock. The log's time is taken before the row can be seen, the
broker's when it has the message, so one millisecond is enough as tolerance. *In vain*: a message of *task* was taken,
the gateway had no call for its order yet, and a further one for the same order was queued before the first call: a
retry of the taken one, or a new one after it was removed. A message that waits in the queue, or that a dead worker
still holds, does not count. Use it where neither the database nor the gateway is cut off, since a task may then fail
before its call for another reason. Inconclusive when no message of *task* was seen, or when the commit of an order that
had a message was not seen.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from math import inf

from pydantic import Field

from chaos.invariants._common import OK, ORDERS, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.model.evidence import BrokerMessage, Order
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.strict import StrictModel
from chaos.model.verdict import Counterexample, Finding

SAY = Say(
    "no_task_for_missing_row",
    "no message names an order that is not committed yet, and no charging task ends without a call to the gateway",
)
TOLERANCE_S = 0.001
_WORD = re.compile(r"[A-Za-z0-9-]+")


class TaskParams(StrictModel):
    """Which task is meant."""

    task: str = Field("shop.charge_order", description="The charging task's name.")


class _NoTaskForMissingRow:
    def __init__(self, params: TaskParams) -> None:
        self.task = params.task
        self.accepted: set[str] = set()

    def feed(self, op: Operation) -> None:
        if op.tier is not None and op.outcome is OK and op.order:
            self.accepted.add(op.order)

    def finish(self, context: Context) -> Finding:
        state = context.state
        names = _Names(state.orders)
        messages: defaultdict[str, list[BrokerMessage]] = defaultdict(list)
        first: dict[str, BrokerMessage] = {}
        strangers = 0
        for message in state.broker_messages:
            about = list(names.among(message))
            for order_id in about:
                if order_id not in first or message.queued_unix_s < first[order_id].queued_unix_s:
                    first[order_id] = message
            if message.task == self.task:
                strangers += not about and message.delivered_unix_s is not None
                for order_id in about[:1]:
                    messages[order_id].append(message)
        first_call: dict[str, float] = {}
        for call in state.gateway_calls:
            first_call[call.order_id] = min(call.arrived_unix_s, first_call.get(call.order_id, call.arrived_unix_s))
        vain = sorted(o for o, of in messages.items() if _in_vain(of, first_call.get(o, float("inf"))))
        committed: dict[str, float] = {}
        for commit in state.commits:
            at_unix_s = commit.committed_unix_s
            committed[commit.row_id] = min(at_unix_s, committed.get(commit.row_id, at_unix_s))
        early = {
            order_id: ahead_s
            for order_id, message in first.items()
            if (ahead_s := committed.get(order_id, -inf) - message.queued_unix_s) > TOLERANCE_S
        }
        seen = sum(map(len, messages.values()))
        figures = {
            "messages": seen,
            "orders": len(messages),
            "orders_in_vain": len(vain),
            "orders_early": len(early),
            "messages_without_order": strangers,
        }
        measured = f"{seen} messages of {self.task} for {len(messages)} orders, {len(vain)} orders had a task in vain"
        if early:
            worst = max(early, key=lambda order_id: early[order_id])
            reason = (
                f"{len(early)} orders had a message before they were committed, the worst {early[worst] * 1000:.0f} ms"
            )
            says = (
                f"its message {first[worst].task} was sent {early[worst] * 1000:.1f} ms before the order was committed"
            )
            return SAY.violated(
                reason,
                f"{measured}, {len(early)} had one before their commit",
                examples=sorted(early, key=lambda order_id: -early[order_id]),
                figures=figures,
                counterexample=Counterexample(says=says, orders=(worst,)),
            )
        if vain:
            reason = f"{len(vain)} orders had a task that ended before the gateway was called, and another one after it"
            one = Counterexample(says="its task ended before the gateway was called, and came again", orders=(vain[0],))
            return SAY.violated(reason, measured, examples=vain, figures=figures, counterexample=one)
        if strangers:
            reason = f"{strangers} tasks ran for orders that do not exist"
            return SAY.violated(reason, f"{measured}, {strangers} for no order", examples=[], figures=figures)
        if not seen or not self.accepted:
            return SAY.inconclusive(f"the broker saw no message of {self.task} for an order", figures=figures)
        if unseen := sorted(first.keys() - committed.keys()):
            reason = f"the commits of {len(unseen)} orders are not on record"
            return SAY.inconclusive(reason, measured, examples=unseen, figures=figures)
        return SAY.held_if_settled(context, measured, figures)


class _Names:
    """Finds the orders that a message names."""

    def __init__(self, orders: Sequence[Order]) -> None:
        self._by_id = {_bare(order.order_id): order.order_id for order in orders}
        times = Counter(order.client_key for order in orders)
        self._by_reference = {o.client_key: o for o in orders if o.client_key and times[o.client_key] == 1}

    def among(self, message: BrokerMessage) -> Iterator[str]:
        """Ids of orders. A reference from before the row was made is the customer's own word, and names no row."""
        for word in _WORD.findall(message.arguments):
            order = self._by_reference.get(word)
            if order_id := self._by_id.get(_bare(word)):
                yield order_id
            elif order is not None and message.queued_unix_s >= order.created_unix_s:
                yield order.order_id


def _bare(word: str) -> str:
    """A UUID has dashes or none, in either case."""
    return word.replace("-", "").lower()


def _in_vain(messages: Iterable[BrokerMessage], first_call_unix_s: float) -> bool:
    """Whether a message was taken in vain: another one was queued after it, before the gateway's first call."""
    queued = sorted(messages, key=lambda message: message.queued_unix_s)
    for position, taken in enumerate(queued):
        if taken.delivered_unix_s is None:
            continue
        for later in queued[position + 1 :]:
            if not taken.delivered_unix_s <= later.queued_unix_s < first_call_unix_s:
                continue
            retried = later.task_id == taken.task_id and later.retries > taken.retries
            done = taken.acked_unix_s is not None and taken.acked_unix_s <= later.queued_unix_s
            if retried or done:
                return True
    return False


KIND = InvariantKind(
    name="no_task_for_missing_row",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=TaskParams,
    ops=ORDERS,
    requires_ops=frozenset({"buy"}),
    witnesses=frozenset({"orders", "commits", "gateway_calls", "broker_messages"}),
    reducer=_NoTaskForMissingRow,
    by_the_clock=True,
)
