"""Users and rights in Redis: one user for the shop, one for the lab, and no access without a password."""

from __future__ import annotations

import hashlib
from typing import Final

from services.stack.layout import Lab, Ports

SHOP: Final = "shop"
LAB: Final = "lab"
CLIENT_NAME: Final = "firedrill"
"""Name of the lab's connections. The shop's user may not name connections, so the name identifies the lab's."""
SECRETS: Final = {SHOP: "redis_shop", LAB: "redis_lab"}
# The commands of @admin and @dangerous inspect, stop or change the server or its clients; a shop may use a few of them.
_SHOP_MAY: Final = "+@all -@admin -@dangerous -client|setname +info +keys +sort +sort_ro +flushdb +restore"
_RULES: Final = f"""user default reset
user {SHOP} on #{{shop}} ~* &* {_SHOP_MAY}
user {LAB} on #{{lab}} ~* &* +@all
"""


def rules(*, shop: str, lab: str) -> str:
    """Redis' ACL file; *shop* and *lab* are SHA-256 of the passwords, in hex."""
    return _RULES.format(shop=shop, lab=lab)


def rules_of(lab: Lab) -> str:
    """`rules` with the secrets of *lab*."""
    hashed = {user: hashlib.sha256(lab.secret(secret).encode()).hexdigest() for user, secret in SECRETS.items()}
    return rules(shop=hashed[SHOP], lab=hashed[LAB])


def url(lab: Lab, ports: Ports, port: str, database: int, *, user: str) -> str:
    """`redis://…` of *database* behind *port*, with the password, so not to be used on a command line."""
    return f"redis://{user}:{lab.secret(SECRETS[user])}@{ports.address(port)}/{database}"


def shop_url(ports: Ports, port: str, database: int) -> str:
    """`redis://…` for the shop's user, without the password, which the shop reads from a file."""
    return f"redis://{SHOP}@{ports.address(port)}/{database}"
