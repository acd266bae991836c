from chaos.model.verdict import Verdict


def test_violated_by_one_that_is_let_in(accounts):
    accounts.ask("forged_alg_none", 401, op="forged")
    let_in = accounts.ask("forged_wrong_audience", 200, op="forged")
    found = accounts.judge("no_forged_accepted")
    assert found.verdict is Verdict.VIOLATED
    assert found.examples == (let_in,)
    assert "wrong_audience 1" in found.reason


def test_held_when_each_kind_is_refused(accounts):
    accounts.ask("forged_alg_none", 401, op="forged")
    accounts.ask("forged_stale_role", 403, op="forged")
    accounts.ask("forged_stale_role", 0, op="forged")
    assert accounts.judge("no_forged_accepted").verdict is Verdict.HELD


def test_inconclusive_when_a_kind_never_had_an_answer(accounts):
    assert accounts.judge("no_forged_accepted").verdict is Verdict.INCONCLUSIVE
    accounts.ask("forged_alg_none", 401, op="forged")
    accounts.ask("forged_garbage", 500, op="forged")
    found = accounts.judge("no_forged_accepted")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "garbage" in found.reason
