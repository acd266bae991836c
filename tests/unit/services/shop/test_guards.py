"""Bulkhead and breaker of one dependency, and the deadline of a request. Waits poll; nothing measures time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError
from psycopg.errors import LockNotAvailable

from services.shop.core.config import current
from services.shop.hardened import deadline
from services.shop.hardened.guards import Guard, Refused


@pytest.fixture(autouse=True)
def _configured(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the metrics want to know of this process."""
    secret = tmp_path_factory.mktemp("secrets") / "secret"
    secret.write_text("s")
    monkeypatch.setenv("FIREDRILL_VARIANT", "hardened")
    monkeypatch.setenv("SHOP_SECRET_KEY_FILE", str(secret))
    monkeypatch.setenv("SHOP_POSTGRES_PASSWORD_FILE", str(secret))
    current.cache_clear()
    yield
    current.cache_clear()


def guard(**changes: object) -> Guard:
    settings = {"at_once": 2, "wait_s": 0.0, "fail_max": 3, "reset_s": 600.0, "failures": (OperationalError,)}
    return Guard("postgres", **{**settings, **changes})  # type: ignore[arg-type]


def fail(guarded: Guard, error: Exception) -> None:
    with pytest.raises(type(error)), guarded.call():
        raise error


def eventually(condition: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up_s
        time.sleep(0.005)


def test_who_has_failed_too_often_is_not_asked() -> None:
    guarded = guard()
    for _ in range(3):
        fail(guarded, OperationalError("gone"))
    asked = []
    with pytest.raises(Refused), guarded.call():
        asked.append(1)
    with pytest.raises(Refused):
        guarded.admit()
    assert not asked


def test_a_success_between_failures_forgives_them() -> None:
    guarded = guard()
    for error in (OperationalError("gone"), None, OperationalError("gone"), OperationalError("gone")):
        if error:
            fail(guarded, error)
        else:
            with guarded.call():
                pass
    guarded.admit()


def test_a_failure_outside_of_a_call_counts_too() -> None:
    guarded = guard()
    for _ in range(3):
        guarded.failed(OperationalError("no connection"))
    with pytest.raises(Refused):
        guarded.admit()


def test_an_answer_that_is_no_comes_from_a_server_that_is_well() -> None:
    guarded = guard()
    locked = OperationalError("locked")
    locked.__cause__ = LockNotAvailable("locked")
    for error in (locked, ValueError("a bug")) * 5:
        fail(guarded, error)
    guarded.admit()


def test_one_finds_out_whether_it_is_back_the_others_wait_for_the_result() -> None:
    guarded = guard(reset_s=0.01)
    for _ in range(3):
        fail(guarded, OperationalError("gone"))
    trying, done = threading.Event(), threading.Event()

    def attempt() -> None:
        with guarded.call():
            trying.set()
            done.wait(20)

    def admitted() -> bool:
        try:
            guarded.admit()
        except Refused:
            return False
        return True

    eventually(admitted)
    trial = threading.Thread(target=attempt)
    trial.start()
    assert trying.wait(20)
    with pytest.raises(Refused), guarded.call():
        pass
    done.set()
    trial.join(20)
    with guarded.call():
        pass


def test_more_than_there_are_slots_do_not_get_in() -> None:
    guarded = guard(at_once=1)
    guarded.enter()
    with pytest.raises(Refused, match="too many wait for it"):
        guarded.enter()
    guarded.leave()
    guarded.enter()


def test_a_slow_one_does_not_hold_up_a_call_of_another_thread() -> None:
    """The library's own `call` would hold its lock as long as the slowest call takes."""
    guarded = guard()
    inside, done = threading.Event(), threading.Event()

    def slow() -> None:
        with guarded.call():
            inside.set()
            done.wait(20)

    thread = threading.Thread(target=slow)
    thread.start()
    assert inside.wait(20)
    with guarded.call():
        done.set()
    thread.join(20)


def test_an_inner_deadline_never_outlives_an_outer_one() -> None:
    assert deadline.left_s() is None
    with deadline.within(5.0):
        with deadline.within(600.0):
            left_s = deadline.left_s()
            assert left_s is not None
            assert left_s <= 5.0
        with deadline.within(0.0):
            left_s = deadline.left_s()
            assert left_s is not None
            assert left_s <= 0.0
    assert deadline.left_s() is None
