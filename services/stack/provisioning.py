"""Find the servers that the stack runs, and get missing ones where possible."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TypeVar

from services.stack.config import Settings
from services.stack.errors import StackError
from services.stack.layout import Lab, write_json
from services.stack.postgres import Cluster, prepare_cluster
from services.stack.progress import say
from services.stack.provision import postgres_server, prometheus, redis_server, toxiproxy
from services.stack.provision.found import Found, Parts

T = TypeVar("T")


def find(settings: Settings) -> Parts:
    """The servers that are installed now; gets nothing."""
    return Parts(
        postgres=postgres_server.find(settings),
        redis=redis_server.find(settings),
        toxiproxy=toxiproxy.find(settings),
        prometheus=prometheus.find(settings),
    )


def _bounded(part: str, get: Callable[[], Found]) -> Found:
    """Get one part; any failure becomes a missing part, so that the others are still got."""
    try:
        return get()
    except StackError:
        raise
    except Exception as error:
        say(part, f"failed: {error}")
        return Found(name=part, missing=f"could not be provisioned: {error}")


def provision(settings: Settings, lab: Lab, *, again: bool = False) -> tuple[Parts, Cluster]:
    """Get every server that can be got, concurrently, and make the database cluster.

    Args:
        again: Retry downloads that failed a short while ago.

    Raises:
        StackError: `missing_part` without PostgreSQL or Redis, which the stack needs.
    """
    lab.create()
    with ThreadPoolExecutor() as pool:
        proxy = pool.submit(_bounded, "toxiproxy", lambda: toxiproxy.get(settings))
        metrics = pool.submit(_bounded, "prometheus", lambda: prometheus.get(settings, again=again))
        database = postgres_server.find(settings)
        cluster = prepare_cluster(database, lab) if database.is_there else None
        parts = Parts(
            postgres=database,
            redis=redis_server.find(settings),
            toxiproxy=proxy.result(),
            prometheus=metrics.result(),
        )
    lines = [
        f"{part.name}: {part.missing}" for part in (parts.postgres, parts.redis, parts.toxiproxy) if not part.is_there
    ]
    if lines or cluster is None:
        raise StackError("missing_part", "\n".join(lines))
    document = json.loads(json.dumps(asdict(parts), default=str))
    write_json(lab.run / "parts.json", document)
    return parts, cluster
