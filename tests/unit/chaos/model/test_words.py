"""Words that a run draws: fit for where they stand, and others in another lab."""

from __future__ import annotations

import re

from chaos.model.words import number, part_of_a_hall, word

SALTS = [f"salt {n}" for n in range(200)]


def test_a_word_is_fit_for_a_slug_and_a_username() -> None:
    assert all(re.fullmatch(r"[a-z]+-[a-z]+\d{1,2}", word(salt, "walk", "slug")) for salt in SALTS)
    assert max(len(word(salt, "walk", "slug")) for salt in SALTS) <= 30


def test_each_salt_and_each_place_has_words_of_its_own() -> None:
    assert len({word(salt, "walk", "slug") for salt in SALTS}) > 190
    assert word("a", "walk", "slug") != word("a", "walk", "name")
    assert word("a", "walk", "slug") == word("a", "walk", "slug")
    assert len({part_of_a_hall(salt, "x") for salt in SALTS}) == 8


def test_numbers_stay_in_their_bounds() -> None:
    found = {number(salt, "x", least=3, most=5) for salt in SALTS}
    assert found == {3, 4, 5}
