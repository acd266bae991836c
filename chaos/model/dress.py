"""The headers by which a client can be recognized, and their order. Pure.

None of them shows that the lab sends the request. The seed picks the clients of a run: LOOKS clients of two kinds make
the load, and one of a third kind is the guest, which sends the same requests (see `loadtests.guest`). If code treats
some kind of client better than others, then with some seeds it treats load and guest differently, and the check
`same_answer_for_everybody` compares their answers.

Whatever else the lab sends (exchanges, forced interleavings, the last look) is sent by these same clients, so that code
can't tell a request that is judged closely from one of a crowd.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

LOOKS: Final = 6


Lines = Sequence[tuple[str, str]]
"""Names and values of header lines, in the order of sending."""


class Dress(NamedTuple):
    """A client's header lines before and after those of the request itself; each ends with a line break."""

    before: bytes
    after: bytes

    def on(self, head: bytes) -> bytes:
        """*head* (request line, its own header lines, the beginning of the last one) with this client's lines."""
        line, _, own = head.partition(b"\r\n")
        return b"%b\r\n%b%b" % (line, self.before, own) if not self.after else self._around(line, own)

    def worn(self, own: Lines, request_id: str) -> list[tuple[str, str]]:
        """All lines of a request with its *own* ones, as `on` has them; a line of its own replaces the client's."""
        given = {name.lower() for name, _ in own}

        def kept(lines: bytes) -> Iterator[tuple[str, str]]:
            for line in lines.decode("latin-1").splitlines():
                name, _, value = line.partition(": ")
                if name.lower() not in given:
                    yield name, value

        last = [] if "x-request-id" in given else [("X-Request-Id", request_id)]
        return [*kept(self.before), *own, *kept(self.after), *last]

    def _around(self, line: bytes, own: bytes) -> bytes:
        lines, separator, last = own.rpartition(b"\r\n")
        return b"%b\r\n%b%b%b%b%b" % (line, self.before, lines, separator, self.after, last)


_LANGUAGES: Final = (
    "en-GB,en;q=0.9",
    "de-DE,de;q=0.9,en;q=0.7",
    "fr-FR,fr;q=0.8",
    "pl-PL,pl;q=0.9,en-US;q=0.6",
    "pt-PT",
)
_ACCEPTS: Final = ("application/json, text/plain, */*", "*/*", "application/json")


def _browser(dice: random.Random) -> dict[str, str]:
    major = dice.randint(115, 141)
    system = dice.choice(
        (
            "Windows NT 10.0; Win64; x64",
            "Macintosh; Intel Mac OS X 10_15_7",
            "X11; Linux x86_64",
            "Linux; Android 14; K",
        )
    )
    agent = dice.choice(
        (
            f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36",
            f"Mozilla/5.0 ({system}; rv:{major}.0) Gecko/20100101 Firefox/{major}.0",
        )
    )
    return {
        "User-Agent": agent,
        "Accept": _ACCEPTS[dice.randrange(2)],
        "Accept-Language": dice.choice(_LANGUAGES),
        "Connection": "keep-alive",
        "Sec-Fetch-Mode": "cors",
    }


def _app(dice: random.Random) -> dict[str, str]:
    version = f"{dice.randint(3, 9)}.{dice.randint(0, 20)}.{dice.randint(0, 9)}"
    agent = dice.choice(
        (
            f"BoxOffice/{version} (iPhone; iOS {dice.randint(16, 18)}.{dice.randint(0, 6)}; Scale/3.00)",
            f"okhttp/4.{dice.randint(9, 12)}.{dice.randint(0, 3)}",
            f"Dart/3.{dice.randint(0, 5)} (dart:io)",
            f"BoxOffice/{version} CFNetwork/1498.700.2 Darwin/23.{dice.randint(0, 6)}.0",
        )
    )
    return {"user-agent": agent, "accept": dice.choice(_ACCEPTS), "accept-language": dice.choice(_LANGUAGES)}


def _program(dice: random.Random) -> dict[str, str]:
    agent = dice.choice(
        (
            f"axios/1.{dice.randint(4, 9)}.{dice.randint(0, 8)}",
            f"python-requests/2.{dice.randint(28, 32)}.{dice.randint(0, 3)}",
            "Go-http-client/1.1",
            f"PostmanRuntime/7.{dice.randint(32, 43)}.{dice.randint(0, 3)}",
            f"Java/{dice.randint(11, 21)}.0.{dice.randint(1, 9)}",
        )
    )
    return {"Accept": dice.choice(_ACCEPTS), "User-Agent": agent, "Connection": "keep-alive"}


_KINDS: Final = (_browser, _app, _program)


def _dress(host: str, lines: Mapping[str, str], dice: random.Random) -> Dress:
    named = list(lines.items())
    if dice.random() < 0.5:
        dice.shuffle(named)
    cut = dice.randint(0, len(named))
    texts = [f"{name}: {value}\r\n".encode("latin-1") for name, value in named]
    name = "Host" if any(name[0].isupper() for name in lines) else "host"
    return Dress(f"{name}: {host}\r\n".encode("latin-1") + b"".join(texts[:cut]), b"".join(texts[cut:]))


def wardrobe(seed: int, host: str) -> tuple[Sequence[Dress], Dress]:
    """The clients that make the load of the run with *seed*, and the guest, which is of another kind."""
    dice = random.Random(f"dress:{seed}")  # noqa: S311 -- looks, no secrets
    kinds = list(_KINDS)
    dice.shuffle(kinds)
    *load, guest = kinds
    return [_dress(host, load[n % 2](dice), dice) for n in range(LOOKS)], _dress(host, guest(dice), dice)


def of_body(method: str, length: int) -> Lines:
    """The lines that describe a body of *length* bytes, which come before all other ones of the request."""
    if not length and method not in ("POST", "PUT", "PATCH"):
        return ()
    return ("Content-Type", "application/json"), ("Content-Length", str(length))


class Asker(NamedTuple):
    """The run for which something is asked.

    Attributes:
        salt: Of the run's request ids.
    """

    seed: int
    salt: str


class Clients:
    """The clients of the run with *seed*, for what is not sent by the load driver."""

    def __init__(self, seed: int, host: str) -> None:
        self._seed = seed
        self._load, guest = wardrobe(seed, host)
        self._all = [*self._load, guest]

    def of(self, id_: str, customer: int | None = None) -> Dress:
        """Who sends the request *id_*: the client that *customer* has in the load, too; for nobody, any of all."""
        if customer is not None:
            return self._load[customer % LOOKS]
        return random.Random(f"client:{self._seed}:{id_}").choice(self._all)  # noqa: S311 -- looks, no secrets
