"""What a terminal or a browser would obey is spelled out, in the engine and in the stack alike."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from chaos.model.text import all_visible, visible, visible_json
from services.stack import text as stack

EVERYTHING = "".join(map(chr, range(0x110000)))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"), ("a\r\x07\x00", "a\\x0d\\x07\\x00"), ("\x9b31m", "\\x9b31m"),
        ("\u202egnp", "\\u202egnp"),
        ("\ufeffx", "\\ufeffx"), ("\ud800", "\\ud800"), ("\U000e0041", "\\U000e0041"), ("Zoë\t✔\n🟢", "Zoë\t✔\n🟢"),
    ],
)  # fmt: skip
def test_it_is_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_engine_and_stack_spell_alike() -> None:
    """Two packages that may not import each other."""
    assert visible(EVERYTHING) == stack.visible(EVERYTHING)


def test_no_control_and_no_half_of_a_pair_is_left() -> None:
    left = {char for char in visible(EVERYTHING) if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")}
    assert left == {"\t", "\n"}
    bidi = {
        char for char in visible(EVERYTHING) if unicodedata.bidirectional(char) in ("RLO", "LRO", "RLE", "LRE", "PDF")
    }
    assert bidi == set()


def test_json_means_the_same_afterwards() -> None:
    value = {"a\u202e": ["\x9b", "\U000e0041", "\ufeff", 1, None]}
    shown = visible_json(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(shown) == value
    assert visible(shown) == shown


def test_what_is_nested_without_end_has_an_end() -> None:
    deep: Any = "\x1b"
    for _ in range(400):
        deep = [deep]
    assert "\x1b" not in repr(all_visible(deep))
    assert all_visible({"\x1b": ("\x1b", 1, {"a": "\x1b"})}) == {"\\x1b": ["\\x1b", 1, {"a": "\\x1b"}]}
