"""Ordinary words for what a request names, drawn by a salt: code under test can't learn by heart what the lab sends."""

from __future__ import annotations

import hashlib
from typing import Final

_BEFORE: Final = (
    "amber brass cedar coral ember fern flint grove hazel heron iris ivory juniper larch linden maple marble meadow"
    " moss north olive onyx opal pebble pine quartz river rowan sable sage sienna slate sparrow spruce tawny thistle"
    " umber velvet willow"
)
_AFTER: Final = (
    "arch bank bay bridge brook canal court cove dale dock field forge gate glen hall harbour hill house isle lane lock"
    " mill park path pier point quay ridge row shore square stair stage street terrace tower wharf yard"
)
_FIRST, _SECOND = _BEFORE.split(), _AFTER.split()
_PARTS_OF_A_HALL: Final = ("Balcony", "Circle", "Floor", "Gallery", "Lodge", "Parterre", "Stalls", "Terrace")


def _drawn(salt: str, parts: tuple[object, ...]) -> int:
    text = ":".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, key=salt.encode()[:64], digest_size=8).digest(), "big")


def word(salt: str, *parts: object) -> str:
    """`cedar-quay`: fit for a slug and for a username; *parts* tell it from all others."""
    drawn = _drawn(salt, parts)
    return f"{_FIRST[drawn % len(_FIRST)]}-{_SECOND[drawn // len(_FIRST) % len(_SECOND)]}{drawn >> 32 & 63}"


def part_of_a_hall(salt: str, *parts: object) -> str:
    """A name that a tier may have."""
    return _PARTS_OF_A_HALL[_drawn(salt, parts) % len(_PARTS_OF_A_HALL)]


def number(salt: str, *parts: object, least: int, most: int) -> int:
    """A whole number from *least* to *most*."""
    return least + _drawn(salt, parts) % (most - least + 1)
