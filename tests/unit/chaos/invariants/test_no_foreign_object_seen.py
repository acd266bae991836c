from chaos.model.evidence import Order
from chaos.model.verdict import Verdict


def order(accounts, order_id, customer):
    accounts.state.orders.append(
        Order(order_id=order_id, customer_id=customer, client_key="k", tier_id=1, quantity=1, status="paid",
              amount_cents=1, created_unix_s=0.0, updated_unix_s=0.0)
    )  # fmt: skip


def test_violated_by_an_answer_to_a_question_for_anothers_order(accounts):
    seen = accounts.ask("foreign", 200, op="foreign_order", customer=1, order="o")
    found = accounts.judge("no_foreign_object_seen")
    assert found.verdict is Verdict.VIOLATED
    assert found.examples == (seen,)


def test_violated_by_a_list_or_an_account_that_shows_somebody_else(accounts):
    accounts.ask("foreign", 404, op="foreign_order", customer=1)
    accounts.ask("valid", 200, op="own_list", customer=1, shown=2)
    assert accounts.judge("no_foreign_object_seen").verdict is Verdict.VIOLATED


def test_violated_by_what_the_database_says_of_the_owner(accounts):
    order(accounts, "o", customer=2)
    accounts.ask("foreign", 404, op="foreign_order", customer=1)
    accounts.ask("", 200, op="poll", customer=1, order="o")
    assert accounts.judge("no_foreign_object_seen").verdict is Verdict.VIOLATED


def test_held_when_customers_see_only_their_own(accounts):
    order(accounts, "o", customer=1)
    accounts.ask("foreign", 404, op="foreign_order", customer=2, order="o")
    accounts.ask("valid", 200, op="own_order", customer=1, order="o", shown=1)
    assert accounts.judge("no_foreign_object_seen").verdict is Verdict.HELD


def test_inconclusive_without_a_question_or_without_an_answer(accounts):
    accounts.ask("valid", 200, op="own_order", customer=1, order="o", shown=1)
    accounts.ask("foreign", 503, op="foreign_order", customer=2, order="o")
    assert accounts.judge("no_foreign_object_seen").verdict is Verdict.INCONCLUSIVE
