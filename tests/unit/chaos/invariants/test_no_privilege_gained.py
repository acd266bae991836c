from chaos.model.verdict import Verdict


def test_violated_by_a_door_of_staff_that_opens_to_a_customer(accounts):
    let_in = accounts.ask("unprivileged", 200, op="trespass")
    found = accounts.judge("no_privilege_gained")
    assert found.verdict is Verdict.VIOLATED
    assert found.examples == (let_in,)


def test_held_when_they_stay_closed(accounts):
    accounts.ask("unprivileged", 403, op="trespass")
    accounts.ask("valid", 200, op="trespass")
    assert accounts.judge("no_privilege_gained").verdict is Verdict.HELD


def test_inconclusive_without_a_definite_answer(accounts):
    accounts.ask("unprivileged", 500, op="trespass")
    assert accounts.judge("no_privilege_gained").verdict is Verdict.INCONCLUSIVE
