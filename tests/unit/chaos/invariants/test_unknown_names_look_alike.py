import pytest

from chaos.model.verdict import Verdict


def answer(accounts, state, digest, status=401):
    return accounts.ask(state, status, op="login_attack", digest=digest)


def test_violated_by_a_body_of_its_own(accounts):
    answer(accounts, "guess", "a")
    told = answer(accounts, "guess_unknown", "b")
    found = accounts.judge("unknown_names_look_alike")
    assert found.verdict is Verdict.VIOLATED
    assert told in found.examples


def test_held_by_the_same_body(accounts):
    answer(accounts, "guess", "a")
    answer(accounts, "guess_unknown", "a")
    answer(accounts, "guess", "wait 3 s", status=429)
    assert accounts.judge("unknown_names_look_alike").verdict is Verdict.HELD


def test_inconclusive_with_one_kind_only(accounts):
    answer(accounts, "guess", "a")
    answer(accounts, "guess_unknown", "b", status=503)
    assert accounts.judge("unknown_names_look_alike").verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("status", [400, 403, 404, 422])
@pytest.mark.parametrize("body", ["a", "b"])
def test_violated_by_a_status_of_its_own_whatever_the_body(accounts, status, body):
    answer(accounts, "guess", "a")
    told = answer(accounts, "guess_unknown", body, status=status)
    found = accounts.judge("unknown_names_look_alike")
    assert (found.verdict, told in found.examples) == (Verdict.VIOLATED, True)
    assert found.measured == f"401 for names that exist, {status} for names that don't"


def test_violated_when_an_unknown_name_is_let_in(accounts):
    answer(accounts, "guess", "a")
    answer(accounts, "guess_unknown", "b", status=200)
    assert accounts.judge("unknown_names_look_alike").verdict is Verdict.VIOLATED


def test_a_status_that_both_get_tells_nothing(accounts):
    """Some shops answer every failed login with 400."""
    for state in ("guess", "guess_unknown"):
        answer(accounts, state, "a", status=400)
    assert accounts.judge("unknown_names_look_alike").verdict is Verdict.HELD


def test_an_account_that_is_locked_after_many_guesses_is_no_answer_about_the_name(accounts):
    """A name that nobody has is guessed at once only."""
    answer(accounts, "guess", "a")
    answer(accounts, "guess", "locked", status=403)
    answer(accounts, "guess_unknown", "a")
    assert accounts.judge("unknown_names_look_alike").verdict is Verdict.HELD


def test_limits_and_errors_on_the_way_are_no_answers(accounts):
    answer(accounts, "guess", "a")
    for status in (429, 500, 503, 0):
        answer(accounts, "guess_unknown", "b", status=status)
    assert accounts.judge("unknown_names_look_alike").verdict is Verdict.INCONCLUSIVE
