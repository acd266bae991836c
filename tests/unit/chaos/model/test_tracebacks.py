"""Tracebacks as the shop's log has them, with many frames of Django around the learner's two."""

from chaos.adapters.trace import log_lines
from chaos.model.tracebacks import folded, said

LIBRARY = (
    '  File "/x/site-packages/django/core/handlers/base.py", line 197, in _get_response\n    response = wrapped()\n'
)
OWN = """\
  File "/lab/services/shop/attempt/views.py", line 79, in post
    order = place_order(tier=tier)
            ^^^^^^^^^^^^^^^^^^^^^^
  File "/lab/.lab/shop/code/services/shop/attempt/services.py", line 47, in place_order
    return 1 / 0
           ~~^~~
"""
HEAD = "django.request: Internal Server Error: /api/orders/"
RAW = f"{HEAD}\nTraceback (most recent call last):\n{LIBRARY * 30}{OWN}{LIBRARY}ZeroDivisionError: division by zero"


def test_the_frames_of_libraries_are_counted():
    assert folded(RAW) == (
        f"{HEAD}\nTraceback (most recent call last):\n  … 30 frames of libraries\n{OWN}  … 1 frame of libraries\n"
        "ZeroDivisionError: division by zero"
    )


def test_type_message_and_own_frames_stand_on_one_line():
    expected = (
        f"{HEAD}: ZeroDivisionError: division by zero; at services.py:47 place_order: return 1 / 0, "
        "called at views.py:79 post: order = place_order(tier=tier) (31 frames of libraries left out)"
    )
    assert said(RAW) == expected
    assert said(folded(RAW)) == expected


def test_a_chain_names_the_root_and_what_came_of_it():
    chain = (
        f"{HEAD}\nTraceback (most recent call last):\n{LIBRARY}psycopg.errors.UndefinedColumn: no column\n"
        f"LINE 1: SELECT\n        ^\n\nThe above exception was the direct cause of the following exception:\n\n"
        f"Traceback (most recent call last):\n{OWN}{LIBRARY}django.db.utils.ProgrammingError: column t.version"
    )
    told = said(chain)
    assert told.startswith(
        f"{HEAD}: django.db.utils.ProgrammingError: column t.version; because of psycopg.errors.Undef"
    )
    assert "; at services.py:47 place_order: return 1 / 0, called at views.py:79 post" in told


def test_what_has_no_traceback_stays():
    assert (folded("a\n  b"), said("a\n  b")) == ("a\n  b", "a b")
    assert said("Traceback (most recent call last):") == "Traceback (most recent call last):"


def test_the_labs_own_frames_are_none_of_the_learners():
    core = '  File "/lab/services/shop/core/middleware.py", line 9, in __call__\n    x()\n'
    assert "core" not in said(f"x\nTraceback (most recent call last):\n{core}{OWN}E: m")


def test_a_long_traceback_is_recorded_with_its_end():
    raw = f"2026-11-29 01:00:00,123 ERROR 7 django.request [r1]: Internal\n{RAW.partition(chr(10))[2]}"
    (line,) = log_lines("api", raw)
    assert line.text.endswith("ZeroDivisionError: division by zero")
    assert "services.py" in line.text


def test_what_is_still_too_long_loses_its_middle():
    deep = f"2026-11-29 01:00:00,123 ERROR 7 shop [r1]: x\nTraceback (most recent call last):\n{OWN * 40}E: the end"
    (line,) = log_lines("api", deep)
    assert len(line.text) <= 2000
    assert line.text.startswith("shop: x\nTraceback")
    assert line.text.endswith("E: the end")
    assert said(line.text).startswith("shop: x: E: the end; at services.py:47 place_order: return 1 / 0, called at ")
    assert said(line.text).endswith(" more")
