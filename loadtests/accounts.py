"""What the journeys about accounts share: requests with a token, and the readers of their answers."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from chaos.model.accounts import FORBIDDEN, NOT_FOUND, UNAUTHENTICATED, VALID
from chaos.model.history import Outcome, fingerprint
from loadtests.journey import BAD_BODY, Arrival, Call, Http, Reading, decoded, unless_ok

ME = "/api/me/"

Read = Callable[[int, bytes], Reading]


class Pair(msgspec.Struct):
    """The tokens in the answer to a login or a refresh; `refresh` is empty when refresh tokens don't rotate."""

    access: str
    refresh: str = ""


class _Account(msgspec.Struct):
    id: int


_PAIR, _ACCOUNT = msgspec.json.Decoder(Pair), msgspec.json.Decoder(_Account)


def refusing(*statuses: int) -> Callable[[Read], Read]:
    """Make a reader count answers with one of *statuses* as documented refusals, not as failures."""

    def wrap(read: Read) -> Read:
        def reading(status: int, body: bytes) -> Reading:
            found = read(status, body)
            return msgspec.structs.replace(found, refused=True) if status in statuses else found

        return reading

    return wrap


def read_done(status: int, body: bytes) -> Reading:
    """Any 2xx is ok."""
    return Reading(Outcome.OK) if 200 <= status < 300 else unless_ok(status, body)


def read_account(status: int, body: bytes) -> Reading:
    """An account; `shown` is the id of its customer."""
    if not 200 <= status < 300:
        return unless_ok(status, body)
    account = decoded(_ACCOUNT, body)
    return BAD_BODY if account is None else Reading(Outcome.OK, shown=account.id)


class PairReader:
    """Reads a pair of tokens and keeps it for the journey; the history gets only a fingerprint."""

    def __init__(self) -> None:
        self.pair: Pair | None = None

    def __call__(self, status: int, body: bytes) -> Reading:
        if not 200 <= status < 300:
            return unless_ok(status, body)
        pair = decoded(_PAIR, body)
        if pair is None or not pair.access:
            return BAD_BODY
        self.pair = pair
        return Reading(Outcome.OK, issued=fingerprint(pair.refresh) if pair.refresh else "")


class Accounts:
    """Makes calls with an account's tokens. A call without an arrival is a follow-up, which is counted separately."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def get(
        self,
        op: str,
        path: str,
        *,
        access: str,
        customer: int,
        session: str,
        state: str,
        read: Read = read_done,
        arrival: Arrival | None = None,
        expires: float | None = None,
        order: str = "",
    ) -> Reading:
        """GET *path*, as the main operation of *arrival* or a follow-up. Unless *state* is VALID, it may be refused."""
        expected = read if state == VALID else refusing(UNAUTHENTICATED, FORBIDDEN, NOT_FOUND)(read)
        call = Call(
            op=op,
            method="GET",
            head=self._http.head("GET", path, headers={"Authorization": f"Bearer {access}"}),
            read=expected,
            intended=self._http.now_s() if arrival is None else arrival.intended,
            phase=-1 if arrival is None else arrival.phase,
            main=arrival is not None,
            customer=customer,
            token=session,
            state=state,
            expires=expires,
            order=order,
        )
        return self._http.exchange(call)

    def send(
        self,
        op: str,
        method: str,
        path: str,
        body: object,
        *,
        customer: int | None,
        session: str,
        state: str,
        read: Read,
        access: str = "",
        arrival: Arrival | None = None,
        key: str = "",
    ) -> Call:
        """A call with a body, which the journey has to send."""
        sent = msgspec.json.encode(body)
        headers = {"Authorization": f"Bearer {access}"} if access else {}
        return Call(
            op=op,
            method=method,
            head=self._http.head(method, path, headers=headers, length=len(sent)),
            body=sent,
            read=read,
            intended=self._http.now_s() if arrival is None else arrival.intended,
            phase=-1 if arrival is None else arrival.phase,
            main=arrival is not None,
            customer=customer,
            token=session,
            state=state,
            key=key,
        )

    def refresh(
        self,
        op: str,
        token: str,
        *,
        customer: int,
        session: str,
        state: str,
        read: Read,
        arrival: Arrival | None = None,
    ) -> Call:
        """POST /api/auth/refresh/. Its key is the presented token: a token that is sent twice asks for one renewal."""
        expected = read if state == VALID else refusing(UNAUTHENTICATED)(read)
        return self.send(
            op,
            "POST",
            "/api/auth/refresh/",
            {"refresh": token},
            customer=customer,
            session=session,
            state=state,
            read=expected,
            arrival=arrival,
            key=fingerprint(token),
        )
