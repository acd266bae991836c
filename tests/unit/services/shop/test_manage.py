"""Where an error in a variant's code is said to be."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from services.shop.core.manage import Place, place_in


def error_of(path: Path) -> BaseException:
    try:
        runpy.run_path(str(path))
    except Exception as error:
        return error
    pytest.fail("expected an error")


def test_a_syntax_error_is_where_the_parser_says(tmp_path: Path) -> None:
    path = tmp_path / "views.py"
    path.write_text("x = 1\ndef broken(:\n")
    assert place_in(tmp_path, error_of(path)) == Place(str(path), 2)


def test_the_innermost_line_of_the_variant_counts_not_the_librarys(tmp_path: Path) -> None:
    path = tmp_path / "models.py"
    path.write_text("import json\n\ndef read():\n    return json.loads('{')\n\nread()\n")
    assert place_in(tmp_path, error_of(path)) == Place(str(path), 4)


def test_the_root_cause_counts_not_its_wrapper(tmp_path: Path) -> None:
    path = tmp_path / "settings.py"
    path.write_text("try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise RuntimeError('x') from error\n")
    assert place_in(tmp_path, error_of(path)) == Place(str(path), 2)


def test_an_error_elsewhere_has_no_place(tmp_path: Path) -> None:
    path = tmp_path / "other.py"
    path.write_text("1 / 0\n")
    assert place_in(tmp_path / "variant", error_of(path)) is None
