"""Text that is shown to people: characters that a terminal or a browser would act on, not show, are escaped.

Evidence, journals, names of variants, a learner's exceptions and log lines come from other programs and people. A raw
escape byte in them could clear a terminal, show a forged verdict above the real one, or reverse a line.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

# Controls but tab and newline (ESC, CR, BEL, C1, DEL), what turns the direction of text, what has no width, line and
# paragraph separators, the byte order mark, tags, and halves of surrogate pairs, which no encoding knows.
_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_MOST_DEPTH = 100

_S = TypeVar("_S", bound=msgspec.Struct)


def visible(text: str) -> str:
    r"""*text* with every such character escaped: `\x1b`, `\u202e`. Tab and newline stay."""
    return _OBEYED.sub(_spelled, text)


def one_line(name: str) -> str:
    r"""The name of a file or folder: as `visible`, with tab and newline escaped; none makes a line of its own."""
    return visible(name).replace("\t", "\\t").replace("\n", "\\n")


def is_text(name: str) -> bool:
    """Whether a file's or folder's name is text: one that is not UTF-8 has bytes in it that no encoding knows."""
    return not any("\ud800" <= sign <= "\udfff" for sign in name)


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible_json(text: str) -> str:
    """A JSON document of the same meaning, with every such character as a JSON escape."""
    return _OBEYED.sub(lambda found: json_escape(ord(found[0])), text)


def json_escape(code: int) -> str:
    r"""A code point as a JSON escape: `\u001b`; from U+10000 on, a surrogate pair."""
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def all_visible(value: Any, *, depth: int = 0) -> Any:
    """Plain JSON types with all of their text visible; values nested deeper than `_MOST_DEPTH` become `…`."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict | list | tuple) and depth > _MOST_DEPTH:
        return "…"
    if isinstance(value, dict):
        return {all_visible(k, depth=depth + 1): all_visible(each, depth=depth + 1) for k, each in value.items()}
    if isinstance(value, list | tuple):
        return [all_visible(each, depth=depth + 1) for each in value]
    return value


def struct_visible(struct: _S) -> _S:
    """As `all_visible`, for a struct of plain types."""
    return msgspec.convert(all_visible(msgspec.to_builtins(struct)), type(struct))
