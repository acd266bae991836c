"""However odd a request is, hardened answers it: below 500, and what it refuses with problem+json.

Bytes go over raw sockets to the shop as it really runs (granian, PostgreSQL, Redis). The examples of the property are
drawn the same way each time; it takes about 15 s.
"""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.stack.shop_fixtures import Shop, ShopServices, call, copy_of, shop_services

pytestmark = pytest.mark.stack
__all__ = ["shop_services"]

DEEP = b"[" * 100_000
ROUTES = (
    "/api/events/",
    "/api/events/event-0001/",
    "/api/auth/token/",
    "/api/auth/refresh/",
    "/api/auth/logout/",
    "/api/me/",
    "/api/orders/",
    "/api/orders/{order}/",
    "/api/orders/{order}/cancel/",
    "/api/support/orders/",
    "/api/admin/sales/",
    "/api/admin/tiers/{tier}/",
    "/api/schema/",
)
ODD_PATHS = (
    "/api/events/%ff%fe/", "/api/events/%00/", "/api/events/%ud800/", "/api/events/%zz/", "/api/events/a%2fb/",
    "/api/events/" + "a" * 5_000 + "/", "/api/events/%ed%a0%80/", "/api/events", "/api//events/", "/api/../api/events/",
    "/api/orders/not-a-uuid/", "/api/orders/00000000-0000-0000-0000-000000000000/",
    "/api/admin/tiers/" + "9" * 30 + "/", "/api/admin/tiers/" + "9" * 5_000 + "/", "/api/admin/tiers/-1/",
    "/nowhere", "/", "/live", "/ready", "/metrics", "/api/", "/live/", "*", "http://127.0.0.1/api/events/",
)  # fmt: skip
ODD_QUERIES = (
    "", "?page=" + "9" * 30, "?page=" + "9" * 5_000, "?page=999999", "?page=0", "?page=-1", "?page=1e9", "?page=%00",
    "?page=%ff", "?page=%ed%a0%80", "?page=\u00e9", "?page=%D9%A3", "?page=last", "?page", "?&&&==&", "?format=xml",
    "?format=%ff", "?" + "a=1&" * 1_500, "?page=" + "a" * 6_000, "?lang=xx", "?version=9", "?page=1;page=2",
    "?page=" + "0" * 5_000 + "1", "?page_size=\u0663", "?page_size=" + "9" * 5_000,
    "?page_size=100&page=" + "9" * 9, "?page_size=1&x=%ff%00[//", "?page=\u00b2", "?cursor=%22",
    "?format=json&format=xml",
)  # fmt: skip
CONTENT_TYPES = (
    "application/json", "application/json; charset=utf-8", "application/json; charset=utf-16",
    "application/json; charset=rot13", "application/json; charset=hex", "application/json; charset=undefined",
    "application/json; charset=nonsense", "application/json; charset*=nonsense''%41", "application/json; charset=",
    "application/json; charset*=undefined''%41", "application/json; charset=idna", "application/json; charset=zlib",
    "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=", "text/plain",
    "multipart/form-data; boundary=\u00e9", "application/xml", "", ";;;", "/", "application/merge-patch+json",
    "application/json; " + "a=b; " * 500, "application/json; charset=unicode_escape",
    "application/json; x*=undefined''%41",
)  # fmt: skip
ACCEPTS = (
    "application/json", "*/*", "", "text/html", "application/xml", ";;;q=abc", "a/b; q*=undefined''%41",
    "application/json; version=9", "application/json; indent=4", "application/json; indent=999999999999999999999",
    "application/json; indent=abc", "application/json; indent=\u00b2", "a/b; x*=nonsense''%41", ",,,,", "*/json",
    "a/b, " * 1_000, "application/vnd.oai.openapi", "application/problem+json", "\u00ff",
)  # fmt: skip
KEYS = (
    "k", "", "a" * 128, "a" * 129, "\u00e9", "\ud800 as bytes", "a\tb", "%00", "\u00a0", "'; DROP TABLE shop_order; --",
)  # fmt: skip
HOSTS = ("127.0.0.1", "localhost", "evil.example", "", "127.0.0.1:99999", "[::1", "a b", "\u00e9", "127.0.0.1:abc")
MORE_HEADERS = (
    ("X-HTTP-Method-Override", "DELETE"), ("Content-Encoding", "gzip"), ("Cookie", "a=\u00ff; ;=; sessionid=x"),
    ("Range", "bytes=9-1"), ("If-Modified-Since", "nonsense"), ("X-Forwarded-Host", "evil.example"),
    ("X-Request-Id", "\u00e9"), ("X-Request-Id", "a" * 5_000), ("X-Request-Id", "*/ --"),
    ("Accept-Language", "\u00ff;q="),
    ("X-Forwarded-Proto", "\u00ff"), ("Expect", "nothing"), ("Upgrade", "h2c"),
)  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "BREW")

ODD_VALUES = (
    b'"a\\ud800b"', b'"\\udfff"', b'"a\\u0000b"', b"1e400", b"-1e400", b"Infinity", b"NaN", b"9" * 30, b"9" * 5_000,
    b"-1", b"0", b"1.5", b"1e3", b"true", b"null", b"[]", b"{}", b"[[[]]]", b'""', b'"' + b"a" * 10_000 + b'"',
    b'"\xed\xa0\x80"', b'"\xff"', b'"1"', b'" 1 "', '"\u0663"'.encode(), b"[" * 1_500 + b"]" * 1_500,
    b'{"a":' * 1_500 + b"1" + b"}" * 1_500, b'{"a": 1}', b"2147483647", b"2147483648", b"9223372036854775808",
    b'"1e400"',
)  # fmt: skip
FIELDS = (
    "username", "password", "refresh", "tier", "quantity", "reference", "email", "current_password", "capacity",
    "price_cents", "name", "role",
)  # fmt: skip
BODIES = (
    b"", DEEP, b'{"a":' * 50_000, b"{", b"nonsense", b'{"a": 1', b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}",
    b"\x00", b"[]",
    b'"text"', b"1", b"null", b"[1, 2]", b'{"tier": 1, "tier": 2}', b"{'a': 1}", b"[" * 900 + b"]" * 900,
    b'{"\\ud800": 1}', b"a=b&c=d", b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n",
    b" " * 100_000,
    b'"' + b"a" * 200_000 + b'"', b" " * 300_000, b"\x1f\x8b\x08\x00", b'{"quantity": 1e400, "tier": 1e400}',
    b"1e400", b"9" * 5_000,
)  # fmt: skip


@pytest.fixture(scope="module")
def shop(shop_services: ShopServices, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A hardened of this file's own: an odd order may be a good one, and an odd login counts as a guess."""
    root = copy_of("hardened", "odd", tmp_path_factory.mktemp("odd"))
    with shop_services.running(shop_services.make("odd", root=root)) as running:
        yield running


@dataclass(frozen=True)
class Received:
    """What came back: status, the headers in small letters, the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def exchange(port: int, sent: bytes, *, is_head: bool = False, ends: bool = False) -> Received | None:
    """The answer to *sent*; None when the server closed without one. *ends*: say that nothing more will come."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        with suppress(OSError):  # refused before all was read
            connection.sendall(sent)
            if ends:  # granian drops whoever says so while it works on an answer
                connection.shutdown(socket.SHUT_WR)
        received = b""
        with suppress(ConnectionResetError):
            while block := connection.recv(65_536):
                received += block
    head, _, body = received.partition(b"\r\n\r\n")
    if not head:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = body.partition(b"\r\n")[2].rpartition(b"\r\n0\r\n")[0]
    assert is_head or "content-length" not in headers or len(body) == int(headers["content-length"])
    return Received(int(first.split()[1]), headers, body)


def request(method: str, target: str, headers: list[tuple[str, str]], body: bytes, framing: str = "exact") -> bytes:
    """The bytes of a request. Header values are sent as latin-1, characters beyond it as UTF-8."""
    if framing == "chunked":
        headers = [*headers, ("Transfer-Encoding", "chunked")]
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    elif framing != "none":
        length = {"exact": len(body), "short": len(body) // 2, "long": len(body) + 10}[framing]
        headers = [*headers, ("Content-Length", str(length))]
    head = "".join(f"{name}: {value}\r\n" for name, value in (*headers, ("Connection", "close")))
    return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method.encode(), _bytes(target), _bytes(head), body)


def _bytes(text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def deep_token() -> str:
    """A token whose header is JSON that is nested too deep to be read."""
    return base64.urlsafe_b64encode(b"[" * 3_000).decode().rstrip("=") + ".e30.AA"


def check(found: Received | None, *, method: str, whole: bool) -> None:
    """Below 500; a refusal of the shop's is problem+json. *whole*: HTTP itself finds nothing to refuse."""
    if found is None:
        assert not whole, "closed without an answer"
        return
    assert found.status < 500, found
    if found.status >= 400 and (whole or found.body):
        assert found.headers.get("content-type") == "application/problem+json", found
        if method != "HEAD":
            assert json.loads(found.body)["status"] == found.status


def bearer(shop: Shop, name: str) -> str:
    return f"Bearer {shop.world['cast'][name]['access']}"


LOGINS = (*BODIES, *(b'{"username": %b, "password": "x"}' % value for value in ODD_VALUES))


@pytest.mark.parametrize("body", LOGINS, ids=lambda body: repr(body[:40]))
def test_a_body_that_is_no_login_is_refused(shop: Shop, body: bytes) -> None:
    headers = [("Host", "127.0.0.1"), ("Content-Type", "application/json")]
    found = exchange(shop.port, request("POST", "/api/auth/token/", headers, body))
    check(found, method="POST", whole=True)
    assert found is not None
    assert found.status in {400, 401, 413, 429}


@pytest.mark.parametrize("field", ["tier", "quantity", "reference"])
@pytest.mark.parametrize("value", ODD_VALUES, ids=lambda value: repr(value[:40]))
def test_an_order_of_odd_things(shop: Shop, field: str, value: bytes) -> None:
    fields = {"tier": b"%d" % shop.large_tier(), "quantity": b"1", "reference": b'"odd"', field: value}
    body = b"{%b}" % b", ".join(b'"%b": %b' % (name.encode(), said) for name, said in fields.items())
    headers = [
        ("Host", "127.0.0.1"), ("Content-Type", "application/json"), ("Authorization", bearer(shop, "customer")),
        ("Idempotency-Key", f"odd-{field}-{ODD_VALUES.index(value)}"),
    ]  # fmt: skip
    check(exchange(shop.port, request("POST", "/api/orders/", headers, body)), method="POST", whole=True)


@pytest.mark.parametrize("path", ["/live", "/ready", "/metrics"])
@pytest.mark.parametrize("method", ["POST", "DELETE", "BREW"])
def test_what_can_only_be_read_says_so(shop: Shop, path: str, method: str) -> None:
    found = exchange(shop.port, request(method, path, [("Host", "127.0.0.1")], b""))
    assert found is not None
    assert found.status == 405
    assert found.headers["allow"] == "GET, HEAD"
    assert json.loads(found.body)["code"] == "method_not_allowed"
    check(found, method=method, whole=True)


def test_a_token_that_nobody_can_read_lets_nobody_in(shop: Shop) -> None:
    for token in (deep_token(), "a" * 20_000, "\u00e9.\u00e9.\u00e9", "e30.e30.", "...", "a b"):
        headers = [("Host", "127.0.0.1"), ("Authorization", f"Bearer {token}")]
        found = exchange(shop.port, request("GET", "/api/me/", headers, b""))
        assert found is not None
        assert found.status in {400, 401}, token[:40]
        check(found, method="GET", whole=True)
        if token.isascii():
            answer = call(shop.port, "POST", "/api/auth/refresh/", body={"refresh": token})
            assert answer.status in {400, 401}, token[:40]


def test_a_price_that_no_order_could_add_up(shop: Shop) -> None:
    """Four seats at the highest price that is taken still fit into the database's number."""
    tier = shop.large_tier()
    path, admin = f"/api/admin/tiers/{tier}/", {"Authorization": bearer(shop, "admin")}
    before = call(shop.port, "PATCH", path, body={}, headers=admin).body["price_cents"]
    taken = [
        price
        for price in (2_147_483_647, 536_870_912, 536_870_911)
        if call(shop.port, "PATCH", path, body={"price_cents": price}, headers=admin).status == 200
    ]
    try:
        assert shop.order(tier=tier, key="dear", quantity=4).status == 202
    finally:
        call(shop.port, "PATCH", path, body={"price_cents": before}, headers=admin)
    assert taken == [536_870_911]


odd_objects = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(ODD_VALUES), max_size=4).map(
    lambda fields: b"{%b}" % b", ".join(b'"%b": %b' % (name.encode(), value) for name, value in fields.items())
)
SAID_IN = ("Accept", "Authorization", "Content-Type", "Cookie", "Idempotency-Key", "If-Match", "Origin", "X-Request-Id")
any_words = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f#"), max_size=40)
requests = st.fixed_dictionaries({
    "method": st.sampled_from(METHODS),
    "path": st.sampled_from(ROUTES) | st.sampled_from(ODD_PATHS) | any_words.map(lambda words: f"/api/orders/{words}/"),
    "query": st.just("") | st.sampled_from(ODD_QUERIES) | any_words.map(lambda words: f"?page={words}"),
    "who": st.sampled_from(("", "customer", "support", "admin", "deep", "garbage", "stale")),
    "content_type": st.just("application/json") | st.sampled_from(CONTENT_TYPES),
    "accept": st.just("*/*") | st.sampled_from(ACCEPTS),
    "key": st.sampled_from(KEYS),
    "host": st.just("127.0.0.1") | st.sampled_from(HOSTS),
    "more": st.lists(st.sampled_from(MORE_HEADERS) | st.tuples(st.sampled_from(SAID_IN), any_words), max_size=2),
    "body": st.sampled_from(BODIES) | odd_objects | st.binary(max_size=60),
    "framing": st.sampled_from(("exact", "exact", "exact", "chunked", "none", "short", "long")),
})  # fmt: skip
PLAIN: dict[str, Any] = {
    "method": "POST", "path": "/api/auth/token/", "query": "", "who": "", "content_type": "application/json",
    "accept": "*/*", "key": "k", "host": "127.0.0.1", "more": [], "body": b"{}", "framing": "exact",
}  # fmt: skip


def drawn(shop: Shop, odd: Mapping[str, Any]) -> bytes:
    """The bytes of what was drawn."""
    order = shop.world["cast"]["customer"]["order"]
    path = odd["path"].replace("{order}", order).replace("{tier}", str(shop.large_tier()))
    tokens = {"": "", "deep": f"Bearer {deep_token()}", "garbage": "Bearer \u00e9 . ."}
    stale = f"Bearer {shop.world['cast']['customer']['stale']}"
    who = tokens[odd["who"]] if odd["who"] in tokens else stale if odd["who"] == "stale" else bearer(shop, odd["who"])
    headers = [("Host", odd["host"]), ("Content-Type", odd["content_type"]), ("Accept", odd["accept"])]
    headers += [("Idempotency-Key", odd["key"]), *odd["more"], *([("Authorization", who)] if who else [])]
    return request(odd["method"], path + odd["query"], headers, odd["body"], odd["framing"])


@settings(max_examples=400, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(odd=requests)
@example(odd={**PLAIN, "body": DEEP})
@example(odd={**PLAIN, "body": b'{"username": "a\\ud800b", "password": "x"}'})
@example(odd={**PLAIN, "content_type": "application/json; x*=undefined''%41"})
@example(odd={**PLAIN, "accept": "a/b; x*=undefined''%41"})
@example(odd={**PLAIN, "path": "/api/schema/"})
@example(odd={**PLAIN, "method": "GET", "path": "/api/events/?page=1", "content_type": "a/b; charset=rot13"})
@example(odd={**PLAIN, "method": "GET", "path": "/api/events/?page=%00", "content_type": "a/b; charset=idna"})
@example(odd={**PLAIN, "framing": "long"})
@example(odd={**PLAIN, "framing": "chunked"})
def test_no_request_however_odd_is_a_server_error(shop: Shop, odd: dict[str, Any]) -> None:
    sent = drawn(shop, odd)
    found = exchange(shop.port, sent, is_head=odd["method"] == "HEAD", ends=odd["framing"] == "long")
    hostless = odd["host"] not in ("127.0.0.1", "localhost")
    plain = odd["framing"] in ("exact", "chunked") and not hostless and odd["path"].startswith("/api")
    check(found, method=odd["method"], whole=plain and sent.isascii() and len(sent) < 8_000)
