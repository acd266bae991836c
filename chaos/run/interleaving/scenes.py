"""The pairs. Each scene has its own part of the world, so that the run's invariants judge all schedules at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from chaos.errors import LabBroken
from chaos.model.accounts import ENDS_SESSION, RACE, REVOKED, VALID
from chaos.model.disguise import intent_key
from chaos.model.evidence import BrokerMessage
from chaos.model.history import Outcome, fingerprint
from chaos.ports import ProcessControl, TaskDesk
from chaos.run.interleaving.actors import OwnTaskActor, RequestActor, TaskActor
from chaos.run.interleaving.client import Answer, Ask, Client
from chaos.run.interleaving.schedules import Actor, Clock, NoScene

SOLD_OUT, KEY_IN_FLIGHT, NOT_CANCELLABLE = (409, "sold_out"), (409, "key_in_flight"), (409, "not_cancellable")
FINAL = frozenset({"paid", "refused", "cancelled"})
READY_S = 12.0
ME, REFRESH = "/api/me/", "/api/auth/refresh/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A customer of the world file."""

    id: int
    access: str
    refresh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A tier that only one scene uses."""

    id: int
    capacity: int


@dataclass(slots=True, kw_only=True)
class Stage:
    """What scenes are made from. Each scene takes the next tier and the next customers for itself.

    Attributes:
        places: Tiers that can sell out.
        large: Tiers that never sell out.
        password: Of every seeded customer.
    """

    client: Client
    desk: TaskDesk
    processes: ProcessControl
    clock: Clock
    places: Iterator[Place]
    large: Iterator[Place]
    people: Iterator[Person]
    salt: str
    password: str
    keys: Iterator[int]

    def person(self) -> Person:
        """Raises: LabBroken when the world has no more."""
        if (found := next(self.people, None)) is None:
            raise LabBroken("world: got too few customers, expected some for each schedule (world: customers)")
        return found

    def place(self) -> Place:
        """A tier that can sell out. Raises: LabBroken when the world has no more."""
        if (found := next(self.places, None)) is None:
            raise LabBroken("world: got too few hot tiers, expected one for each schedule (world: hot_tiers)")
        return found

    def large_place(self) -> Place:
        """A tier that never sells out. Raises: LabBroken when the world has no more."""
        if (found := next(self.large, None)) is None:
            raise LabBroken("world: got too few tiers, expected one for each schedule (world: events)")
        return found

    def key(self) -> str:
        """A new idempotency key."""
        return intent_key(self.salt, next(self.keys))

    def message_for(self, order: str) -> BrokerMessage:
        """The message that the variant sent about *order*. Raises: NoScene when none comes."""
        found: list[BrokerMessage] = []

        def there() -> bool:
            found.extend(m for m in self.desk.messages() if order in m.arguments)
            return bool(found)

        if not self.clock.until(there, READY_S):
            raise NoScene(f"got no message about order {order} in {READY_S:g} s, expected one at the broker")
        return found[0]


def buy(person: Person, place: Place, key: str, quantity: int, *, attempt: int = 1, also: bool = False) -> Ask:
    """An order; with *also* the same key may be in flight, so that `key_in_flight` is a documented refusal."""
    return Ask(
        op="buy",
        method="POST",
        path="/api/orders/",
        body={"tier": place.id, "quantity": quantity, "reference": key},
        headers=(("Idempotency-Key", key),),
        access=person.access,
        refusals=frozenset({SOLD_OUT, KEY_IN_FLIGHT} if also else {SOLD_OUT}),
        main=attempt == 1,
        attempt=attempt,
        key=key,
        customer=person.id,
        tier=place.id,
        quantity=quantity,
    )


def cancel(person: Person, order: str, *, attempt: int = 1) -> Ask:
    """A cancellation; `not_cancellable` is a documented refusal, since a refused order can't be cancelled."""
    return Ask(
        op="cancel",
        method="POST",
        path=f"/api/orders/{order}/cancel/",
        access=person.access,
        refusals=frozenset({NOT_CANCELLABLE}),
        attempt=attempt,
        customer=person.id,
        order=order,
    )


def look(person: Person, order: str) -> Ask:
    """A look at the order."""
    return Ask(op="poll", method="GET", path=f"/api/orders/{order}/", access=person.access, customer=person.id,
               order=order)  # fmt: skip


def refresh(person: Person, token: str, *, op: str, state: str, attempt: int = 1) -> Ask:
    """A renewal. Its key is the presented token: a token that is sent twice asks for one renewal."""
    return Ask(
        op=op,
        method="POST",
        path=REFRESH,
        body={"refresh": token},
        refusals=frozenset({(401, "*")}),
        main=attempt == 1 and op != "renew",
        attempt=attempt,
        key=fingerprint(token),
        customer=person.id,
        token=fingerprint(person.refresh),
        state=state,
    )


class _Scene:
    """What all scenes share, with the customers, orders and keys that belong to each."""

    a: Actor
    b: Actor

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.place: Place | None = None
        self.people: list[Person] = []
        self.orders: list[str] = []
        self.keys: list[str] = []
        self.trouble = ""
        self._sent: list[str] = []

    def send(self, ask: Ask) -> Answer:
        """Send a request of the scene that is no actor's."""
        self._sent.append(self.stage.client.new_id())
        return self.stage.client.send(ask, self._sent[-1])

    def person(self) -> Person:
        self.people.append(self.stage.person())
        return self.people[-1]

    def key(self) -> str:
        self.keys.append(self.stage.key())
        return self.keys[-1]

    def request(self, role: str, ask: Ask) -> RequestActor:
        return RequestActor(role, self.stage.client, ask)

    @property
    def belongings(self) -> dict[str, object]:
        answers = [actor.answer for actor in (self.a, self.b) if isinstance(actor, RequestActor)]
        orders = [*self.orders, *(answer.order for answer in answers if answer is not None and answer.order)]
        return {
            "tier": self.place.id if self.place else None,
            "customers": tuple(person.id for person in self.people),
            "orders": tuple(dict.fromkeys(orders)),
            "operations": (
                *(actor.id for actor in (self.a, self.b) if isinstance(actor, RequestActor)),
                *self._sent,
            ),
            "keys": tuple(self.keys),
        }

    def ready(self) -> None:
        """See `Scene.ready`. By default the scene needs no preparation."""

    def close(self) -> None:
        """See `Scene.close`. By default there is nothing to do."""

    def ordered(self, person: Person, place: Place, quantity: int) -> str:
        """Place an order. Returns its id; empty when it was not accepted, which `begun` then raises."""
        answer = self.send(buy(person, place, self.key(), quantity))
        if not answer.order:
            self.trouble = f"got {answer} for the order that it begins with, expected 202"
            return ""
        self.orders.append(answer.order)
        return answer.order

    def begun(self) -> None:
        """Raises: NoScene when an order of the preparation was not accepted."""
        if self.trouble:
            raise NoScene(self.trouble)

    def final(self, person: Person, order: str) -> None:
        """Wait until *order* is final. Raises: NoScene."""
        last = ""
        end_s = self.stage.clock.now_s() + READY_S
        while self.stage.clock.now_s() < end_s:
            last = self.send(look(person, order)).order_status
            if last in FINAL:
                return
            self.stage.clock.sleep(0.05)
        raise NoScene(f"got order {order} {last or 'without an answer'} after {READY_S:g} s, expected it final")


class LastSeats(_Scene):
    """Two customers who both order all seats of a tier."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.place = stage.place()
        asks = [buy(self.person(), self.place, self.key(), self.place.capacity) for _ in "ab"]
        self.a, self.b = (self.request("buy", ask) for ask in asks)


class SameKey(_Scene):
    """One order of a customer, sent twice under one key."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.place = stage.large_place()
        person, key = self.person(), self.key()
        self.a = self.request("buy", buy(person, self.place, key, 1, also=True))
        self.b = self.request("buy_again", buy(person, self.place, key, 1, attempt=2, also=True))


class _Paid(_Scene):
    """Begins with an order of one seat that is paid."""

    def __init__(self, stage: Stage, place: Place | None = None) -> None:
        super().__init__(stage)
        self.place = place or stage.large_place()
        self.owner = self.person()
        self.order = self.ordered(self.owner, self.place, 1)

    def ready(self) -> None:
        self.begun()
        for order in self.orders:
            self.final(self.owner, order)


class DoubleCancel(_Paid):
    """One order, cancelled twice. A second order stays, so that seats given back twice do not make `sold` negative.

    Afterwards all seats are asked for, of which the second order has one: whoever sells them counts seats that were
    given back twice, whatever its pages and views say.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, stage.place())
        assert self.place is not None
        self.ordered(self.owner, self.place, 1)
        self.first = self.request("cancel", cancel(self.owner, self.order))
        self.a, self.b = self.first, self.request("cancel", cancel(self.owner, self.order, attempt=2))

    def close(self) -> None:
        if not self.first.started or self.place is None:
            return
        with suppress(OSError):
            for seats in (self.place.capacity, 1):
                if order := self.send(buy(self.owner, self.place, self.key(), seats)).order:
                    self.orders.append(order)


class CancelAndBuy(_Paid):
    """One customer cancels a seat while another one buys one: both change the same counter."""

    def __init__(self, stage: Stage, *, first: str) -> None:
        super().__init__(stage)
        assert self.place is not None
        pair = {
            "cancel": self.request("cancel", cancel(self.owner, self.order)),
            "buy": self.request("buy", buy(self.person(), self.place, self.key(), 1)),
        }
        self.a, self.b = pair.pop(first), next(iter(pair.values()))


class _AtTheWorker(_Scene):
    """Begins with a paused worker and an order whose message is in the queue."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.place, self.owner = stage.large_place(), self.person()
        self.message: BrokerMessage | None = None

    def ready(self) -> None:
        assert self.place is not None
        self.stage.processes.pause_group("worker")
        order = self.ordered(self.owner, self.place, 1)
        self.begun()
        self.message = self.stage.message_for(order)
        self.with_order(order, self.message)

    def with_order(self, order: str, message: BrokerMessage) -> None:
        """Make the actors."""
        raise NotImplementedError

    def resumed(self) -> BrokerMessage:
        """Resume the worker, which then takes the message. Returns the message."""
        assert self.message is not None
        self.stage.processes.resume("worker")
        return self.message

    def again(self) -> BrokerMessage:
        """Send the same message once more. Returns it."""
        assert self.message is not None
        self.stage.desk.put_again(self.message)
        return self.message

    def close(self) -> None:
        self.stage.processes.resume("worker")


class CancelAndCharge(_AtTheWorker):
    """An order is cancelled while it is charged."""

    def __init__(self, stage: Stage, *, first: str) -> None:
        super().__init__(stage)
        self.first = first

    def with_order(self, order: str, message: BrokerMessage) -> None:
        charge = TaskActor("charge", self.stage.desk, go=self.resumed)
        charge.knows(message)
        request = self.request("cancel", cancel(self.owner, order))
        self.a, self.b = (request, charge) if self.first == "cancel" else (charge, request)


class Redelivery(_AtTheWorker):
    """One charge whose message is delivered twice."""

    def with_order(self, order: str, message: BrokerMessage) -> None:
        first = TaskActor("charge", self.stage.desk, go=self.resumed)
        first.knows(message)
        self.a, self.b = first, TaskActor("charge", self.stage.desk, go=self.again, copies=1)


class MessageBeforeCommit(_Scene):
    """An order and its own task, which may run before the order is committed."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.place = stage.large_place()
        self.a = self.request("buy", buy(self.person(), self.place, self.key(), 1))
        self.own = OwnTaskActor("charge", stage.desk, others=lambda: tuple(stage.client.orders))
        self.b = self.own

    def ready(self) -> None:
        self.own.from_now_on()


class _Session(_Scene):
    """Begins with a session that was renewed twice, as it works for a customer who is alone.

    The second renewal sends what the first one gave, so that a pair that is no pair is refused: tokens that nobody
    accepts would end every race as a right shop does.
    """

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.owner = self.person()
        self.session = fingerprint(self.owner.refresh)
        self.access, self.token = self.owner.access, self.owner.refresh
        for _ in range(2):
            self._renewed()
        self.keys.append(fingerprint(self.token))

    def _renewed(self) -> None:
        """Renew in calm, and use both halves of the new pair from here on."""
        if self.trouble:
            return
        answer = self.send(self.renewing(self.token, op="renew", state=VALID))
        if answer.issued is None or not all(answer.issued):
            self.trouble = f"got {answer} for the renewal that it begins with, expected a new pair"
            return
        self.access, self.token = answer.issued
        self.send(self.using(self.access, state=VALID))

    def ready(self) -> None:
        self.begun()

    def renewing(self, token: str, *, op: str, state: str, attempt: int = 1) -> Ask:
        """A renewal within the session."""
        return refresh(self.owner, token, op=op, state=state, attempt=attempt)

    def using(self, access: str, *, state: str) -> Ask:
        """A look at the account, with an access token of the session."""
        return Ask(op="use", method="GET", path=ME, access=access, refusals=frozenset({(401, "*")}),
                   customer=self.owner.id, token=self.session, state=state)  # fmt: skip

    def try_issued(self, answer: Answer | None, *, state: str) -> None:
        """Use both halves of the pair that *answer* brought."""
        if answer is None or answer.issued is None:
            return
        access, token = answer.issued
        self.send(self.using(access, state=state))
        if token:
            self.send(self.renewing(token, op="renew", state=state))


class RefreshRace(_Session):
    """One refresh token, sent twice."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        asks = [self.renewing(self.token, op="refresh_race", state=RACE, attempt=n) for n in (1, 2)]
        self.first, self.second = (self.request("refresh", ask) for ask in asks)
        self.a, self.b = self.first, self.second

    def close(self) -> None:
        """If nobody else sent the token: try what it brought. The second use of a token ends the session."""
        with suppress(OSError):
            if not self.second.started:
                self.try_issued(self.first.answer, state=VALID)


class SessionEnds(_Session):
    """A session is renewed while it is ended. Afterwards none of its tokens may be valid."""

    def __init__(self, stage: Stage, *, first: str, ends: str) -> None:
        super().__init__(stage)
        self.ends = self.request(ends, self._ending(ends))
        self.renewal = self.request("refresh", self.renewing(self.token, op="renew", state=RACE))
        self.a, self.b = (self.ends, self.renewal) if first == ends else (self.renewal, self.ends)

    def _ending(self, ends: str) -> Ask:
        password = self.stage.password
        body: Mapping[str, str] = (
            {"refresh": self.token}
            if ends == "logout"
            else {"password": f"{password}-new", "current_password": password}
        )
        return Ask(
            op="revoke" if ends == "logout" else "change_password",
            method="POST" if ends == "logout" else "PATCH",
            path="/api/auth/logout/" if ends == "logout" else ME,
            body=body,
            access=self.access,
            main=True,
            customer=self.owner.id,
            token=self.session,
            state=ENDS_SESSION,
        )

    def close(self) -> None:
        """If the session certainly lives or ended: try what the renewal issued, or else the token that was sent."""
        with suppress(OSError):
            if not self.ends.started:
                self.try_issued(self.renewal.answer, state=VALID)
            elif self.ends.answer is None or self.ends.answer.outcome is not Outcome.OK:
                return
            elif self.renewal.answer is None or self.renewal.answer.issued is None:
                self.send(self.renewing(self.token, op="renew", state=REVOKED))
            else:
                self.try_issued(self.renewal.answer, state=REVOKED)


SCENES: Mapping[tuple[str, str], Callable[[Stage], _Scene]] = {
    ("buy", "buy"): LastSeats,
    ("buy", "buy_again"): SameKey,
    ("buy", "cancel"): lambda stage: CancelAndBuy(stage, first="buy"),
    ("cancel", "buy"): lambda stage: CancelAndBuy(stage, first="cancel"),
    ("cancel", "cancel"): DoubleCancel,
    ("cancel", "charge"): lambda stage: CancelAndCharge(stage, first="cancel"),
    ("charge", "cancel"): lambda stage: CancelAndCharge(stage, first="charge"),
    ("charge", "charge"): Redelivery,
    ("buy", "charge"): MessageBeforeCommit,
    ("refresh", "refresh"): RefreshRace,
    ("refresh", "logout"): lambda stage: SessionEnds(stage, first="refresh", ends="logout"),
    ("logout", "refresh"): lambda stage: SessionEnds(stage, first="logout", ends="logout"),
    ("refresh", "password"): lambda stage: SessionEnds(stage, first="refresh", ends="password"),
    ("password", "refresh"): lambda stage: SessionEnds(stage, first="password", ends="password"),
}
"""Roles of A, which is held, and of B → their scene."""
