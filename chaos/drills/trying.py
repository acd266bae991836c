"""One request by hand: sent as a chosen identity, answered, and held against what the contract says of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from chaos.errors import InvalidInput
from chaos.load.contract import FILE, line_of, reference
from chaos.model.conform import Contract
from chaos.model.deviation import Deviation, Place, normal
from chaos.model.exchange import IDENTITIES, Case, Exchange, Identity
from chaos.model.world import SeededWorld

NAMES: Final = ("slug", "order", "tier", "customer")
"""What `<<NAME>>` in a path, a header or a body may stand for: something of the seeded world."""
BODIES: Final[Mapping[str, str]] = {
    "placeOrder": '{"tier": <<tier>>, "quantity": 1, "reference": "tried"}',
    "login": '{"username": "<<world.username>>", "password": "<<world.password>>"}',
}
"""What is sent where a body is promised and nobody gave one."""
_IN_PATH: Final = {"/events/": "slug", "/orders/": "order", "/tiers/": "tier"}
_OURS: Final = re.compile(rf"<<({'|'.join(NAMES)})>>")
_ANY: Final = re.compile(r"<<\w+>>")
_PARAMETER: Final = re.compile(r"\{[^}]+\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person wants sent.

    Attributes:
        operation: `METHOD /path/{parameter}/`.
        where: In place of the path's parameter; None for something of the seeded world.
        query: As it stands after the question mark.
        body: None for the operation's own example, where there is one; empty for none at all.
        expect: The documented status that the request should get; None for whatever came, where it is documented.
    """

    operation: str
    identity: Identity
    where: str | None = None
    query: str = ""
    headers: Mapping[str, str]
    body: str | None = None
    expect: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """The answer, and how it differs from the contract.

    Attributes:
        promised: The documented status that the answer was held against.
        documented: Status → what it means.
        place: Of the operation in the contract, `file:line`.
        differs: Empty where the answer is as promised.
    """

    operation: str
    exchange: Exchange
    promised: int
    documented: Mapping[int, str]
    summary: str
    place: str
    differs: tuple[Deviation, ...]


def operation(asked: str) -> str:
    """By `operationId` or `METHOD /path/`. Raises: InvalidInput that names them all."""
    contract = Contract(reference())
    known = {normal(name): name for name in contract.operations}
    found = contract.names.get(asked) or known.get(normal(asked))
    if found is None:
        words = ", ".join(sorted(contract.names))
        raise InvalidInput(f"operation: got {asked!r}, expected METHOD /path/ of the API or one of {words}")
    return found


def identity(asked: str) -> Identity:
    """Raises: InvalidInput."""
    for one in IDENTITIES:
        if asked == one:
            return one
    raise InvalidInput(f"--as: got {asked!r}, expected one of {', '.join(IDENTITIES)}")


def headers(given: list[str]) -> dict[str, str]:
    """Of `Name: value` each. Raises: InvalidInput."""
    found: dict[str, str] = {}
    for line in given:
        name, colon, value = line.partition(":")
        if not colon or not re.fullmatch(r"[A-Za-z0-9-]+", name):
            raise InvalidInput(f"--header: got {line!r}, expected 'Name: value'")
        found[name] = value.strip()
    return found


def expected(asked: Asked) -> None:
    """Raises: InvalidInput for a status that the contract does not have, or `<<NAME>>` that stands for nothing."""
    known = Contract(reference()).statuses(asked.operation)
    if asked.expect is not None and asked.expect not in known:
        words = ", ".join(map(str, sorted(known)))
        raise InvalidInput(f"--expect: got {asked.expect}, expected one that the contract has there: {words}")
    given = {"--id": asked.where, "--body": asked.body, "--header": " ".join(asked.headers.values())}
    for option, text in given.items():
        for odd in (one for one in _ANY.findall(text or "") if not _OURS.fullmatch(one)):
            words = ", ".join(f"<<{name}>>" for name in NAMES)
            raise InvalidInput(f"{option}: got {odd}, expected one of {words}")


def case(asked: Asked, world: SeededWorld, *, key: str) -> Case:
    """The request. *key*: of an order that brings none of its own."""
    method, _, path = asked.operation.partition(" ")
    contract = Contract(reference())
    id_ = next(id_ for id_, name in contract.names.items() if name == asked.operation)
    ours = _of(world, asked.identity)
    sent = {name: _filled(value, ours) for name, value in asked.headers.items()}
    if id_ == "placeOrder" and "idempotency-key" not in map(str.lower, sent):
        sent["Idempotency-Key"] = key
    body = BODIES.get(id_) if asked.body is None else asked.body
    return Case(
        id="try-1",
        section="try",
        operation=id_,
        identity=asked.identity,
        method=method,  # type: ignore[arg-type]  # the contract has no other than those
        path=_path(path, asked, ours) + (f"?{asked.query}" if asked.query else ""),
        headers={name: value for name, value in sent.items() if value},
        body=_filled(body, ours) if body else None,
    )


def _of(world: SeededWorld, who: Identity) -> dict[str, str]:
    own = world.cast.get(who)
    order = (own.order if own else "") or world.cast["customer"].order
    tier = max(world.tiers, key=lambda tier: (tier.capacity, -tier.tier_id))
    return {
        "slug": tier.event_slug, "order": order, "tier": str(tier.tier_id), "customer": str(world.cast["customer"].id),
    }  # fmt: skip


def _path(path: str, asked: Asked, ours: Mapping[str, str]) -> str:
    if not _PARAMETER.search(path):
        if asked.where is not None:
            raise InvalidInput(
                f"--id: got {asked.where!r}, expected none: {asked.operation} has no parameter in its path"
            )
        return path
    own = next(name for part, name in _IN_PATH.items() if part in path)
    value = ours[own] if asked.where is None else quote(_filled(asked.where, ours), safe="")
    return _PARAMETER.sub(lambda _: value, path)


def _filled(text: str, ours: Mapping[str, str]) -> str:
    return _OURS.sub(lambda found: ours[found[1]], text)


def tried(asked: Asked, exchange: Exchange) -> Tried:
    """Hold the answer against the contract."""
    document = reference()
    contract = Contract(document)
    known = contract.statuses(asked.operation)
    success = min(status for status in known if status < 400)
    promised = asked.expect or (exchange.status if exchange.status in known else success)
    differs: dict[tuple[Place, str], Deviation] = {}
    for seen in contract.deviations(
        asked.operation, promised, status=exchange.status, headers=exchange.headers, body=exchange.body
    ):
        differs.setdefault((seen.place, seen.family), seen)  # once, and not for each row of a page
    entry = contract.operations[asked.operation]
    method, _, path = asked.operation.partition(" ")
    return Tried(
        operation=asked.operation,
        exchange=exchange,
        promised=promised,
        documented={
            int(status): " ".join(str(contract.followed(response).get("description", "")).split())
            for status, response in entry["responses"].items()
        },
        summary=str(entry.get("summary", "")),
        place=f"services/shop/{FILE.name}:{line_of('paths', path, method.lower())}",
        differs=tuple(differs.values()) if exchange.status else (),
    )


def document(one: Tried) -> dict[str, Any]:
    """As plain JSON types."""
    exchange = one.exchange
    return {
        "operation": one.operation,
        "identity": exchange.identity,
        "curl": exchange.curl,
        "status": exchange.status,
        "headers": exchange.headers,
        "body": exchange.body,
        "error": exchange.error,
        "contract": {
            "place": one.place, "summary": one.summary, "held_against": one.promised,
            "documented": {str(status): says for status, says in one.documented.items()},
        },
        "differs": [{"where": str(d.place), "kind": d.family, "says": d.says} for d in one.differs],
    }  # fmt: skip
