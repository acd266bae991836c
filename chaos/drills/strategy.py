"""What the learner says about each change to the queries: `attempt/queries/strategy.md`, a section an operation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from chaos.errors import InvalidInput

FILE: Final = "queries/strategy.md"
LEAST_WORDS: Final = 8
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_HEAD = re.compile(r"^##(?!#)[ \t]*(?P<names>.*)$", re.MULTILINE)
_WORD = re.compile(r"\w*[^\W\d_]\w*")


def read(path: Path) -> dict[str, str]:
    """Operation → what is said of it; empty sections left out. Raises: InvalidInput when it can't be read."""
    try:
        text = _COMMENT.sub("", path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidInput(f"{path}: got {why}, expected a section for each request that got cheaper") from None
    heads = list(_HEAD.finditer(text))
    found: dict[str, str] = {}
    for head, after in zip(heads, [*heads, None][1:], strict=True):
        said = text[head.end() : after.start() if after is not None else len(text)].strip()
        for name in filter(None, (part.strip() for part in head["names"].split(","))):
            if said:
                found[name] = f"{found[name]}\n\n{said}" if name in found else said
    return found


def require_any(said: dict[str, str], where: str) -> None:
    """Raises: InvalidInput when nothing at all is said, as in the template."""
    if not any(len(_WORD.findall(one)) >= LEAST_WORDS for one in said.values()):
        raise InvalidInput(
            f"{where}: got no section with {LEAST_WORDS} words, expected one for each request that got cheaper: what "
            f"was wrong, what you changed, and why it costs less"
        )


def require(said: dict[str, str], cheaper: Sequence[str], where: str) -> None:
    """Raises: InvalidInput for each of *cheaper* without a reason."""
    if problems := list(_problems(said, cheaper, where)):
        raise InvalidInput(problems)


def _problems(said: dict[str, str], cheaper: Sequence[str], where: str) -> Iterator[str]:
    for operation in cheaper:
        words = len(_WORD.findall(said.get(operation, "")))
        if words < LEAST_WORDS:
            yield (
                f"{where}: {operation}: got {words} words, expected at least {LEAST_WORDS} of your own: what was "
                f"wrong, what you changed, and why it costs less"
            )
