"""`contract_drawn`: requests that schemathesis draws from the contract, right ones and wrong ones."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import count, zip_longest
from typing import Any, Final, Literal
from urllib.parse import quote

from pydantic import Field

from chaos.errors import LabBroken
from chaos.exchanges._source import Ground, Source, SourceParams
from chaos.model.drawn import Drawn
from chaos.model.exchange import Case, Identity

ASKED_AS: Final[Mapping[str, Identity]] = {
    "listEvents": "anonymous", "getEvent": "anonymous", "login": "anonymous", "refresh": "anonymous",
    "getMe": "customer", "listOrders": "customer", "placeOrder": "customer", "getOrder": "customer",
    "cancelOrder": "customer", "listAllOrders": "support", "listSales": "admin", "changeTier": "admin",
    "changeMe": "other",
}  # fmt: skip
"""Operation → as whom it is asked, in this order: who changes the account comes last, since a password ends sessions.

`logout` is left out: it would end the session that the others need, and the walk has it.
"""
MOST_LOGINS: Final = 4
"""Attempts are limited, and checking a password takes a quarter of a second."""
_PARAMETER: Final = re.compile(r"\{[^}]+\}")


class ContractDrawn(SourceParams):
    """Requests that schemathesis draws from the contract by the run's seed: valid ones, and as many that are not.

    Half of the valid ones get ids that exist. Schemathesis is installed on first use, in an environment of its own.
    """

    send: Literal["contract_drawn"]
    cases: int = Field(15, ge=1, le=100, description="Valid requests of each operation, and as many invalid ones.")


class ContractDrawnSource(Source):
    """See `ContractDrawn`."""

    name = "contract_drawn"
    params = ContractDrawn
    contract = True

    def cases(self, params: ContractDrawn, ground: Ground) -> Iterator[Case]:
        drawn: dict[str, list[Drawn]] = defaultdict(list)
        for one in ground.draw(params.cases):
            drawn[one.operation].append(one)
        number, names = count(1), ground.operations
        for operation, identity in ASKED_AS.items():
            own = drawn[names[operation]]
            if not own:
                raise LabBroken(
                    f"{params.section}: got no request that schemathesis drew of {operation}, expected some"
                )
            for place, one in enumerate(_few(own, MOST_LOGINS) if operation == "login" else own):
                id_, exists = f"{params.section}-{next(number)}", bool(one.valid and place % 2)
                yield _case(one, id_, params.section, operation, identity, ground, exists=exists)

    def drawn(self, params: ContractDrawn) -> int:
        return params.cases

    def like(self, case: Case, one: Drawn, id_: str, ground: Ground) -> Case:
        exists = bool(case.about["exists"])
        return _case(one, id_, case.section, case.operation, case.identity, ground, exists=exists)


def _few(drawn: Sequence[Drawn], most: int) -> list[Drawn]:
    """*most* of them, valid and invalid ones by turns."""
    kinds = [[one for one in drawn if one.valid is valid] for valid in (True, False)]
    return [one for pair in zip_longest(*kinds) for one in pair if one is not None][:most]


def _case(
    one: Drawn, id_: str, section: str, operation: str, identity: Identity, ground: Ground, *, exists: bool
) -> Case:
    """*one* as a case. *exists*: with ids of what there is."""
    filled = _with_ids(one, operation, ground) if exists else one
    return Case(
        id=id_,
        section=section,
        operation=operation,
        identity=identity,
        method=one.operation.partition(" ")[0],  # type: ignore[arg-type]
        path=filled.path,
        headers={name: value for name, value in one.headers.items() if not _is_json(name, value)},
        body=filled.body,
        about={"drawn": "valid" if one.valid else "invalid", "exists": exists, "success": False},
    )


def _is_json(name: str, value: str) -> bool:
    return name.lower() == "content-type" and value == "application/json"  # the player says so itself


def _with_ids(one: Drawn, operation: str, ground: Ground) -> Drawn:
    """*one* about something that exists."""
    tier = ground.world.tiers[0]
    ids = {"getEvent": tier.event_slug, "changeTier": str(tier.tier_id)}
    ids |= dict.fromkeys(("getOrder", "cancelOrder"), str(ground.people["customer"].get("order", "")))
    path, body = one.path, one.body
    if operation in ids:
        _, _, template = one.operation.partition(" ")
        _, mark, query = path.partition("?")
        path = _PARAMETER.sub(quote(ids[operation], safe=""), template) + mark + query
    if operation == "placeOrder" and body is not None:
        asked: Any = json.loads(body)
        body = json.dumps(asked | {"tier": tier.tier_id})
    return Drawn(operation=one.operation, valid=one.valid, path=path, headers=one.headers, body=body)


KIND = ContractDrawnSource()
