"""Other hosts, made of network namespaces: each has its own loopback and a cable to us. Needs root and iproute2."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

FORWARD = Path(__file__).with_name("forward.py")


def why_not() -> str:
    """Why this machine can't have such hosts; empty when it can."""
    if sys.platform != "linux" or shutil.which("ip") is None:
        return "no iproute2: workers in network namespaces are left out"
    if os.geteuid() != 0:
        return "not root: workers in network namespaces are left out"
    tried = subprocess.run(["ip", "netns", "add", f"fdtry{os.getpid()}"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"ip netns: {tried.stderr.strip()}: workers in network namespaces are left out"
    subprocess.run(["ip", "netns", "delete", f"fdtry{os.getpid()}"], check=True)
    return ""


class Host:
    """Number *number* of this test; 198.18.0.0/15 is the range for tests of networks (RFC 2544)."""

    def __init__(self, number: int) -> None:
        self.name = f"fd{os.getpid()}-{number}"
        self.cable = f"fdc{os.getpid() % 100000}-{number}"
        self.here, self.there = f"198.18.{number}.1", f"198.18.{number}.2"
        self.processes: list[subprocess.Popen[bytes]] = []
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        far_end = f"{self.cable}b"
        self._ip("link", "add", self.cable, "type", "veth", "peer", "name", far_end, "netns", self.name)
        self._ip("address", "add", f"{self.here}/30", "dev", self.cable)
        self._ip("link", "set", self.cable, "up")
        self._ip("-n", self.name, "address", "add", f"{self.there}/30", "dev", far_end)
        self._ip("-n", self.name, "link", "set", far_end, "up")
        self._ip("-n", self.name, "link", "set", "lo", "up")

    def _ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True)

    def start(self, command: list[str], **options: object) -> subprocess.Popen[bytes]:
        """A process there; `ip netns exec` becomes it."""
        process = subprocess.Popen(["ip", "netns", "exec", self.name, *command], **options)  # type: ignore[call-overload]
        self.processes.append(process)
        return process

    def tunnel(self, *ports: int) -> None:
        """Each port of this host's loopback, also on the loopback there, and nowhere else but on the cable."""
        pairs = [(f"{self.here}:{port}", f"127.0.0.1:{port}") for port in ports]
        near = [sys.executable, str(FORWARD), *(word for pair in pairs for word in pair)]
        self.processes.append(subprocess.Popen(near, stdout=subprocess.PIPE))
        far = self.start(
            [
                sys.executable,
                str(FORWARD),
                *(word for on_cable, on_loopback in pairs for word in (on_loopback, on_cable)),
            ],
            stdout=subprocess.PIPE,
        )
        for end in (self.processes[-2], far):
            assert end.stdout is not None
            for _ in ports:
                assert end.stdout.readline(), "a tunnel did not come up"

    def publish(self, port: int) -> None:
        """A port of this host's loopback, on the address that this host has on the cable."""
        near = [sys.executable, str(FORWARD), f"{self.here}:{port}", f"127.0.0.1:{port}"]
        self.processes.append(subprocess.Popen(near, stdout=subprocess.PIPE))
        pipe = self.processes[-1].stdout
        assert pipe is not None
        assert pipe.readline(), "the port is not there"

    def cut(self) -> None:
        """Pull the cable: nothing arrives any more, and nobody is told."""
        self._ip("link", "set", self.cable, "down")

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        subprocess.run(["ip", "netns", "delete", self.name], check=False)
        subprocess.run(["ip", "link", "delete", self.cable], capture_output=True, check=False)
