"""Sends cases one after the other and records each whole exchange.

Each call has a connection of its own and one deadline; no proxy of the environment is used, no redirect followed, and
nothing is sent again automatically. The record has no token and no password in it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from chaos.errors import LabBroken
from chaos.model.disguise import request_id
from chaos.model.dress import Clients, Lines, of_body
from chaos.model.exchange import MOST_BODY_BYTES, PLACE, Case, Exchange
from chaos.model.secrets import HIDDEN, scrubbed

DEADLINE_S = 30.0
"""Of a call: far longer than a shop takes on a busy machine, short enough that a hanging call does not stop the run."""
MOST_READ_BYTES = 64 * MOST_BODY_BYTES
_TIMES = {"timeout": httpx.Timeout(DEADLINE_S).as_dict()}
_UNRECORDED = ("authorization", "content-length")
_TOKENS = ("access", "refresh", "stale")
_SHORTEST_SECRET = 8
_URL = "".join(chr(code) for code in range(33, 127))


class World(msgspec.Struct):
    """What a player needs of the world file, tokens included."""

    cast: dict[str, dict[str, Any]]
    customers: list[dict[str, Any]] = []
    guests: list[dict[str, Any]] = []
    password: str = ""
    bad_tokens: dict[str, Any] = {}
    bad_refreshes: dict[str, Any] = {}

    @classmethod
    def read(cls, path: Path) -> World:
        """Raises: LabBroken."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.DecodeError) as error:
            raise LabBroken(f"world.json: got {error}, expected the cast's tokens") from None

    def secrets(self) -> Iterator[str]:
        """The tokens and passwords that must not be in the evidence."""
        people = [*self.cast.values(), *self.customers, *self.guests]
        found = [person.get(name) for person in people for name in _TOKENS]
        found += [self.password, *self.bad_tokens.values(), *self.bad_refreshes.values()]
        yield from (each for each in found if isinstance(each, str) and len(each) >= _SHORTEST_SECRET)

    def people(self) -> dict[str, dict[str, Any]]:
        """The cast without its tokens."""
        return {
            name: {key: value for key, value in person.items() if key not in _TOKENS}
            for name, person in self.cast.items()
        }


class Player:
    """Sends the cases of one run.

    Args:
        now_unix_s: The run's clock.
        seed: Picks the clients that the requests imitate.
        salt: Makes X-Request-Id from an exchange's id.
    """

    def __init__(
        self, base_url: str, world: World, *, now_unix_s: Callable[[], float], t0_unix_s: float, salt: str, seed: int
    ) -> None:
        self._tokens = {name: str(person.get("access", "")) for name, person in world.cast.items()}
        self._secrets = sorted(set(world.secrets()), key=len, reverse=True)
        self._now_unix_s, self._t0_unix_s, self._salt = now_unix_s, t0_unix_s, salt
        self._url = httpx.URL(base_url)
        self._clients = Clients(seed, self._url.netloc.decode())
        # `<<world.username>>` and `<<world.password>>` let a case log in without a secret in its text.
        username = world.cast.get("support", {}).get("username", "")
        self._answers: dict[str, Any] = {"world": {"username": username, "password": world.password}}
        self._client = httpx.Client(
            trust_env=False,
            follow_redirects=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    def close(self) -> None:
        """Idempotent."""
        self._client.close()

    def hidden(self, text: str) -> str:
        """*text* without the lab's own secrets, and without any other text that looks like a secret."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return scrubbed(text)

    def send(self, case: Case, *, id_: str, rows: int | None) -> Exchange:
        """Send *case* once. A bad answer or a bad case never raises; it is an exchange with an error."""
        asked = self._asked(case, id_, rows)
        if isinstance(asked, Exchange):
            return asked
        request, known = asked
        sent_s = self._at_s()
        answer = _Answer()
        give_up = time.monotonic() + DEADLINE_S
        try:
            response = self._client.send(request, stream=True)
            try:
                answer.status = response.status_code
                answer.headers = {name.lower(): ", ".join(response.headers.get_list(name)) for name in response.headers}
                for chunk in response.iter_raw():
                    answer.take(chunk)
                    if time.monotonic() > give_up or answer.size > MOST_READ_BYTES:
                        answer.error = "Deadline" if time.monotonic() > give_up else "TooLong"
                        break
            finally:
                response.close()
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, ValueError, OSError) as error:
            answer.error = type(error).__name__
        if answer.error:
            answer.status = 0
        ended_s = self._at_s()
        whole = bytes(answer.body)
        self._remember(case.id, whole)
        return self._exchange(case, id_, rows, known, answer, whole, sent_s, ended_s)

    def _at_s(self) -> float:
        return round(self._now_unix_s() - self._t0_unix_s, 6)

    def _asked(self, case: Case, id_: str, rows: int | None) -> tuple[httpx.Request, dict[str, Any]] | Exchange:
        """The request and its record so far; or the exchange of a request that could not be built."""
        intended_s = self._at_s()
        known: dict[str, Any] = {"request_id": request_id(self._salt, id_), "intended": intended_s}
        try:
            path, body = self._filled(case.path), None if case.body is None else self._filled(case.body)
            given = {name: self._filled(value) for name, value in case.headers.items()}
            known |= {"path": self.hidden(path), "request_body": None if body is None else self.hidden(body)}
            if (token := self._tokens.get(case.identity, "")) and "Authorization" not in given:
                given = {"Authorization": f"Bearer {token}"} | given
            content = None if body is None else body.encode("utf-8", "surrogatepass")
            own = _own(case.method, given, content)
            headers = {"x-request-id": known["request_id"]} | {name.lower(): self.hidden(value) for name, value in own}
            known["request_headers"] = {name: headers[name] for name in headers if name not in _UNRECORDED}
            lines = self._clients.of(id_).worn(own, known["request_id"])
            url = self._url.copy_with(raw_path=quote(path, safe=_URL).encode())
            request = httpx.Request(case.method, url, headers=lines, content=content, extensions=_TIMES)
        except (LookupError, ValueError, TypeError, httpx.InvalidURL) as error:
            known = {"path": self.hidden(case.path), **known}
            why = str(error).strip("'\"") if isinstance(error, LookupError) else type(error).__name__
            return Exchange(**_named(case, id_, rows), **known, error=f"unsent: {why}")
        return request, known

    def _filled(self, text: str) -> str:
        """*text* with its places filled from earlier answers. Raises: LookupError."""

        def value(found: re.Match[str]) -> str:
            answer = self._answers.get(found["case"])
            if not isinstance(answer, dict) or found["field"] not in answer:
                raise LookupError(f"{found['case']} answered no {found['field']}")
            return str(answer[found["field"]])

        return PLACE.sub(value, text)

    def _remember(self, case: str, body: bytes) -> None:
        try:
            self._answers[case] = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._answers.pop(case, None)

    def _exchange(
        self, case: Case, id_: str, rows: int | None, known: Mapping[str, Any], answer: _Answer, whole: bytes,
        sent_s: float, ended_s: float,
    ) -> Exchange:  # fmt: skip
        try:
            text, is_text = whole.decode(), True
        except UnicodeDecodeError as error:
            # The cut may have split the last character; the body is still text.
            is_text = answer.size > len(whole) and error.start >= len(whole) - 3
            text = whole.decode(errors="replace")
        return Exchange(
            **_named(case, id_, rows),
            **known,
            status=answer.status,
            headers={name: self.hidden(value) for name, value in answer.headers.items()},
            body=self.hidden(text),
            body_bytes=answer.size,
            text=is_text,
            cut=answer.size > len(whole),
            error=answer.error,
            sent=sent_s,
            ended=ended_s,
        )


class _Answer:
    """The part of an answer that has come so far."""

    def __init__(self) -> None:
        self.status, self.headers, self.error = 0, dict[str, str](), ""
        self.body, self.size = bytearray(), 0

    def take(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self.body += chunk[: MOST_BODY_BYTES - len(self.body)]


def _own(method: str, given: Mapping[str, str], content: bytes | None) -> Lines:
    """A request's own lines, in the load's order; one that the case gives replaces the usual one."""
    names = {name.lower() for name in given}
    usual = of_body(method, len(content or b""))
    return [*(line for line in usual if line[0].lower() not in names), *given.items()]


def _named(case: Case, id_: str, rows: int | None) -> dict[str, Any]:
    names = ("section", "operation", "identity", "method")
    return {"id": id_, "case": case.id, "rows": rows, **{name: getattr(case, name) for name in names}}


def written(lines: Iterable[msgspec.Struct], hidden: Callable[[str], str]) -> bytes:
    """*lines* as JSON lines, without secrets."""
    encode = msgspec.json.Encoder().encode
    return b"".join(hidden(encode(line).decode()).encode() + b"\n" for line in lines)
