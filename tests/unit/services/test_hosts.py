"""Who may be asked by which name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from services.hosts import LOOPBACK, OnlyOurs, is_known, known


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:18000", "localhost", "LocalHost:80", "[::1]", "[::1]:18000", "worker:18014"]
)
def test_names_of_the_lab(host: str) -> None:
    assert is_known(host, known({"FIREDRILL_HOSTNAMES": "api,Worker"}))


@pytest.mark.parametrize(
    "host",
    [
        None, "", ":80", "evil.example", "evil.example:18000", "localhost.evil.example", "127.0.0.1.evil.example",
        "evil.example/127.0.0.1", "127.0.0.1@evil.example", "evil@127.0.0.1", "127.0.0.1:port",
        "127.0.0.1, evil.example", "[::1", "localhost#", "localhost?", " localhost", "worker",
    ],
)  # fmt: skip
def test_names_of_others(host: str | None) -> None:
    assert not is_known(host, known({}))


def test_the_application_never_sees_a_foreign_request() -> None:
    seen: list[str] = []

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        seen.append(environ["HTTP_HOST"])
        return []

    answered: list[str] = []
    door = OnlyOurs(app, LOOPBACK)
    body = door({"HTTP_HOST": "evil.example:1"}, lambda status, headers: answered.append(status))
    assert (seen, answered, b"foreign_host" in b"".join(body)) == ([], ["400 Bad Request"], True)
    door({"HTTP_HOST": "127.0.0.1:1"}, lambda status, headers: answered.append(status))
    assert seen == ["127.0.0.1:1"]
