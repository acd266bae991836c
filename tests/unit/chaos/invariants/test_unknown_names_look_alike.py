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
