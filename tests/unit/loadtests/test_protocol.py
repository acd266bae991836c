"""Who may take part in a run, and what an address is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from loadtests import protocol
from loadtests.protocol import Join, own_code, refusal


def join(key: str = "k", **changes: object) -> dict[str, object]:
    code = msgspec.structs.replace(own_code(), **changes)
    document: dict[str, object] = msgspec.to_builtins(Join(host="there", key=key, code=code))
    return document


def test_the_same_code_and_the_key_may_take_part() -> None:
    assert refusal(join(), "k") == ""


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"protocol": 2}, "protocol: got 2, expected 1"),
        ({"sources": "0"}, f"revision: got code 0, expected {own_code().sources}"),
        ({"python": "2.7"}, "python: got 2.7, expected"),
        ({"packages": {}}, "locust: got none, expected"),
    ],
)
def test_another_version_is_refused(changes: dict[str, object], problem: str) -> None:
    assert problem in refusal(join(**changes), "k")


@pytest.mark.parametrize("key", ["", "K", "kk", "\N{SNOWMAN}"])
def test_another_key_is_refused_and_learns_nothing_else(key: str) -> None:
    assert refusal(join(key, sources="0"), "k") == "key: got another one, expected that of the lab's load-key file"


def test_a_stranger_s_words_are_a_sentence() -> None:
    assert refusal({"hello": 1}, "k").startswith("protocol: got")


def test_an_edit_is_another_revision(tmp_path: Path) -> None:
    for folder in ("loadtests/journeys", "chaos/model"):
        (tmp_path / folder).mkdir(parents=True)
    file = tmp_path / "loadtests" / "journeys" / "buy.py"

    def sources(text: str, path: Path = file) -> str:
        path.write_text(text)
        return protocol.digest_of_sources(tmp_path)

    first = sources("a = 1\n")
    assert sources("a = 1\n") == first
    assert sources("a = 2\n") != first
    file.unlink()
    assert sources("a = 1\n", tmp_path / "chaos" / "model" / "buy.py") != first


@pytest.mark.parametrize("text", ["", "host", "host:", ":1", "host:0", "host:65536", "host:x", "host:1²"])
def test_a_bad_address(text: str) -> None:
    with pytest.raises(ValueError, match="expected host:port"):
        protocol.address(text)


def test_an_address() -> None:
    assert protocol.address("127.0.0.1:18019") == ("127.0.0.1", 18019)


def test_keys(tmp_path: Path) -> None:
    file = tmp_path / "key"
    with pytest.raises(ValueError, match="copy it from the lab's host"):
        protocol.read_key(file)
    file.write_text("\n")
    with pytest.raises(ValueError, match="got an empty file"):
        protocol.read_key(file)
    file.write_text("secret\n")
    assert protocol.read_key(file) == "secret"
