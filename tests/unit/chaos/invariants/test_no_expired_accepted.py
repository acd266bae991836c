from chaos.model.verdict import Verdict


def test_violated_by_a_token_that_works_after_its_lifetime(accounts):
    late = accounts.ask("expired", 200, at_s=12.0, expires=10.0)
    found = accounts.judge("no_expired_accepted")
    assert found.verdict is Verdict.VIOLATED
    assert found.examples == (late,)
    assert "up to 2.0 s" in found.reason


def test_held_when_it_is_refused(accounts):
    accounts.ask("expired", 401, at_s=12.0, expires=10.0)
    accounts.ask("expired", 0, at_s=12.0, expires=10.0)
    assert accounts.judge("no_expired_accepted").verdict is Verdict.HELD


def test_inconclusive_within_the_leeway_or_without_an_answer(accounts):
    accounts.ask("expired", 200, at_s=10.9, expires=10.0)
    accounts.ask("expired", 503, at_s=12.0, expires=10.0)
    assert accounts.judge("no_expired_accepted").verdict is Verdict.INCONCLUSIVE
    assert accounts.judge("no_expired_accepted", leeway="500ms").verdict is Verdict.VIOLATED
