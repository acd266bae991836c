"""What the learner's own scorecard says of a drill: score, ceiling, notes and hints. It is confirmed by no one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

from chaos.model.deliverable import HintOf, Own


class Scores(Protocol):
    """The scorecard. Each raises OSError when it is away."""

    def standing(self, drill: str) -> dict[str, Any]: ...

    def drill_map(self, format: Literal["json"]) -> bytes: ...


def own(scorecard: Scores | None, key: str) -> Own:
    """Nothing, with `asked` false, while the scorecard is away or says something else."""
    if scorecard is None:
        return Own()
    try:
        found = scorecard.standing(key)
        content = msgspec.json.decode(scorecard.drill_map("json"))["content"]
        drill = next(each for each in content["drills"] if each["key"] == key)
        return msgspec.convert(_own(found, content["learner"], drill["hints"]), Own)
    except (OSError, msgspec.MsgspecError, KeyError, TypeError, StopIteration):
        return Own()


def _own(found: Mapping[str, Any], name: str, hints: list[Mapping[str, Any]]) -> dict[str, Any]:
    standing, score = found["standing"], found["score"]
    return {
        "asked": True,
        "name": name,
        "score": score["value"],
        "notes": score["notes"],
        "ceiling": standing["ceiling"],
        "reason": standing["reason"],
        "hints": [HintOf(hint=each["hint"], solution=each["solution"], used_at=str(each["used_at"])) for each in hints],
    }
