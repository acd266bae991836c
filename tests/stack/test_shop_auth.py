"""Authentication and authorization: the contract of every variant, then what only the reference promises."""

from __future__ import annotations

import json
import threading
from collections import Counter

import pytest

from chaos.adapters.passwords import described
from chaos.invariants.passwords_are_hashed_well import is_costly
from chaos.model import access
from tests.stack.shop_fixtures import ROOT, Answer, Shop, ShopServices, call, shop_services

pytestmark = pytest.mark.stack
__all__ = ["shop_services"]

VARIANTS = ["naive", "hardened"]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def login(shop: Shop, username: str, password: str | None = None) -> Answer:
    body = {"username": username, "password": shop.world["password"] if password is None else password}
    return call(shop.port, "POST", "/api/auth/token/", body=body)


def refresh(shop: Shop, token: str) -> Answer:
    return call(shop.port, "POST", "/api/auth/refresh/", body={"refresh": token})


def me(shop: Shop, token: str) -> Answer:
    return shop.get("/api/me/", headers=bearer(token))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_access_matrix_knows_every_address(shop_services: ShopServices, variant: str) -> None:
    rows = access.parse((ROOT / access.TABLE).read_text())
    assert set(shop_services.shop(variant).world["routes"]) == {row.template for row in rows}


@pytest.mark.parametrize("variant", VARIANTS)
def test_own_account(shop_services: ShopServices, variant: str) -> None:
    shop = shop_services.shop(variant)
    customer = shop.expendable(0)
    own = me(shop, customer["access"])
    assert (own.status, own.body["id"], own.body["username"]) == (200, customer["id"], customer["username"])
    assert own.body["role"] == "customer"
    assert "password" not in own.body
    changed = call(
        shop.port, "PATCH", "/api/me/", body={"email": "new@example.org"}, headers=bearer(customer["access"])
    )
    assert (changed.status, changed.body["email"]) == (200, "new@example.org")
    assert shop.get("/api/me/").status == 401


@pytest.mark.parametrize("variant", VARIANTS)
def test_roles(shop_services: ShopServices, variant: str) -> None:
    shop = shop_services.shop(variant)
    tokens = {role: shop.world["cast"][role]["access"] for role in ("customer", "support", "admin")}
    seen = {
        (path, role): shop.get(path, headers=bearer(token)).status
        for path in ("/api/orders/", "/api/support/orders/", "/api/admin/sales/")
        for role, token in tokens.items()
    }
    assert seen == {
        ("/api/orders/", "customer"): 200,
        ("/api/orders/", "support"): 403,
        ("/api/orders/", "admin"): 403,
        ("/api/support/orders/", "customer"): 403,
        ("/api/support/orders/", "support"): 200,
        ("/api/support/orders/", "admin"): 200,
        ("/api/admin/sales/", "customer"): 403,
        ("/api/admin/sales/", "support"): 403,
        ("/api/admin/sales/", "admin"): 200,
    }
    tier = shop.world["tiers"][-1]
    path = f"/api/admin/tiers/{tier['id']}/"
    body = {"price_cents": tier["price_cents"] + 1}
    assert call(shop.port, "PATCH", path, body=body, headers=bearer(tokens["support"])).status == 403
    changed = call(shop.port, "PATCH", path, body=body, headers=bearer(tokens["admin"]))
    assert (changed.status, changed.body["price_cents"]) == (200, tier["price_cents"] + 1)
    order = shop.world["cast"]["customer"]["order"]
    listed, path = [], "/api/support/orders/"
    while path:  # newest first: other tests' orders may fill the first page
        body = shop.get(path, headers=bearer(tokens["support"])).body
        listed += body["results"]
        path = (body["next"] or "").partition(str(shop.port))[2]
    assert {shop.world["cast"]["customer"]["username"]} == {row["customer"] for row in listed if row["id"] == order}


@pytest.mark.parametrize("variant", VARIANTS)
def test_logout_ends_the_refresh_token(shop_services: ShopServices, variant: str) -> None:
    shop = shop_services.shop(variant)
    customer = shop.expendable(1)
    body = {"refresh": customer["refresh"]}
    done = call(shop.port, "POST", "/api/auth/logout/", body=body, headers=bearer(customer["access"]))
    assert done.status == 204
    assert refresh(shop, customer["refresh"]).status == 401
    assert call(shop.port, "POST", "/api/auth/logout/", body=body).status == 401


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_refresh_token_works_once(shop_services: ShopServices, variant: str) -> None:
    shop = shop_services.shop(variant)
    customer = shop.expendable(2)
    pair = refresh(shop, customer["refresh"])
    assert pair.status == 200
    assert me(shop, pair.body["access"]).status == 200
    assert refresh(shop, customer["refresh"]).status == 401


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    "flaw", ["garbage", "alg_none", "wrong_key", "tampered", "unsigned", "expired_long_ago", "without_expiry",
             "refresh_as_access", "deleted", "disabled"]
)  # fmt: skip
def test_tokens_that_every_variant_refuses(shop_services: ShopServices, variant: str, flaw: str) -> None:
    shop = shop_services.shop(variant)
    assert me(shop, shop.world["bad_tokens"][flaw]).status == 401


# What only the reference promises.


@pytest.fixture
def hardened(shop_services: ShopServices) -> Shop:
    return shop_services.shop("hardened")


@pytest.mark.parametrize("flaw", ["wrong_audience", "wrong_issuer", "expired_just_now", "password_changed"])
def test_hardened_refuses_what_simplejwt_lets_pass(hardened: Shop, flaw: str) -> None:
    assert me(hardened, hardened.world["bad_tokens"][flaw]).status == 401


def test_a_role_in_the_token_is_no_role(hardened: Shop) -> None:
    stale = hardened.world["cast"]["customer"]["stale"]
    assert me(hardened, stale).status == 200
    assert hardened.get("/api/admin/sales/", headers=bearer(stale)).status == 403


def test_a_second_use_ends_the_family(hardened: Shop) -> None:
    customer = hardened.expendable(3)
    pair = refresh(hardened, customer["refresh"]).body
    assert refresh(hardened, customer["refresh"]).status == 401
    assert refresh(hardened, pair["refresh"]).status == 401
    assert me(hardened, pair["access"]).status == 401


def test_eight_at_once_give_one_successor(hardened: Shop) -> None:
    token = hardened.expendable(4)["refresh"]
    answers: list[int] = []
    gate = threading.Barrier(8)

    def race() -> None:
        gate.wait()
        answers.append(refresh(hardened, token).status)

    racers = [threading.Thread(target=race) for _ in range(8)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert Counter(answers) == {200: 1, 401: 7}


def test_refresh_of_a_deleted_customer(hardened: Shop) -> None:
    customer = hardened.expendable(5)
    pair, gone = login(hardened, customer["username"]).body, customer["id"]
    query = "WITH s AS (DELETE FROM shop_session WHERE customer_id = %s) DELETE FROM shop_customer WHERE id = %s"
    hardened.execute(query, gone, gone)
    assert refresh(hardened, pair["refresh"]).status == 401
    assert me(hardened, pair["access"]).status == 401


def test_logout_ends_the_access_token(hardened: Shop) -> None:
    customer = hardened.expendable(6)
    other = login(hardened, customer["username"]).body
    body = {"refresh": customer["refresh"]}
    assert call(hardened.port, "POST", "/api/auth/logout/", body=body, headers=bearer(customer["access"])).status == 204
    assert me(hardened, customer["access"]).status == 401
    assert me(hardened, other["access"]).status == 200, "another session of the same customer goes on"


def test_a_new_password_ends_every_session(hardened: Shop) -> None:
    customer = hardened.expendable(7)
    pair = login(hardened, customer["username"]).body
    headers = bearer(pair["access"])
    asked = {"password": "a-new-passphrase"}
    assert call(hardened.port, "PATCH", "/api/me/", body=asked, headers=headers).status == 400
    asked["current_password"] = hardened.world["password"]
    assert call(hardened.port, "PATCH", "/api/me/", body=asked, headers=headers).status == 200
    assert me(hardened, pair["access"]).status == 401
    assert me(hardened, customer["access"]).status == 401
    assert refresh(hardened, pair["refresh"]).status == 401
    assert login(hardened, customer["username"], "a-new-passphrase").status == 200


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_new_password_is_kept_as_a_costly_hash_with_a_salt_of_its_own(
    shop_services: ShopServices, variant: str
) -> None:
    """By the table that the lab's witness reads."""
    shop = shop_services.shop(variant)
    two = [shop.expendable(number) for number in (13, 14)]
    body = {"password": "the-same-for-both", "current_password": shop.world["password"]}
    for customer in two:
        assert call(shop.port, "PATCH", "/api/me/", body=body, headers=bearer(customer["access"])).status == 200
    rows = shop.rows("SELECT id, password FROM shop_customer WHERE id = ANY(%s)", [each["id"] for each in two])
    kept = [described(*row) for row in rows]
    assert [is_costly(each) for each in kept] == [True, True]
    assert len({each.salt for each in kept} - {""}) == 2


def test_a_sent_role_makes_no_admin(hardened: Shop) -> None:
    customer = hardened.expendable(8)
    body = {"role": "admin", "id": 1, "username": "root", "is_active": False}
    call(hardened.port, "PATCH", "/api/me/", body=body, headers=bearer(customer["access"]))
    rows = hardened.rows("SELECT username, role, is_active FROM shop_customer WHERE id = %s", customer["id"])
    assert rows == [(customer["username"], "customer", True)]


def test_anothers_order_does_not_exist(hardened: Shop) -> None:
    cast = hardened.world["cast"]
    path = f"/api/orders/{cast['other']['order']}/"
    assert hardened.get(path, headers=bearer(cast["other"]["access"])).status == 200
    assert hardened.get(path, headers=bearer(cast["customer"]["access"])).status == 404


def test_thirty_guesses_at_once(hardened: Shop) -> None:
    customer = hardened.expendable(9)
    answers: list[Answer] = []
    gate = threading.Barrier(30)

    def guess(number: int) -> None:
        gate.wait()
        answers.append(login(hardened, customer["username"], f"wrong-{number}"))

    guessers = [threading.Thread(target=guess, args=(number,)) for number in range(30)]
    for guesser in guessers:
        guesser.start()
    for guesser in guessers:
        guesser.join()
    assert Counter(answer.status for answer in answers) == {401: 5, 429: 25}
    late = next(answer for answer in answers if answer.status == 429)
    assert 0 < int(late.headers["retry-after"]) <= 60
    assert login(hardened, customer["username"]).status == 429, "the right password too: it can't be told from a guess"
    assert login(hardened, hardened.expendable(10)["username"]).status == 200, "others are not locked out"


def test_an_unknown_name_is_answered_like_a_wrong_password(hardened: Shop) -> None:
    known, unknown = login(hardened, hardened.expendable(11)["username"], "wrong"), login(hardened, "nobody-here")
    assert (known.status, json.dumps(known.body)) == (unknown.status, json.dumps(unknown.body))
    assert [login(hardened, "nobody-here").status for _ in range(5)] == [401] * 4 + [429]


def test_a_login_clears_the_count(hardened: Shop) -> None:
    name = hardened.expendable(12)["username"]
    assert [login(hardened, name, "wrong").status for _ in range(4)] == [401] * 4
    assert login(hardened, name).status == 200
    assert [login(hardened, name, "wrong").status for _ in range(4)] == [401] * 4


def test_a_tier_keeps_what_is_sold_of_it(hardened: Shop) -> None:
    tier = hardened.hot_tier(2)
    path, headers = f"/api/admin/tiers/{tier}/", bearer(hardened.world["cast"]["admin"]["access"])
    hardened.execute("UPDATE shop_tickettier SET sold = 3 WHERE id = %s", tier)
    assert call(hardened.port, "PATCH", path, body={"capacity": 2}, headers=headers).status == 409
    call(hardened.port, "PATCH", path, body={"sold": 0, "name": "Stalls"}, headers=headers)
    assert hardened.rows("SELECT name, sold, capacity FROM shop_tickettier WHERE id = %s", tier) == [("Stalls", 3, 10)]
    hardened.execute("UPDATE shop_tickettier SET sold = 0 WHERE id = %s", tier)
