"""How the lab's clients look."""

from __future__ import annotations

import re

import pytest

from chaos.model.dress import LOOKS, Dress, wardrobe

HOST = "127.0.0.1:18000"
TELLING = re.compile(r"(?i)lab|load|probe|test|locust|gevent|firedrill|drill|witness|guest")


def agents(dresses: list[Dress]) -> list[str]:
    return re.findall(r"(?im)^user-agent: (.*)\r$", "\n".join((d.before + d.after).decode() for d in dresses))


@pytest.mark.parametrize("seed", range(30))
def test_nothing_says_that_a_lab_is_asking(seed: int) -> None:
    load, guest = wardrobe(seed, HOST)
    assert len(load) == LOOKS
    for dress in [*load, guest]:
        text = (dress.before + dress.after).decode()
        assert not TELLING.search(text), text
        assert re.match(rf"(?i)host: {HOST}\r\n", text)
        assert len(re.findall(r"(?im)^(user-agent|accept): \S", text)) == 2


@pytest.mark.parametrize("seed", range(30))
def test_the_guest_is_of_another_kind_than_the_load(seed: int) -> None:
    def kind(agent: str) -> str:
        return (
            "browser"
            if agent.startswith("Mozilla/")
            else "app"
            if agent.startswith(("Box", "okh", "Dart"))
            else "program"
        )

    load, guest = wardrobe(seed, HOST)
    assert {kind(agent) for agent in agents([guest])}.isdisjoint(kind(agent) for agent in agents([*load]))


def test_the_seed_picks_who_asks() -> None:
    assert wardrobe(7, HOST) == wardrobe(7, HOST)
    looks = [wardrobe(seed, HOST) for seed in range(20)]
    assert len({guest for _, guest in looks}) > 10
    orders = {tuple(line.split(b":")[0].lower() for line in (d.before + d.after).splitlines()) for _, d in looks}
    assert len(orders) > 5, "the order of the headers varies, too"


def test_a_request_is_the_same_in_every_dress() -> None:
    """The request line and its own lines are the same in all; the value of the last line is left open."""
    head = b"POST /api/orders/ HTTP/1.1\r\nContent-Length: 2\r\nAuthorization: Bearer t\r\nX-Request-Id: "
    for seed in range(20):
        for dress in [*wardrobe(seed, HOST)[0], wardrobe(seed, HOST)[1]]:
            line, *lines = dress.on(head).split(b"\r\n")
            assert (line, lines[-1]) == (b"POST /api/orders/ HTTP/1.1", b"X-Request-Id: ")
            assert {b"Content-Length: 2", b"Authorization: Bearer t"} < set(lines)
            assert len(lines) == 3 + len((dress.before + dress.after).splitlines())
    bare = b"GET /live HTTP/1.1\r\nX-Request-Id: "
    for dress in wardrobe(3, HOST)[0]:
        assert b"" not in dress.on(bare).split(b"\r\n")
