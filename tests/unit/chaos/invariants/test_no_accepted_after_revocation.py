from chaos.model.verdict import Verdict


def test_violated_by_a_token_that_works_after_the_logout(accounts):
    accounts.ask("ends_session", 204, op="revoke", token="s", at_s=1.0)
    accounts.ask("revoked", 401, token="s", at_s=1.5)
    late = accounts.ask("revoked", 200, token="s", at_s=2.0)
    found = accounts.judge("no_accepted_after_revocation")
    assert found.verdict is Verdict.VIOLATED
    assert found.examples == (late,)


def test_violated_by_the_child_of_a_reused_refresh_token(accounts):
    accounts.ask("used_up", 401, op="reuse", token="s", at_s=1.0)
    accounts.ask("revoked", 200, op="renew", token="s", at_s=2.0)
    assert accounts.judge("no_accepted_after_revocation").verdict is Verdict.VIOLATED


def test_violated_by_the_token_of_an_account_that_was_deleted_before_the_load(accounts):
    accounts.ask("revoked", 200, op="forged", token="deleted")
    assert accounts.judge("no_accepted_after_revocation").verdict is Verdict.VIOLATED


def test_held_when_all_of_them_are_refused(accounts):
    accounts.ask("ends_session", 204, op="revoke", token="s", at_s=1.0)
    accounts.ask("revoked", 401, token="s", at_s=1.5)
    accounts.ask("revoked", 503, token="s", at_s=1.6)
    assert accounts.judge("no_accepted_after_revocation").verdict is Verdict.HELD


def test_what_was_sent_before_the_logout_was_acknowledged_may_pass(accounts):
    accounts.ask("ends_session", 204, op="revoke", token="s", at_s=1.0)
    accounts.ask("revoked", 200, token="s", at_s=1.05)
    accounts.ask("revoked", 401, token="s", at_s=2.0)
    assert accounts.judge("no_accepted_after_revocation").verdict is Verdict.HELD


def test_inconclusive_when_nothing_revoked_had_an_answer(accounts):
    accounts.ask("ends_session", 204, op="revoke", token="s", at_s=1.0)
    accounts.ask("revoked", 0, token="s", at_s=2.0)
    accounts.ask("revoked", 503, token="s", at_s=2.0)
    assert accounts.judge("no_accepted_after_revocation").verdict is Verdict.INCONCLUSIVE
