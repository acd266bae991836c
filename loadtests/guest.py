"""The guest: a client that is independent of the load's client and sends the same requests at random moments.

It plays a share of the run's own arrivals, so it adds no load, and is counted, judged and explained like the load. It
differs from the load in its HTTP code (the standard library's), its connections (one for each account, opened when
needed), the headers of its requests, and its accounts. Whether an arrival is the guest's is drawn from the seed and the
arrival's number only, so that the API can't influence it: the check `same_answer_for_everybody` relies on that.
"""

from __future__ import annotations

import http.client
import socket

import msgspec
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError

from chaos.model.loadplan import LoadPlan
from chaos.model.operations import named
from loadtests.draws import Draws, Stream
from loadtests.journey import Call
from loadtests.wire import Answer
from loadtests.world import World

OPS = named(lambda operation: operation.for_guests)
"""Operations that need no account of the load, so that the guest can play them. Journeys about tokens need theirs."""
MOST_PER_S = 3.0
LARGEST_SHARE, SMALLEST_SHARE = 0.25, 0.06


def share(plan: LoadPlan) -> float:
    """The guest's share of the arrivals: about MOST_PER_S at the highest rate, within the limits of the share."""
    peak = max(max(phase.rate_from_per_s, phase.rate_to_per_s) for phase in plan.phases)
    return min(LARGEST_SHARE, max(SMALLEST_SHARE, MOST_PER_S / peak if peak > 0 else LARGEST_SHARE))


def is_guests(seed: int, index: int, share_: float) -> bool:
    """Whether arrival *index* is played by the guest."""
    return Draws(seed, index, Stream.GUEST).unit() < share_


def world_of(world: World) -> World | None:
    """The world with the guest's accounts instead of the load's; None when it has no guests."""
    return msgspec.structs.replace(world, customers=world.guests) if world.guests else None


class GuestTransport:
    """Sends one request and reads its answer, with the standard library. No retry, no redirect."""

    def __init__(self, host: str, port: int) -> None:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4]
        self._address = (str(found[0]), int(found[1]))
        self._idle: dict[int | None, socket.socket] = {}

    def send_once(self, call: Call, head: bytes) -> Answer:
        """Send *call* and read the answer. Raises: OSError, HTTPParseError when there is no answer."""
        connection = self._take(call.customer)
        try:
            connection.sendall(head)
            if call.body:
                connection.sendall(call.body)
            response = http.client.HTTPResponse(connection, method=call.method)
            response.begin()
        except http.client.RemoteDisconnected as error:
            connection.close()
            raise HTTPConnectionClosed(str(error)) from None
        except http.client.HTTPException as error:
            connection.close()
            raise HTTPParseError(str(error)) from None
        except BaseException:
            connection.close()
            raise
        return Answer(response.status, self._body(response, connection, call), response.headers)

    def _body(self, response: http.client.HTTPResponse, connection: socket.socket, call: Call) -> bytes | None:
        try:
            body = response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return None
        except BaseException:
            connection.close()
            raise
        if response.will_close or call.customer in self._idle:
            connection.close()
        else:
            self._idle[call.customer] = connection
        return body

    def _take(self, customer: int | None) -> socket.socket:
        """The account's connection, or a new one when that is in use or closed by the server."""
        kept = self._idle.pop(customer, None)
        if kept is not None:
            try:
                kept.setblocking(False)
                kept.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                kept.setblocking(True)
                return kept
            except OSError:
                pass
            kept.close()
        connection = socket.create_connection(self._address)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def close(self) -> None:
        """Close all idle connections."""
        for connection in self._idle.values():
            connection.close()
        self._idle.clear()
