"""A first test, to be joined by yours: who may do what, and for how long a token is good."""

import httpx


def test_a_stranger_sees_no_orders(api: httpx.Client) -> None:
    assert api.get("/api/orders/").status_code == 401


def test_a_customer_sees_orders(as_customer: httpx.Client) -> None:
    assert as_customer.get("/api/orders/").status_code == 200
