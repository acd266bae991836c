"""The switches: reproducible by seed, and independent of each other."""

from __future__ import annotations

import msgspec
import pytest

from services.gateway.faults import DropFault, Faults, StatusFault, Switches, Treatment

CALLS = 2000


def treat(faults: Faults) -> list[Treatment]:
    switches = Switches()
    switches.set(faults)
    return [switches.treat() for _ in range(CALLS)]


def test_a_new_gateway_is_healthy() -> None:
    assert Switches().treat() == Treatment(slow_s=0.0, status=None, drop=False)


def test_a_share_of_calls_is_hit() -> None:
    hit = sum(treatment.status == 502 for treatment in treat(Faults(status=StatusFault(code=502, ratio=0.3))))
    assert 0.25 < hit / CALLS < 0.35


def test_all_or_none_is_exact() -> None:
    assert all(treatment.drop for treatment in treat(Faults(charge_then_drop=DropFault(ratio=1.0))))
    assert not any(treatment.drop for treatment in treat(Faults(charge_then_drop=DropFault(ratio=0.0))))


def test_the_seed_decides_which_calls() -> None:
    faults = Faults(status=StatusFault(ratio=0.5), seed=7)
    assert treat(faults) == treat(faults)
    assert treat(faults) != treat(msgspec.structs.replace(faults, seed=8))


def test_one_switch_does_not_shift_the_draw_of_the_other() -> None:
    dropped = [treatment.drop for treatment in treat(Faults(charge_then_drop=DropFault(ratio=0.5)))]
    both = treat(Faults(charge_then_drop=DropFault(ratio=0.5), status=StatusFault(ratio=0.9)))
    assert [treatment.drop for treatment in both] == dropped


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"slow_s": -1}', "`float` >= 0.0 - at `$.slow_s`"),
        ('{"slow_s": 1e9}', "`float` <= 300.0"),
        ('{"status": {"code": 200}}', "`int` >= 400 - at `$.status.code`"),
        ('{"status": {"ratio": 1.5}}', "`float` <= 1.0 - at `$.status.ratio`"),
        ('{"charge_then_drop": 0.5}', "Expected `object`, got `float` - at `$.charge_then_drop`"),
        ('{"slow": 1}', "unknown field `slow`"),
    ],
)
def test_bad_switches_are_refused(body: str, message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message.replace("$", r"\$")):
        msgspec.json.decode(body, type=Faults)
