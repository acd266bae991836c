"""The scenario reference for people."""

from __future__ import annotations

from chaos.load.reference import reference


def test_an_invariant_that_needs_no_operations_does_not_say_that_it_needs_some() -> None:
    page = reference()
    assert "Needs the operations none" not in page
    assert "Needs the operations `" in page
