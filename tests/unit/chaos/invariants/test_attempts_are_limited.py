from chaos.model.verdict import Verdict


def guesses(accounts, looked_at, held_off, *, at_s=0.0, name="n"):
    for status in [401] * looked_at + [429] * held_off:
        accounts.ask("guess", status, op="login_attack", token=name, at_s=at_s)


def test_violated_by_a_burst_that_is_ahead_of_the_count(accounts):
    guesses(accounts, 6, 10)
    found = accounts.judge("attempts_are_limited")
    assert found.verdict is Verdict.VIOLATED
    assert found.figures["most_looked_at"] == 6


def test_violated_by_a_guess_that_is_let_in(accounts):
    accounts.ask("guess", 200, op="login_attack", token="n")
    assert accounts.judge("attempts_are_limited").verdict is Verdict.VIOLATED


def test_held_when_the_rest_is_held_off(accounts):
    guesses(accounts, 5, 11)
    guesses(accounts, 5, 11, name="another")
    assert accounts.judge("attempts_are_limited").verdict is Verdict.HELD


def test_windows_slide(accounts):
    guesses(accounts, 3, 1, at_s=0.0)
    guesses(accounts, 3, 1, at_s=30.0)
    assert accounts.judge("attempts_are_limited").verdict is Verdict.VIOLATED
    assert accounts.judge("attempts_are_limited", window="20s").verdict is Verdict.HELD


def test_inconclusive_when_nobody_tried_often_enough(accounts):
    guesses(accounts, 5, 0)
    accounts.ask("guess", 0, op="login_attack", token="n")
    accounts.ask("guess", 503, op="login_attack", token="n")
    assert accounts.judge("attempts_are_limited").verdict is Verdict.INCONCLUSIVE
