"""Asks every witness for the end state. One that does not answer is on record as missing, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chaos.errors import FiredrillError
from chaos.model.evidence import EndState
from chaos.ports import WorldWitness


def collect(world: WorldWitness, state: EndState) -> EndState:
    """Fill *state* in place and return it."""
    with world.at_one_moment():
        _ask(
            state,
            {
                "tiers": world.tiers,
                "orders": world.orders,
                "tickets": world.tickets,
                "side_effects": world.side_effects,
                "pending": world.pending_view,
            },
        )
    _ask(
        state,
        {
            "passwords": world.passwords,
            "charges": world.charges,
            "refunds": world.refunds,
            "gateway_calls": world.gateway_calls,
            "mails": world.mails,
            "commits": world.commits,
            "broker_messages": world.broker_messages,
            "postgres_errors": world.postgres_errors,
        },
    )
    return state


def _ask(state: EndState, questions: Mapping[str, Callable[[], list[Any]]]) -> None:
    for witness, ask in questions.items():
        try:
            setattr(state, witness, ask())
        except FiredrillError as error:
            state.missing[witness] = str(error)
        except Exception as error:  # an unreadable answer counts as a missing witness
            state.missing[witness] = repr(error)
