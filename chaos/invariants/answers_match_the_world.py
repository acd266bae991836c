"""What a 2xx shows is true: pages show the seeded world, an order is as asked for, an account is the caller's.

A *page of events* has every event (of more than 20, at least 20) with its slug, title, time, venue, performers and
tiers with names, prices and capacities, as the lab seeded them; the page of one event has that event. The number of
seats that it shows as taken was true at some moment at which it may have been read: at most what clients had asked for
by then, at least the live orders that clients had been told of. That moment is at most `unmarked` before the request,
or as old as the answer's `Age` says. It may be older than `unmarked` only while the database is broken, and 5 s after.

An *order* shows the tier, seats, price and reference that were asked for, and one order is not given to two intents.
An *account* is the caller's. *Support's list* has the orders that exist. A 2xx whose body is not what the
contract promises violates it too, so that fixed answers, empty lists and old copies do not pass. It is checked
in every run with load, listed or not. Inconclusive when no answer could be compared.

In an exchange run every field of every row is compared with the rows that the lab's seeder wrote, at each size of the
world and on each page: an empty, cut or doubled list, an old answer, or one page for all violates it.
"""

from __future__ import annotations

from collections import Counter

from pydantic import Field

from chaos.invariants._common import LIVE, MAX_EXAMPLES, OK, ORDERS, Say
from chaos.invariants._kind import Context, InvariantKind
from chaos.invariants._match_exchanges import finding
from chaos.invariants._reads import SOURCE
from chaos.invariants._seats import Asks
from chaos.model.accounts import VALID
from chaos.model.answers import order_facts
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.operations import named
from chaos.model.strict import StrictModel
from chaos.model.units import Seconds
from chaos.model.verdict import Counterexample, Finding
from chaos.model.world import Page

SAY = Say("answers_match_the_world", "what a 2xx shows is what the world held when it was read")
DATABASE = "shop_to_postgres"
RECOVERS_S = 5.0
"""How long after an outage of the database old copies are still allowed: as `recovers_within` in most scenarios."""
SLACK_S = 0.1
"""Tolerance between the driver's clock and other clocks, which give whole milliseconds; no answer ages as fast."""
LOOKS = frozenset({"poll", "cancel"})
LEAST_ON_A_PAGE = 20
SEEDED_ORDERS = 2
BAD_BODY = "bad_body"


class AgeParams(StrictModel):
    """How old an answer without `Age` may be."""

    unmarked: Seconds = Field(10.0, gt=0, description="How old an answer may be without saying so.")


class _AnswersMatchTheWorld:
    def __init__(self, params: AgeParams) -> None:
        self.unmarked_s = params.unmarked
        self.asks = Asks()
        self.pages: list[tuple[str, str, str, float, float, int | None, str]] = []
        """Digest, seats, the slug asked about, sent, ended, age, operation id."""
        self.orders: list[tuple[str, str, int, int, str, str]] = []
        """Order, what was shown, tier, seats and key of the request, operation id."""
        self.looks: list[tuple[str, str, str]] = []
        """Order, what was shown of it to who looked at it later, operation id."""
        self.lists: list[tuple[int, float, str]] = []
        """Orders shown to support, when they were asked for, operation id."""
        self.accepted_s: list[float] = []
        self.compared = 0
        self.wrong: dict[str, list[str]] = {}
        self.said: dict[str, str] = {}

    def feed(self, op: Operation) -> None:
        self.asks.feed(op)
        if op.reason == BAD_BODY:
            self.compared += 1
            self._mark("body", op.id, f"{op.op} was answered {op.status} with a body that is not what it promises")
        if op.outcome is not OK or op.sent is None:
            return
        sent_s, ended_s = op.sent, op.sent if op.ended is None else op.ended
        # A bad token may be somebody else's; whether it was wrong to accept it is judged by other invariants.
        if op.shown is not None and (op.state == VALID or str(op.status) in op.expects.split()):
            self.compared += 1
            if op.shown != op.customer:
                self._mark("account", op.id, f"customer {op.customer} was shown the account of {op.shown}")
        if op.seats:
            self.pages.append((op.seen, op.seats, op.about, sent_s, ended_s, op.age_s, op.id))
        elif op.op in ORDERS and op.tier is not None and op.seen:
            self.orders.append((op.order, op.seen, op.tier, op.quantity, op.key, op.id))
            self.accepted_s.append(ended_s)
        elif op.op in LOOKS and op.seen:
            self.looks.append((op.order, op.seen, op.id))
        elif op.seen.endswith(" orders"):
            self.lists.append((int(op.seen.split()[0]), sent_s, op.id))

    def _mark(self, kind: str, operation: str, says: str) -> None:
        found = self.wrong.setdefault(kind, [])
        found.append(operation)
        self.said.setdefault(kind, says)

    def finish(self, context: Context) -> Finding:
        if context.exchanges.cases:
            return finding(SAY, context)
        self.asks.finish({order.order_id for order in context.state.orders if order.status in LIVE})
        unread = sum(not self._page(context, *page) for page in self.pages)
        self._orders(context)
        self._lists()
        self.compared += len(self.pages) - unread + len(self.orders) + len(self.looks) + len(self.lists)
        wrong = Counter({kind: len(found) for kind, found in self.wrong.items()})
        figures = {"answers": self.compared, "wrong": wrong.total(), "unread": unread}
        measured = f"{self.compared} answers compared, {wrong.total()} of them wrong"
        if wrong:
            examples = [id_ for found in self.wrong.values() for id_ in found[:3]][:MAX_EXAMPLES]
            first = next(iter(self.wrong))
            return SAY.violated(
                "; ".join(f"{wrong[kind]} × {says}" for kind, says in self.said.items()),
                measured,
                examples=examples,
                figures=figures | {f"wrong_{kind}": times for kind, times in wrong.items()},
                counterexample=Counterexample(says=self.said[first], operations=tuple(self.wrong[first])),
            )
        if unread:
            return SAY.inconclusive(f"what {unread} answers showed is not on record", measured, figures=figures)
        if not self.compared:
            return SAY.inconclusive("no answer could be compared with the world", figures=figures)
        return SAY.held(measured, figures)

    def _page(
        self, context: Context, digest: str, seats: str, about: str, sent_s: float, ended_s: float, age_s: int | None,
        operation: str,
    ) -> bool:  # fmt: skip
        """Compare one answer; False when what it showed is not on record."""
        page = context.pages.get(digest)
        taken = [int(word) for word in seats.split()]
        if page is None or len(taken) != sum(len(event.tiers) for event in page):
            return False
        if says := _not_the_world(context, page, about):
            self._mark("page", operation, says)
        broken = any(
            fault.name == DATABASE and fault.start_s <= ended_s and fault.end_s + RECOVERS_S >= sent_s
            for fault in context.faults
        )
        said_s = 0.0 if age_s is None else age_s + 1.0  # whole seconds
        if said_s - 1.0 > self.unmarked_s and not broken:
            self._mark("old", operation, f"an answer was {age_s} s old while the database was well")
        oldest_s = sent_s - max(said_s if broken else 0.0, self.unmarked_s) - SLACK_S
        tiers = [tier for event in page for tier in event.tiers]
        for tier, shown in zip(tiers, taken, strict=True):
            if shown < (least := self.asks.least_taken(tier.id, oldest_s)):
                self._mark(
                    "free", operation, f"tier {tier.id} was shown with {shown} seats taken, {least} at least were"
                )
            elif shown > (most := self.asks.most_taken(tier.id, ended_s + SLACK_S)) and context.history_complete:
                self._mark(
                    "taken", operation, f"tier {tier.id} was shown with {shown} seats taken, {most} at most were"
                )
            else:
                continue
            break
        return True

    def _orders(self, context: Context) -> None:
        key_of: dict[str, str] = {}
        facts: dict[str, str] = {}
        for order, seen, tier_id, quantity, key, operation in self.orders:
            tier = context.world.by_tier.get(tier_id)
            cents = None if tier is None else tier.price_cents * quantity
            if seen != (asked := order_facts(tier_id, quantity, cents, key)):
                self._mark("order", operation, f"an order of {asked} (tier/seats/cents/reference) was shown as {seen}")
            facts.setdefault(order, asked)
            if key_of.setdefault(order, key) != key:
                self._mark("shared", operation, f"order {order} was given to {key_of[order]} and to {key}")

        for order, seen, operation in self.looks:
            if seen != (asked := facts.get(order, seen)):
                self._mark("order", operation, f"an order of {asked} (tier/seats/cents/reference) was shown as {seen}")

    def _lists(self) -> None:
        self.accepted_s.sort()
        for shown, sent_s, operation in self.lists:
            known = SEEDED_ORDERS + sum(1 for at_s in self.accepted_s if at_s < sent_s - self.unmarked_s)
            if shown < min(known, LEAST_ON_A_PAGE):
                self._mark("list", operation, f"support was shown {shown} orders, there were {known} at least")


def _not_the_world(context: Context, page: Page, about: str) -> str:
    """How *page* differs from the seeded world, in words; empty when it does not."""
    world = context.world.by_slug
    slugs = [event.slug for event in page]
    if about:
        if slugs != [about]:
            return f"the page of {about} showed {', '.join(slugs[:3])}"
    elif len(set(slugs)) != len(slugs) or len(slugs) < min(len(world), LEAST_ON_A_PAGE):
        return f"the list showed {len(set(slugs))} different events of {len(world)}"
    for event in page:
        if event.slug not in world:
            return f"a page showed {event.slug!r}, which does not exist"
        for name, shown, seeded in zip(event.__struct_fields__, *_fields(event, world[event.slug]), strict=True):
            if shown != seeded:
                return f"{event.slug} was shown with {name} {shown!r}, seeded was {seeded!r}"[:300]
    return ""


def _fields(*events: object) -> list[list[object]]:
    return [[getattr(event, name) for name in event.__struct_fields__] for event in events]  # type: ignore[attr-defined]


KIND = InvariantKind(
    name="answers_match_the_world",
    doc=first_paragraph(__doc__),
    expected=SAY.expected,
    params=AgeParams,
    ops=None,
    requires_ops=frozenset(),
    witnesses=frozenset({"world", "orders"}),
    reducer=_AnswersMatchTheWorld,
    by_the_clock=True,
    standing_for=named(lambda operation: operation.shows),
    sources=frozenset({SOURCE, "pages"}),
)
