"""What every source of exchanges has: its keys in a scenario, and a pure function from the world to its cases."""

from __future__ import annotations

import json
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import Field, field_validator

from chaos.model import words
from chaos.model.disguise import key_of
from chaos.model.drawn import Drawn
from chaos.model.exchange import Case
from chaos.model.kinds import first_paragraph
from chaos.model.strict import StrictModel
from chaos.model.world import SeededWorld, World


def compact(body: Any) -> str:
    """*body* as a client writes it: without spaces between."""
    return json.dumps(body, separators=(",", ":"))


def as_tuple(value: object) -> object:
    """A list, as YAML has it, for a field that is a tuple: strict validation takes nothing else."""
    return tuple(value) if isinstance(value, list) else value


class SourceParams(StrictModel):
    """Keys of every entry of `exchanges:`; each source adds `send: Literal[<its name>]` and its own."""

    section: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="Name that faults and checks refer to.")
    ids: tuple[str, ...] = Field(
        (), description="Ids of its cases: only these are sent, with those that they need. All when left out."
    )

    _ids = field_validator("ids", mode="before")(as_tuple)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What cases are made from: the seed, and the seeded world with its ids.

    Attributes:
        people: Identity → id, username and, if there is one, order of the cast; never a token.
        salt: Secret from which names in requests are made, so that the code under test can't predict them.
        api: Base URL of the API, as the player reaches it.
        events: How many the world has once it is full; *world* may be read before.
        old_orders: How many orders of others it has.
        operations: `operationId` → `METHOD /path/{parameter}/`, of the contract; empty where it is not asked for.
        draw: Number of cases of each operation → requests drawn from the contract, the same for the same seed.
    """

    seed: int
    world: SeededWorld
    people: dict[str, dict[str, Any]]
    salt: str = ""
    api: str = ""
    events: int = 0
    old_orders: int = 0
    operations: Mapping[str, str] = field(default_factory=dict)
    draw: Callable[[int], Sequence[Drawn]] = lambda cases: ()

    def size(self, section: str, least: int, most: int) -> int:
        """A page's size from *least* to *most*, by the seed."""
        return random.Random(f"size:{self.seed}:{section}").randint(least, most)  # noqa: S311 -- no secret

    def word(self, section: str, which: str) -> str:
        """An ordinary word that the code under test can't know beforehand; fit for a slug and a username."""
        return words.word(self.salt, self.seed, section, which)

    def number(self, section: str, which: str, least: int, most: int) -> int:
        """A number that the code under test can't know beforehand."""
        return words.number(self.salt, self.seed, section, which, least=least, most=most)

    def key(self, section: str, which: object) -> str:
        """An idempotency key that tells neither its section nor the lab."""
        return key_of(self.salt, self.seed, section, which)


class Source(ABC):
    """One kind of exchanges.

    Attributes:
        name: The word after `send:`.
        params: The keys that a scenario may give.
        history: Operations of the history that its cases may be; invariants over these operations judge it, too.
        contract: Whether its cases are judged by the contract, which then is part of the evidence.
        quiet: Whether the shop's worker and relay are paused meanwhile, so that every statement is the API's.
        compares: Whether its answers are compared with the world as the lab last filled it.
        changes: Whether it changes that world, so that nothing that compares may come after it.
        forces: Whether it forces interleavings: it then has no cases, since its requests depend on the actors' stops.
    """

    name: ClassVar[str]
    params: ClassVar[type[SourceParams]]
    history: ClassVar[frozenset[str]] = frozenset()
    contract: ClassVar[bool] = False
    quiet: ClassVar[bool] = False
    compares: ClassVar[bool] = False
    changes: ClassVar[bool] = False
    forces: ClassVar[bool] = False

    @property
    def doc(self) -> str:
        """First paragraph of the parameters' docstring, for the scenario reference."""
        return first_paragraph(self.params.__doc__)

    def problems(self, params: Any, world: World) -> Iterator[tuple[str, str]]:
        """What this world lacks for *params*: the key of *params*, and `got X, expected Y`."""
        yield from ()

    def behind(self, params: Any) -> tuple[str, str] | None:
        """The key of *params* that names a section before it, and the source that this one sends; None needs none."""
        return None

    def performed(self, params: Any) -> frozenset[str]:
        """Operations of the history that a section with *params* performs."""
        return self.history

    def sizes(self, params: Any) -> tuple[int, ...]:
        """Numbers of rows to which its cases have the world filled, smallest first; empty for an unchanged world."""
        return ()

    def drawn(self, params: Any) -> int:
        """How many valid requests of each operation it draws from the contract, and as many invalid ones."""
        return 0

    def like(self, case: Case, one: Drawn, id_: str, ground: Ground) -> Case:
        """*one* as a case of this source that differs from *case* in nothing but what was drawn."""
        raise NotImplementedError

    def together(self, case: Case) -> Hashable:
        """Cases with the same value are judged together: where one is sent, all are. As it is here: each by itself."""
        return case.id

    @abstractmethod
    def cases(self, params: Any, ground: Ground) -> Iterable[Case]:
        """The cases in the order of sending. Pure: the same seed and world give the same cases, except for ids."""
