"""The driver's live series: who may read them."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys

import pytest

# In a process of its own: gevent's server runs in the loop of the process that made it.
SERVE = """
import sys, gevent
from loadtests.metrics import serve
from prometheus_client.registry import Collector
class Nothing(Collector):
    def collect(self):
        return []
server = serve(0, Nothing(), hostnames=["127.0.0.1", "localhost", "[::1]", "agent"])
print(server.server_port, flush=True)
gevent.get_hub().join()
"""


@pytest.fixture(scope="module")
def port():
    process = subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:{port}", 200), ("localhost", 200), ("[::1]", 200), ("[::1]:80", 200), ("agent:18015", 200),
        ("evil.example", 400), ("evil.example:{port}", 400), ("127.0.0.1.evil.example", 400), ("", 400), (":80", 400),
    ],
)  # fmt: skip
def test_a_foreign_host_is_refused(port: int, host: str, status: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("GET", "/metrics", skip_host=True)
    connection.putheader("Host", host.format(port=port))
    connection.endheaders()
    assert connection.getresponse().status == status
