"""Shared with whoever looks for the smallest request of a deviation: how an answer to a drawn request differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chaos.invariants._contract import named
from chaos.model.conform import Contract
from chaos.model.deviation import Deviation, Place
from chaos.model.exchange import Case, Exchange, Exchanged


def deviations(contract: Contract, case: Case, exchange: Exchange) -> Iterator[tuple[str, Deviation]]:
    """How an answer to a drawn request differs from the contract, each with its name: operation, place and family."""
    for seen in _seen(contract, case, exchange):
        yield f"{seen.operation} · {seen.place} · {seen.family}", seen


def shown(contract: Contract, case: Case, exchange: Exchange) -> frozenset[str]:
    """The deviations that an answer to a drawn request shows, by name."""
    if not exchange.status or exchange.cut:
        return frozenset()
    return frozenset(name for name, _ in deviations(contract, case, exchange))


def smallest(contract: Contract, exchanged: Exchanged) -> dict[str, tuple[Exchange, Deviation]]:
    """Each deviation by name, with the smallest request that shows it; of two as long the later, simpler one."""
    told: dict[str, tuple[Exchange, Deviation]] = {}
    order = sorted(enumerate(whole(contract, exchanged)), key=lambda numbered: (_size(numbered[1][1]), -numbered[0]))
    for _, (case, exchange) in order:
        for name, seen in deviations(contract, case, exchange):
            told.setdefault(name, (exchange, seen))
    return told


def drawn(contract: Contract, exchanged: Exchanged) -> list[tuple[Case, Exchange]]:
    """The exchanges of drawn requests."""
    return [(case, one) for one in exchanged.exchanges
            if (case := exchanged.case_of.get(one.case)) is not None and "drawn" in case.about
            and case.operation in contract.names]  # fmt: skip


def whole(contract: Contract, exchanged: Exchanged) -> list[tuple[Case, Exchange]]:
    """Those that are on record whole."""
    return [(case, one) for case, one in drawn(contract, exchanged) if one.status and not one.cut]


def _size(exchange: Exchange) -> int:
    return len(exchange.path) + len(exchange.request_body or "") + sum(map(len, exchange.request_headers.values()))


def _seen(contract: Contract, case: Case, exchange: Exchange) -> Iterator[Deviation]:
    operation, status = named(contract, case), exchange.status
    known = contract.statuses(operation)
    if status >= 500 or status not in known:
        says = f"{'/'.join(map(str, sorted(code for code in known if code < 500)))} is promised, {status} came"
        yield Deviation(operation, Place("status", (), frozenset({status})), "status", says)
        return
    yield from contract.deviations(operation, status, status=status, headers=exchange.headers, body=exchange.body)
    if status < 400 and (why := _refused(contract, operation, exchange.request_body)):
        yield Deviation(operation, Place("request"), "limit", f"{why}, and {status} came")


def _refused(contract: Contract, operation: str, body: str | None) -> str:
    """Why the contract takes no such body; empty when it does, or says nothing of bodies."""
    described = contract.operations[operation].get("requestBody")
    if described is None or body is None:
        return ""
    content: Mapping[str, Any] = contract.followed(described)["content"]
    if "application/json" not in content:
        return ""
    from jsonschema import Draft202012Validator  # noqa: PLC0415 -- slow to import, and few commands judge

    try:
        sent = json.loads(body)
    except ValueError:
        return "the body is no JSON"
    schema = {**content["application/json"]["schema"], "components": contract.document.get("components", {})}
    errors = Draft202012Validator(schema).iter_errors(sent)
    return next((f"of the body {error.message[:120]}" for error in errors
                 if error.validator != "additionalProperties"), "")  # fmt: skip
