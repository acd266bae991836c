from chaos.model.verdict import Verdict


def ask(accounts, number, status, expects, *, total=2, phase="before", cell="GET /x customer"):
    return accounts.ask("matrix", status, op="matrix", key=f"{number}/{total} {cell}", expects=expects, phase=phase)


def both_right(accounts, phase):
    ask(accounts, 1, 200, "200", phase=phase)
    ask(accounts, 2, 403, "401 403", phase=phase)


def test_held_when_every_cell_is_right_in_every_phase(accounts):
    both_right(accounts, "before")
    both_right(accounts, "during")
    assert accounts.judge("access_matrix").verdict is Verdict.HELD


def test_violated_by_a_success_that_should_be_refused(accounts):
    both_right(accounts, "before")
    wrong = ask(accounts, 2, 200, "401 403")
    found = accounts.judge("access_matrix")
    assert found.verdict is Verdict.VIOLATED
    assert found.examples == (wrong,)
    assert "GET /x customer: got 200, expected 401 403" in found.reason


def test_violated_by_a_refusal_that_should_succeed(accounts):
    both_right(accounts, "before")
    ask(accounts, 1, 403, "200")
    found = accounts.judge("access_matrix")
    assert found.verdict is Verdict.VIOLATED
    assert "1 turned away" in found.reason


def test_violated_by_an_address_without_a_row_whatever_it_answers(accounts):
    both_right(accounts, "before")
    ask(accounts, 1, 0, "", cell="GET /api/debug/ admin")
    found = accounts.judge("access_matrix")
    assert found.verdict is Verdict.VIOLATED
    assert "GET /api/debug/ admin: served, but the matrix has no row for it" in found.reason


def test_violated_by_a_server_error_but_not_by_unavailable(accounts):
    both_right(accounts, "before")
    ask(accounts, 1, 503, "200")
    assert accounts.judge("access_matrix").verdict is Verdict.HELD
    ask(accounts, 1, 500, "200")
    assert accounts.judge("access_matrix").verdict is Verdict.VIOLATED


def test_inconclusive_when_a_cell_has_no_answer_in_a_phase(accounts):
    both_right(accounts, "before")
    ask(accounts, 1, 200, "200", phase="during")
    found = accounts.judge("access_matrix")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "1 of 2 cells had no definite answer in during" in found.reason


def test_inconclusive_when_nothing_was_asked_or_nothing_allowed(accounts):
    assert accounts.judge("access_matrix").verdict is Verdict.INCONCLUSIVE
    ask(accounts, 1, 403, "403", total=1)
    assert accounts.judge("access_matrix").verdict is Verdict.INCONCLUSIVE
