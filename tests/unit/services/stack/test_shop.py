from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from services.stack import config, shop
from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.prepare import parse_world


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A checkout with two variants."""
    top = tmp_path / "services" / "shop"
    for name in ("core", "naive", "hardened"):
        (top / name / "migrations").mkdir(parents=True)
        (top / name / "settings.py").write_text("")
        (top / name / "migrations" / "0001_initial.py").write_text("operations = []\n")
    real = config.load({})
    return Settings(
        checkout=tmp_path,
        lab_dir=tmp_path / ".lab",
        tools_dir=real.tools_dir,
        evidence_dir=tmp_path / "evidence",
        asked_base_port=None,
        toxiproxy=None,
        offline=True,
        path=real.path,
    )


def test_core_is_no_variant(settings: Settings) -> None:
    assert shop.known_variants(settings) == ["hardened", "naive"]
    with pytest.raises(StackError, match="got 'core', expected one of hardened, naive"):
        shop.require_variant(settings, "core")


@pytest.mark.parametrize("name", ["../naive", "Naive", "", "naive/..", "-rf", "nonexistent"])
def test_unknown_variants_are_refused(settings: Settings, name: str) -> None:
    with pytest.raises(StackError) as caught:
        shop.require_variant(settings, name)
    assert (caught.value.kind, caught.value.exit_code) == ("unknown_variant", 2)


def test_attempt_that_was_never_started_names_the_command(settings: Settings) -> None:
    with pytest.raises(StackError, match="firedrill attempt start"):
        shop.require_variant(settings, "attempt")


def test_another_migration_means_another_schema_and_other_code_another_check(settings: Settings) -> None:
    folder = shop.folder(settings) / "naive"
    schema, code = shop.schema_stamp(settings, "naive"), shop.code_stamp(settings, "naive")
    (folder / "views.py").write_text("x = 1\n")
    assert shop.schema_stamp(settings, "naive") == schema
    assert shop.code_stamp(settings, "naive") != code
    (folder / "migrations" / "0001_initial.py").write_text("operations = [1]\n")
    assert shop.schema_stamp(settings, "naive") != schema


@pytest.mark.parametrize("name", ["lock.lua", "helper.pyc", "sql/seats.sql", "templates/a.html"])
def test_whatever_the_variant_may_read_is_its_code(settings: Settings, name: str) -> None:
    code = shop.code_stamp(settings, "naive")
    file = shop.folder(settings) / "naive" / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"\xff")
    assert shop.code_stamp(settings, "naive") != code


def test_tests_and_what_tools_left_are_no_code(settings: Settings) -> None:
    code = shop.code_identity(settings, "naive")
    top = shop.folder(settings) / "naive"
    for name in ("tests/test_mine.py", "__pycache__/views.pyc", ".pytest_cache/x", "migrations/__pycache__/x.pyc"):
        (top / name).parent.mkdir(exist_ok=True)
        (top / name).write_bytes(b"\xff")
    (top / ".#views.py").symlink_to("me@host.1")  # an editor's lock
    assert shop.code_identity(settings, "naive") == code


def test_a_file_that_was_saved_and_put_back_is_noticed(settings: Settings) -> None:
    """A worker that was killed meanwhile has started with what was saved in between."""
    code, stamp = shop.code_identity(settings, "naive"), shop.code_stamp(settings, "naive")
    file = shop.folder(settings) / "naive" / "settings.py"
    file.write_text(file.read_text())
    os.utime(file, ns=(1, time.time_ns() + 1))
    assert shop.code_stamp(settings, "naive") == stamp
    assert shop.code_identity(settings, "naive") != code


def test_a_renamed_migration_is_another_schema(settings: Settings) -> None:
    folder = shop.folder(settings) / "naive" / "migrations"
    before = shop.schema_stamp(settings, "naive")
    (folder / "0001_initial.py").rename(folder / "0001_first.py")
    assert shop.schema_stamp(settings, "naive") != before


def test_a_traceback_is_blamed_on_the_innermost_line_of_the_variant(settings: Settings) -> None:
    own = shop.folder(settings) / "naive"
    text = (
        "Traceback (most recent call last):\n"
        f'  File "{own}/urls.py", line 3, in <module>\n    from . import views\n'
        f'  File "{own}/views.py", line 41, in <module>\n    total = 1 / 0\n'
        '  File "/usr/lib/python3/somewhere.py", line 7, in helper\n    pass\n'
        "ZeroDivisionError: division by zero\n"
    )
    error = shop.culprit(settings, "naive", text)
    assert error is not None
    assert (error.kind, error.file, error.line) == ("learner_code", "services/shop/naive/views.py", 41)
    assert error.message == "services/shop/naive/views.py:41: ZeroDivisionError: division by zero"


def test_a_traceback_from_elsewhere_names_no_file_of_the_variant(settings: Settings) -> None:
    other = shop.folder(settings) / "hardened"
    text = f'Traceback:\n  File "{other}/views.py", line 1, in <module>\nValueError: x\n'
    assert shop.culprit(settings, "naive", text) is None
    assert shop.culprit(settings, "naive", "Killed") is None


def test_a_world_is_completed_with_the_defaults() -> None:
    assert parse_world('{"seats": 30}') == {"events": 5, "hot_tiers": 1, "seats": 30, "customers": 200}
    assert parse_world('{"access_lifetime_s": 5}')["access_lifetime_s"] == 5


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "--world: got Expecting property name"),
        ("[]", "--world: got [], expected a JSON object"),
        (
            '{"seat": 1}',
            "--world: seat: got an unknown key, expected events, hot_tiers, seats, customers, old_orders, access",
        ),
        ('{"events": 0}', "--world: events: got 0, expected a whole number 1 to 1000"),
        ('{"customers": true}', "--world: customers: got True, expected a whole number 1 to 10000"),
        ('{"access_lifetime_s": 0}', "--world: access_lifetime_s: got 0, expected a whole number 1 to 86400"),
        ('{"seats": "150"}', "--world: seats: got '150', expected a whole number 1 to 100000"),
    ],
)
def test_a_bad_world_is_refused(text: str, problem: str) -> None:
    with pytest.raises(StackError) as caught:
        parse_world(text)
    assert caught.value.kind == "bad_input"
    assert caught.value.message.startswith(problem)


def test_all_problems_of_a_world_come_at_once() -> None:
    with pytest.raises(StackError) as caught:
        parse_world('{"events": 0, "seats": -1, "x": 1}')
    assert len(caught.value.message.splitlines()) == 3


def test_a_mutant_is_a_variant_that_is_made_when_it_is_asked_for(settings: Settings) -> None:
    top = shop.folder(settings)
    (top / "mutants").mkdir()
    (top / "mutants" / "one.patch").write_text("--- a/settings.py\n+++ b/settings.py\n@@ -1 +1,2 @@\n x = 1\n+y = 2\n")
    (top / "hardened" / "settings.py").write_text("x = 1\n")
    shop.require_variant(settings, "mutant_one")
    assert (top / "mutant_one" / "settings.py").read_text() == "x = 1\ny = 2\n"
    assert shop.known_variants(settings) == ["hardened", "naive"]
    for name in ("mutants", "mutant_two", "mutant_"):
        with pytest.raises(StackError, match=f"got '{name}', expected one of hardened, naive"):
            shop.require_variant(settings, name)
