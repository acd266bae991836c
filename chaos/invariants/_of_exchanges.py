"""The base of the invariants for exchange runs: they judge the exchanges, and need no operation of the history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from chaos.invariants._common import NoParams, Say
from chaos.invariants._kind import InvariantKind, Reducer
from chaos.model.history import Operation
from chaos.model.kinds import first_paragraph
from chaos.model.strict import StrictModel

Params = TypeVar("Params", bound=StrictModel)
EXCHANGED = frozenset({"cases", "exchanges"})


class OfExchanges(Generic[Params]):
    """A reducer that only has to `finish`."""

    def __init__(self, params: Params) -> None:
        self.params = params

    def feed(self, op: Operation) -> None:
        """Nothing: an exchange run is judged by what was exchanged."""


def kind_of_exchanges(
    say: Say,
    doc: str | None,
    reducer: Callable[[Any], Reducer],
    *,
    sources: frozenset[str],
    witnesses: frozenset[str] = EXCHANGED,
    params: type[StrictModel] = NoParams,
) -> InvariantKind:
    """The kind named in *say*; *doc* is its module's docstring."""
    return InvariantKind(
        name=say.check,
        doc=first_paragraph(doc),
        expected=say.expected,
        params=params,
        ops=frozenset(),
        requires_ops=frozenset(),
        witnesses=witnesses,
        reducer=reducer,
        sources=sources,
    )
