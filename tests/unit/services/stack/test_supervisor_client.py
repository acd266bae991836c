"""What a call to supervisord says when it can't be answered."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from xmlrpc.client import Fault
from xmlrpc.server import SimpleXMLRPCServer

import pytest
from supervisor.xmlrpc import Faults

from services.stack.supervisor_client import Supervisor, Unreachable


@pytest.fixture
def answering() -> Iterator[int]:
    """The port of a server that knows no method of the lab's; the answers are supervisord's."""
    server = SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False)

    def answer(method: str, _: object) -> object:
        code = Faults.UNKNOWN_METHOD if method.startswith("firedrill.") else Faults.NOT_RUNNING
        raise Fault(code, method)

    server._dispatch = answer  # type: ignore[method-assign,assignment]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_supervisord_of_other_code_is_named_with_what_helps(answering: int) -> None:
    with pytest.raises(
        Unreachable, match=r"without firedrill\.strays, started from other code.*make down, then make up"
    ):
        Supervisor(port=answering, password="p").strays()


def test_other_refusals_stay_what_they_are(answering: int) -> None:
    with pytest.raises(Fault, match="getPID"):
        Supervisor(port=answering, password="p").pid()
