"""The pictures of README and docs: those that `make screenshots` takes, each shown somewhere, and together small."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.screenshots import PICTURES

CHECKOUT = Path(__file__).resolve().parents[2]
IMAGES = CHECKOUT / "docs" / "images"
PAGES = [CHECKOUT / "README.md", *(CHECKOUT / "docs").rglob("*.md")]
MOST_BYTES = 1_500_000


def shown() -> set[str]:
    """Names of the pictures that a page shows, by paths that lead there."""
    found = {
        (page.parent / path).resolve()
        for page in PAGES
        for path in re.findall(r'[("]([./\w-]+\.png)[)"]', page.read_text())
    }
    assert [path for path in found if path.parent != IMAGES or not path.is_file()] == []
    return {path.stem for path in found}


def test_what_is_taken_is_kept_and_shown() -> None:
    assert {path.stem for path in IMAGES.iterdir()} == set(PICTURES) == shown()


def test_there_are_both_widths_and_both_themes() -> None:
    assert {("-phone" in name, "-dark" in name) for name in PICTURES} == {
        (phone, dark) for phone in (False, True) for dark in (False, True)
    }


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_a_small_png(name: str) -> None:
    assert (IMAGES / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
    assert sum(path.stat().st_size for path in IMAGES.iterdir()) < MOST_BYTES
