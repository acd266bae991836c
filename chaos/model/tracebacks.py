"""A Python traceback in a log line: the frames of the variant's own code are kept, those of libraries are counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_BEGINS = "Traceback (most recent call last):"
_FRAME = re.compile(r' +File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<name>.+)')
_OWN = re.compile(r"(?:^|/)services/shop/(?!core/)\w+/(?P<file>[\w/.-]+)$")
_LINKS = ("During handling of the above", "The above exception was")
LONGEST_MESSAGE = 400
MOST_FRAMES = 8


@dataclass(slots=True)
class Raised:
    """One exception of a chain.

    Attributes:
        frames: Those of the variant, outermost first: `views.py:79 post: order = place_order(…)`.
        others: How many frames of libraries, and of the lab, there are beside.
        error: Type and message.
    """

    frames: list[str] = field(default_factory=list)
    others: int = 0
    error: str = ""


def folded(text: str) -> str:
    """*text* with a line in place of each row of library frames; unchanged without a traceback."""
    if _BEGINS not in text:
        return text
    kept: list[str] = []
    skipped, own = 0, True
    for line in text.splitlines():
        frame = _FRAME.fullmatch(line)
        if frame is not None:
            own = _OWN.search(frame["file"]) is not None
            skipped += not own
        elif not line.startswith("    "):
            own = True
        if own:
            kept += _counted(skipped)
            skipped = 0
            kept.append(line)
    return "\n".join([*kept, *_counted(skipped)])


def _counted(frames: int) -> list[str]:
    return [f"  … {_of_libraries(frames)}"] if frames else []


def _of_libraries(frames: int) -> str:
    return f"{frames} frame{'s' if frames > 1 else ''} of libraries"


def said(text: str) -> str:
    """*text* on one line; a traceback as type, message and own frames, the innermost first."""
    head, begins, _ = text.partition(_BEGINS)
    chain = list(_chain(text)) if begins else []
    if not chain or not chain[-1].error:
        return " ".join(text.split())
    last, first = chain[-1], chain[0]
    parts = [f"{' '.join(head.split())}: {last.error}" if head.strip() else last.error]
    if first.error != last.error:
        parts.append(f"because of {first.error}")
    framed = next((raised for raised in reversed(chain) if raised.frames), None)
    if framed is not None:
        shown = ", called at ".join(framed.frames[: -MOST_FRAMES - 1 : -1])
        more = len(framed.frames) - MOST_FRAMES
        parts.append(f"at {shown}{f', called at {more} more' if more > 0 else ''}")
    others = sum(raised.others for raised in chain)
    return "; ".join(parts) + (f" ({_of_libraries(others)} left out)" if others else "")


def _chain(text: str) -> Iterator[Raised]:
    """The exceptions of a chain, the root first."""
    raised: Raised | None = None
    own = False
    for line in text.splitlines():
        if line.strip() == _BEGINS:
            if raised is not None:
                yield raised
            raised = Raised()
        elif raised is None or not line.strip(" …") or line.startswith(_LINKS):
            own = False
        elif (frame := _FRAME.fullmatch(line)) is not None:
            place = _OWN.search(frame["file"])
            own = place is not None and not raised.error
            if place is not None:
                raised.frames.append(f"{place['file']}:{frame['line']} {frame['name']}")
            else:
                raised.others += 1
        elif (counted := re.fullmatch(r"  … (\d+) frames? of libraries", line)) is not None:
            raised.others += int(counted[1])
        elif line.startswith("    ") and not raised.error:
            if own and line.strip(" ^~"):
                raised.frames[-1] += f": {line.strip()}"
        else:
            raised.error = f"{raised.error} {line.strip()}".strip()[:LONGEST_MESSAGE]
    if raised is not None:
        yield raised
