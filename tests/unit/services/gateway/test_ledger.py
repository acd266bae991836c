"""The ledger: one charge per key, whatever the timing; nothing lost when it is opened again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

from services.gateway.ledger import Call, Charge, KeyReused, Ledger, OrderClosed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "on demand" / "gateway.sqlite3"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with closing(Ledger(path)) as ledger:
        yield ledger


def capture(ledger: Ledger, *, order_id: str = "o1", key: str = "k1", amount_cents: int = 100) -> tuple[Charge, bool]:
    return ledger.capture(order_id=order_id, idempotency_key=key, amount_cents=amount_cents, captured_unix_s=5.0)


def test_the_same_key_again_gives_the_same_charge(ledger: Ledger) -> None:
    first, replayed_first = capture(ledger)
    again, replayed_again = capture(ledger)
    assert (replayed_first, replayed_again) == (False, True)
    assert again == first
    assert ledger.charges() == [first]


def test_without_a_key_each_call_is_a_charge(ledger: Ledger) -> None:
    first, _ = capture(ledger, key="")
    second, replayed = capture(ledger, key="")
    assert not replayed
    assert ledger.charges() == [first, second]


@pytest.mark.parametrize(("order_id", "amount_cents"), [("o2", 100), ("o1", 101)])
def test_a_key_belongs_to_one_order_and_amount(ledger: Ledger, order_id: str, amount_cents: int) -> None:
    first, _ = capture(ledger)
    with pytest.raises(KeyReused, match="got 'k1' for order"):
        capture(ledger, order_id=order_id, amount_cents=amount_cents)
    assert ledger.charges() == [first]


def test_racing_writers_capture_once_per_key(path: Path, ledger: Ledger) -> None:
    writers, keys = 4, 25
    start = Barrier(writers)

    def write(_: int) -> int:
        with closing(Ledger(path)) as own:
            start.wait()
            return sum(not capture(own, key=f"k{number}")[1] for number in range(keys))

    with ThreadPoolExecutor(writers) as pool:
        captured = sum(pool.map(write, range(writers)))
    assert captured == keys
    assert len(ledger.charges()) == keys


def test_a_call_is_on_record_from_its_arrival(ledger: Ledger) -> None:
    call_id = ledger.call_arrived(order_id="o1", idempotency_key="", arrived_unix_s=10.0)
    in_flight = Call(
        order_id="o1", idempotency_key="", arrived_unix_s=10.0, answered_unix_s=None, status=0, replayed=False
    )
    assert ledger.calls() == [in_flight]
    ledger.call_ended(call_id, answered_unix_s=10.5, status=200, replayed=True)
    assert ledger.calls() == [
        Call(order_id="o1", idempotency_key="", arrived_unix_s=10.0, answered_unix_s=10.5, status=200, replayed=True)
    ]


def test_calls_since_a_moment_include_it(ledger: Ledger) -> None:
    for second in (1.0, 2.0, 3.0):
        ledger.call_arrived(order_id="o", idempotency_key="", arrived_unix_s=second)
    assert [call.arrived_unix_s for call in ledger.calls(since_unix_s=2.0)] == [2.0, 3.0]


def test_another_process_finds_everything(path: Path) -> None:
    with closing(Ledger(path)) as ledger:
        charge, _ = capture(ledger)
        ledger.call_arrived(order_id="o1", idempotency_key="k1", arrived_unix_s=1.0)
    with closing(Ledger(path)) as again:
        assert again.charges() == [charge]
        assert len(again.calls()) == 1
        assert capture(again) == (charge, True)


def test_reset_empties_it_and_a_late_end_is_ignored(ledger: Ledger) -> None:
    call_id = ledger.call_arrived(order_id="o1", idempotency_key="k1", arrived_unix_s=1.0)
    capture(ledger)
    ledger.reset()
    ledger.call_ended(call_id, answered_unix_s=2.0, status=201, replayed=False)
    assert (ledger.charges(), ledger.calls()) == ([], [])


def test_a_refund_gives_back_all_that_the_order_cost_once(ledger: Ledger) -> None:
    first, _ = capture(ledger, key="")
    second, _ = capture(ledger, key="", amount_cents=50)
    other, _ = capture(ledger, key="", order_id="o2")
    refunds, replayed = ledger.refund(order_id="o1", refunded_unix_s=6.0)
    assert [(refund.charge_id, refund.amount_cents) for refund in refunds] == [
        (first.charge_id, 100),
        (second.charge_id, 50),
    ]
    assert not replayed
    assert ledger.refund(order_id="o1", refunded_unix_s=7.0) == (refunds, True)
    assert ledger.refunds() == refunds
    assert ledger.charges() == [first, second, other]


def test_a_refunded_order_takes_no_charge_any_more(ledger: Ledger) -> None:
    """The charge that was under way while the order was cancelled."""
    assert ledger.refund(order_id="o1", refunded_unix_s=6.0) == ([], False)
    with pytest.raises(OrderClosed, match="got 'o1', which was refunded"):
        capture(ledger)
    assert ledger.charges() == []
    ledger.reset()
    capture(ledger)
    assert ledger.refunds() == []
