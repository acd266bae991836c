"""The configuration files that compose.yaml mounts into the servers' containers; the same settings as in local mode.

`python -m services.stack.container_files` writes them; a test compares them with the files in the checkout.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from services.stack import postgres, programs, redis_users
from services.stack.config import CHECKOUT, DEFAULT_BASE_PORT
from services.stack.layout import CONTAINERS, Ports

FOLDER: Final = CHECKOUT / "services" / "stack" / "images" / "config"
_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 -- of a container's own networks


def files() -> Mapping[str, str]:
    """File name to contents. Inside containers every port is the default one; compose.yaml publishes ports."""
    ports = Ports(DEFAULT_BASE_PORT, CONTAINERS)
    return {
        "postgresql.conf": postgres.configuration(
            # A socket for the image's own set-up; a log folder relative to the data.
            ports,
            listen="*",
            socket_folder="/var/run/postgresql",
            log_folder="log",
        ),
        "redis.conf": programs.redis_configuration(
            ports, folder=Path("/data"), users=Path("/run/secrets/redis_users"), bind=_EVERYWHERE
        ),
        # compose.sh fills in the passwords' hashes.
        "redis-users.acl": redis_users.rules(shop="SHA256_OF_redis_shop", lab="SHA256_OF_redis_lab"),
        "toxiproxy.json": json.dumps(programs.proxy_list(ports), indent=1) + "\n",
        "prometheus.yml": programs.prometheus_configuration(ports),
    }


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text)
