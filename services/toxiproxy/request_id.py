"""The ids that the server gives to requests, in the answer's `X-Toxiproxy-Request-Id`.

Source: github.com/rs/xid, which the real server uses: 12 bytes (4 of Unix time, 3 of the machine, 2 of the process, 3
of a counter that starts anywhere), written in the alphabet `0-9a-v`, 5 bits a character.
"""

from __future__ import annotations

import os
import secrets
import time
from itertools import count

HEADER = "X-Toxiproxy-Request-Id"
_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_MACHINE = secrets.token_bytes(3)
_counter = count(secrets.randbelow(1 << 24))


def fresh() -> dict[str, str]:
    """The header with a new id."""
    number = next(_counter) % (1 << 24)
    process = (os.getpid() & 0xFFFF).to_bytes(2, "big")
    raw = int(time.time()).to_bytes(4, "big") + _MACHINE + process + number.to_bytes(3, "big")
    bits = int.from_bytes(raw, "big") << 4  # 20 characters of 5 bits hold 100 bits, 4 more than the id has
    return {HEADER: "".join(_ALPHABET[bits >> shift & 31] for shift in range(95, -1, -5))}
