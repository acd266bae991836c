from chaos.model.verdict import Verdict


def race(accounts, *statuses, key="r"):
    return [accounts.ask("race", status, op="refresh_race", key=key) for status in statuses]


def test_violated_by_two_winners(accounts):
    ids = race(accounts, 200, 401, 200)
    found = accounts.judge("one_child_per_refresh")
    assert found.verdict is Verdict.VIOLATED
    assert set(found.examples) == {ids[0], ids[2]}
    assert found.figures["most_successes"] == 2


def test_violated_when_every_exchange_is_refused(accounts):
    race(accounts, 401, 401, 401)
    found = accounts.judge("one_child_per_refresh")
    assert found.verdict is Verdict.VIOLATED
    assert "refused to everybody" in found.reason


def test_held_with_one_winner_each(accounts):
    race(accounts, 200, 401, 401, key="a")
    race(accounts, 401, 200, key="b")
    assert accounts.judge("one_child_per_refresh").verdict is Verdict.HELD


def test_no_answer_may_be_the_winner(accounts):
    race(accounts, 200, 401, key="a")
    race(accounts, 401, 0, 503, key="b")
    found = accounts.judge("one_child_per_refresh")
    assert found.verdict is Verdict.HELD
    assert found.figures["undecided"] == 1


def test_inconclusive_without_a_race_or_without_an_answer(accounts):
    race(accounts, 200)
    assert accounts.judge("one_child_per_refresh").verdict is Verdict.INCONCLUSIVE
    race(accounts, 0, 0, key="b")
    assert accounts.judge("one_child_per_refresh").verdict is Verdict.INCONCLUSIVE
