"""The lab's Prometheus sends what it scrapes to another one: real servers, the lab's own configuration."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter, start_http_server

from services.stack.config import RemoteWrite, load
from services.stack.layout import Ports
from services.stack.programs import prometheus_configuration
from services.stack.provision import prometheus
from tests.contract.test_scorecard_process import eventually
from tests.unit.dashboard.samples import answers, free_port, required

pytestmark = [pytest.mark.stack, pytest.mark.extended]


class Servers:
    """Prometheus servers of a test."""

    def __init__(self, command: tuple[str, ...], folder: Path) -> None:
        self._command, self._folder = command, folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, configuration: str, *options: str) -> str:
        """URL of a fresh server that is ready."""
        port = free_port()
        folder = self._folder / str(port)
        folder.mkdir()
        (folder / "prometheus.yml").write_text(configuration)
        command = [
            *self._command,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
        ]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn", *options]
        self.processes.append(subprocess.Popen(command))
        url = f"http://127.0.0.1:{port}"
        eventually(lambda: answers(f"{url}/-/ready"))
        return url


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    found = prometheus.find(load())
    if not found.is_there and not required("prometheus"):
        pytest.skip(found.missing)
    assert found.is_there, found.missing
    servers = Servers(found.command, tmp_path)
    yield servers
    for process in servers.processes:
        process.kill()  # asked to end, it would first try for a minute to send what is left
        process.wait()


@pytest.fixture
def ports() -> Ports:
    """A lab of which only the gateway serves metrics."""
    ports = Ports(free_port() - 4)
    registry = CollectorRegistry()
    Counter("gateway_charges", "Charges", registry=registry).inc(41)
    start_http_server(ports["gateway"], "127.0.0.1", registry)
    return ports


def test_what_the_lab_scrapes_arrives_with_the_lab_s_name(servers: Servers, ports: Ports) -> None:
    there = servers.start("{}", "--web.enable-remote-write-receiver")
    servers.start(prometheus_configuration(ports, remote_write=RemoteWrite(url=f"{there}/api/v1/write")))

    def arrived() -> list[dict[str, dict[str, str]]]:
        query = {"query": "gateway_charges_total"}
        result = httpx.get(f"{there}/api/v1/query", params=query, trust_env=False).json()["data"]["result"]
        return [series for series in result if series["value"][1] == "41"]

    eventually(lambda: bool(arrived()))
    labels = arrived()[0]["metric"]
    assert labels["job"] == "gateway"
    assert labels["lab"].endswith(f":{ports.base}")


def test_the_token_is_shown_to_the_receiver_and_is_not_in_the_configuration(
    servers: Servers, ports: Ports, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("a-secret-token")
    shown: list[str | None] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            shown.append(self.headers["Authorization"])
            self.send_response(204)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        target = RemoteWrite(url=f"http://127.0.0.1:{receiver.server_port}/write", token_file=token)
        configuration = prometheus_configuration(ports, remote_write=target)
        assert "a-secret-token" not in configuration
        servers.start(configuration)
        eventually(lambda: bool(shown))
        receiver.shutdown()
    assert set(shown) == {"Bearer a-secret-token"}


def test_nothing_is_sent_unless_somebody_asks_for_it(ports: Ports) -> None:
    configuration = json.loads(prometheus_configuration(ports))
    assert "remote_write" not in configuration
    assert "external_labels" not in configuration["global"]
