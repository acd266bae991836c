"""The table of the access matrix, and every way in which it can be wrong."""

from __future__ import annotations

import pytest

from chaos.config import CHECKOUT
from chaos.model import access

GOOD = """# People read this
| endpoint | method | anonymous | customer | support | admin | bad token |
|---|---|---|---|---|---|---|
| `/api/me/` | GET | 401 | 200 | - | 200 | 401 |
| /api/orders/{foreign_order}/ | GET | 401 | 404 | 403 | 403 409 | 401 |
"""


def test_rows_keep_their_statuses_and_what_is_not_asked_is_absent() -> None:
    first, second = access.parse(GOOD)
    assert (first.line, first.endpoint, first.method) == (4, "/api/me/", "GET")
    assert first.statuses == {"anonymous": (401,), "customer": (200,), "admin": (200,), "bad token": (401,)}
    assert second.template == "/api/orders/{}/"
    assert second.statuses["admin"] == (403, 409)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            ("| admin |", "| boss |"),
            "line 2: got endpoint | method | anonymous | customer | support | boss | bad token",
        ),
        (("| GET | 401 | 200", "| FETCH | 401 | 200"), "line 4: method: got 'FETCH', expected one of GET, POST"),
        (("| 401 | 200 | - ", "| 401 | yes | - "), "line 4: customer: got 'yes', expected statuses such as 200"),
        (("{foreign_order}", "{planet}"), "line 5: endpoint: got the parameter {planet}, expected one of slug, order"),
        (("| 403 | 403 409 | 401 |", "| 403 |"), "line 5: got 5 cells, expected 7"),
        (("/api/orders/{foreign_order}/", "/api/me/"), "line 5: got GET /api/me/ again, expected it once (line 4)"),
        (("`/api/me/`", "me"), "line 4: endpoint: got 'me', expected a path such as /api/orders/{order}/"),
    ],
)
def test_a_bad_table_is_refused(change: tuple[str, str], problem: str) -> None:
    with pytest.raises(access.TableError) as caught:
        access.parse(GOOD.replace(*change, 1))
    assert caught.value.problems[0].startswith(problem)


def test_all_problems_at_once_and_an_empty_table_is_one() -> None:
    with pytest.raises(access.TableError) as caught:
        access.parse(GOOD.replace("GET", "FETCH"))
    assert len(caught.value.problems) == 2
    for text in ("no table at all", "\n".join(GOOD.splitlines()[:3])):
        with pytest.raises(access.TableError, match="expected"):
            access.parse(text)


def test_a_row_for_an_address_that_is_not_served_is_told_with_its_line() -> None:
    found = access.unserved(access.parse(GOOD), ["/api/me/"], where="m.md", variant="naive")
    assert found == ["m.md:5: got the endpoint /api/orders/{foreign_order}/, expected one that naive serves (/api/me/)"]


def test_an_address_without_a_row_is_found() -> None:
    routes = ["/api/me/", "/api/orders/{}/", "/api/debug/"]
    assert access.unlisted(access.parse(GOOD), routes) == ["/api/debug/"]


def test_the_table_that_ships_is_sound() -> None:
    assert len(access.parse((CHECKOUT / access.TABLE).read_text())) > 15
