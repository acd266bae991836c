from chaos.model.verdict import Verdict


def test_violated_by_a_refusal_of_what_is_allowed(accounts):
    accounts.ask("valid", 200)
    turned_away = [accounts.ask("valid", status) for status in (401, 403, 404, 429)]
    found = accounts.judge("allowed_is_allowed")
    assert found.verdict is Verdict.VIOLATED
    assert set(found.examples) == set(turned_away)


def test_held_whatever_else_is_refused(accounts):
    accounts.ask("valid", 200)
    accounts.ask("ends_session", 204)
    accounts.ask("expired", 401)
    accounts.ask("", 403)
    assert accounts.judge("allowed_is_allowed").verdict is Verdict.HELD


def test_no_answer_is_no_refusal_and_no_admission(accounts):
    accounts.ask("valid", 0)
    accounts.ask("valid", 503)
    found = accounts.judge("allowed_is_allowed")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.figures == {"let_in": 0, "turned_away": 0, "unknown": 2}
