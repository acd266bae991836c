"""The messages between master and workers elsewhere, as custom messages of Locust's own master/worker protocol.

    worker                          master
    join (who, key, code)      ──►  joined (number, ticket) or refused (why)
    ping (its clock)           ──►  pong (the master's clock, bytes of history that it has)     twice a second, always
                               ◄──  plan (load plan, world)                                     when all are there
    armed                      ──►
    figures, history           ──►
    result                     ──►  release
                               ◄──  stop (why)

The transport has neither a password nor encryption. The key keeps strangers from joining as a worker (and from getting
the customers' tokens); the tunnel that docs/operate/scale.md describes keeps them from listening.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version_tuple

import msgspec

PROTOCOL = 1
JOIN, JOINED, REFUSED = "firedrill_join", "firedrill_joined", "firedrill_refused"
PING, PONG = "firedrill_ping", "firedrill_pong"
PLAN, ARMED, FIGURES = "firedrill_plan", "firedrill_armed", "firedrill_figures"
HISTORY, RESULT = "firedrill_history", "firedrill_result"
STOP, RELEASE = "firedrill_stop", "firedrill_release"

PING_EVERY_S = 0.5
LOST_AFTER_S = 3.0
"""A worker that was silent for this long is lost. Locust gives a worker up after about 4 s, and then stops users."""
MASTER_LOST_AFTER_S = 5.0
HIGHEST_PORT = 65535

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGES = ("locust", "gevent", "geventhttpclient", "hdrhistogram", "msgspec")


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """The versions of a driver process's code. Two processes play the same schedule only if all of them are equal."""

    protocol: int
    python: str
    packages: dict[str, str]
    sources: str

    def unlike(self, other: Code) -> list[str]:
        """The differences of *other* from this one, each as `where: got X, expected Y`."""
        found = []
        if other.protocol != self.protocol:
            found.append(f"protocol: got {other.protocol}, expected {self.protocol}")
        if other.sources != self.sources:
            found.append(f"revision: got code {other.sources}, expected {self.sources} (check out the same revision)")
        if other.python != self.python:
            found.append(f"python: got {other.python}, expected {self.python}")
        found += [
            f"{name}: got {other.packages.get(name, 'none')}, expected {wanted} (make install)"
            for name, wanted in self.packages.items()
            if other.packages.get(name) != wanted
        ]
        return found


def digest_of_sources(checkout: Path) -> str:
    """A digest of all sources that decide what a driver sends. A git revision would not show edits, or not exist."""
    digest = hashlib.sha256()
    for folder in ("loadtests", "chaos/model"):
        for path in sorted((checkout / folder).rglob("*.py")):
            digest.update(f"{path.relative_to(checkout).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


@cache
def own_code() -> Code:
    """The code of this process."""
    return Code(
        protocol=PROTOCOL,
        python=".".join(python_version_tuple()[:2]),
        packages={name: version(name) for name in PACKAGES},
        sources=digest_of_sources(CHECKOUT),
    )


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's request to join, sent after its self-test of single sends has passed."""

    host: str
    key: str
    code: Code


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's result, at its end.

    Attributes:
        result: A `WorkerResult`.
        samples: Its file of whole requests and answers, compressed by zlib. They are sent only now, since no check
            needs them.
        clock: Offset and error of its clock.
    """

    result: dict[str, object]
    history_bytes: int
    history_sha256: str
    samples: bytes
    clock: tuple[float, float] | None


def refusal(join: Mapping[str, object], key: str) -> str:
    """Why the sender of *join* may not take part; empty when it may."""
    try:
        wanted = msgspec.convert(join, Join)
    except msgspec.ValidationError as error:
        return f"protocol: got {error}, expected {PROTOCOL}"
    if not secrets.compare_digest(wanted.key.encode(), key.encode()):
        return "key: got another one, expected that of the lab's load-key file"
    return "; ".join(own_code().unlike(wanted.code))


def read_key(path: Path) -> str:
    """Read the load key. Raises: ValueError, as `where: got X, expected Y`."""
    try:
        key = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "bytes that are no text"
        raise ValueError(
            f"{path}: got {reason}, expected the lab's load-key file (copy it from the lab's host)"
        ) from None
    if not key:
        raise ValueError(f"{path}: got an empty file, expected the lab's load key")
    return key


def address(text: str) -> tuple[str, int]:
    """Host and port of *text*. Raises: ValueError, as `got X, expected Y`."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) <= HIGHEST_PORT):
        raise ValueError(f"got {text!r}, expected host:port")
    return host, int(port)
