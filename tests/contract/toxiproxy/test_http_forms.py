"""How the API speaks HTTP: status codes, content types, error texts."""

from __future__ import annotations

import re
import socket
import time

import pytest


def test_version_is_json_and_names_the_api(lab):
    answer = lab.server.call("GET", "/version")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json;charset=utf-8"
    assert answer.body.endswith(b"}\n")
    assert answer.json["version"].partition("+")[0] == "2.12.0"


def test_every_server_says_truthfully_which_it_is(lab):
    answer = lab.server.call("GET", "/version")
    is_standin = "firedrill-standin" in answer.json["version"]
    assert is_standin == (lab.server.kind == "standin")
    assert is_standin == ("firedrill" in answer.headers.get("server", ""))


@pytest.mark.parametrize("path", ["/", "/nope", "/proxies/", "/version/", "/proxies/a/b", "/proxies/a/toxics/b/c"])
def test_an_unknown_path_is_plain_text(lab, path):
    answer = lab.server.call("GET", path)
    assert (answer.status, answer.text) == (404, "404 page not found\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/proxies"),
        ("PATCH", "/proxies"),
        ("DELETE", "/proxies"),
        ("GET", "/reset"),
        ("GET", "/populate"),
        ("POST", "/version"),
        ("HEAD", "/version"),
        ("PUT", "/proxies/a"),
        ("PATCH", "/proxies/a/toxics"),
        ("PUT", "/proxies/a/toxics/b"),
    ],
)
def test_a_wrong_method_is_an_empty_405(lab, method, path):
    answer = lab.server.call(method, path)
    assert (answer.status, answer.body) == (405, b"")


def test_browsers_are_refused_on_valid_routes_only(lab):
    browser = {"User-Agent": "Mozilla/5.0"}
    refused = lab.server.call("GET", "/proxies", headers=browser)
    assert (refused.status, refused.text) == (403, "User agent not allowed\n")
    assert lab.server.call("GET", "/nope", headers=browser).status == 404
    assert lab.server.call("PUT", "/proxies", headers=browser).status == 405
    assert lab.server.call("GET", "/proxies", headers={"User-Agent": "not Mozilla/5.0"}).status == 200


def test_errors_are_json_declared_as_text(lab):
    answer = lab.server.call("GET", "/proxies/nope")
    assert answer.status == 404
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.body == b'{"error":"proxy not found","status":404}\n'


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/proxies/nope"),
        ("PATCH", "/proxies/nope"),
        ("POST", "/proxies/nope"),
        ("DELETE", "/proxies/nope"),
        ("GET", "/proxies/nope/toxics"),
        ("POST", "/proxies/nope/toxics"),
        ("GET", "/proxies/nope/toxics/t"),
        ("PATCH", "/proxies/nope/toxics/t"),
        ("DELETE", "/proxies/nope/toxics/t"),
    ],
)
def test_an_unknown_proxy_is_404_everywhere(lab, method, path):
    answer = lab.server.call(method, path, b"not json")
    assert (answer.status, answer.json) == (404, {"error": "proxy not found", "status": 404})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "EOF"),
        (b"  \n", "EOF"),
        (b"{", "unexpected EOF"),
        (b'{"name":"a', "unexpected EOF"),
        (b"nonsense", "invalid character"),
        (b'{"name":1}', "json: cannot unmarshal number"),
        (b'{"name":"a","upstream":"x:1","enabled":"yes"}', "json: cannot unmarshal string"),
        (b"[]", "json: cannot unmarshal array"),
    ],
)
def test_a_body_that_cannot_be_read_is_400(lab, body, reason):
    answer = lab.server.call("POST", "/proxies", body)
    assert answer.status == 400
    assert answer.json["status"] == 400
    assert answer.json["error"].startswith(f"bad request body: {reason}")


def test_a_chunked_body_is_read(lab):
    name = lab.name()
    parts = [f'{{"name":"{name}",'.encode(), b'"upstream":"127.0.0.1:1","enabled":false}']
    chunks = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts) + b"0\r\n\r\n"
    head = b"POST /proxies HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", lab.server.port), 20) as connection:
        connection.sendall(head + chunks)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 201 ")


def test_a_connection_serves_several_requests(lab):
    with socket.create_connection(("127.0.0.1", lab.server.port), 20) as connection:
        for _ in range(3):
            connection.sendall(b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}\n"):
                piece = connection.recv(65536)
                assert piece
                answer += piece
            assert answer.startswith(b"HTTP/1.1 200 ")


def test_whatever_has_a_route_gets_an_id_of_its_own(lab):
    browser = {"User-Agent": "Mozilla/5.0"}
    answers = [
        lab.server.call("GET", "/version"),
        lab.server.call("GET", "/proxies"),
        lab.server.call("GET", "/proxies/nope"),
        lab.server.call("POST", "/proxies", b"{"),
        lab.server.call("GET", "/proxies", headers=browser),
    ]
    ids = [answer.headers["x-toxiproxy-request-id"] for answer in answers]
    assert all(re.fullmatch(r"[0-9a-v]{20}", id_) for id_ in ids), ids
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids), "time comes first, then who counts, then the count"
    assert len({decoded(id_)[4:9] for id_ in ids}) == 1, "one machine and process; the second may have changed"
    for method, path in (("GET", "/nope"), ("PUT", "/proxies")):
        assert "x-toxiproxy-request-id" not in lab.server.call(method, path).headers
    stamp = int.from_bytes(decoded(ids[0])[:4], "big")
    assert abs(stamp - time.time()) < 60


def decoded(id_: str) -> bytes:
    bits = 0
    for character in id_:
        bits = bits << 5 | "0123456789abcdefghijklmnopqrstuv".index(character)
    return (bits >> 4).to_bytes(12, "big")
