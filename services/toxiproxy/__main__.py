"""`python -m services.toxiproxy -host 127.0.0.1 -port 8474 [-config FILE]`: the real server's command line."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from services.hosts import known
from services.toxiproxy import VERSION
from services.toxiproxy.api import Api
from services.toxiproxy.collection import ProxyCollection
from services.toxiproxy.http_server import HttpServer

_LOG = logging.getLogger("toxiproxy")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Returns 0, or 1 when the configuration or the port can't be used."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    return asyncio.run(_serve(options))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.toxiproxy", description=__doc__, allow_abbrev=False)
    parser.add_argument("-host", "--host", default="127.0.0.1", help="where the API listens (default: %(default)s)")
    parser.add_argument("-port", "--port", type=int, default=8474, help="default: %(default)s; 0 picks a free one")
    parser.add_argument("-config", "--config", type=Path, help="JSON file with proxies to create on startup")
    parser.add_argument("-seed", "--seed", type=int, help="accepted and without effect, as in the real server")
    parser.add_argument("-proxy-metrics", "--proxy-metrics", action="store_true", help="byte counters at /metrics")
    parser.add_argument("-runtime-metrics", "--runtime-metrics", action="store_true", help="switches /metrics on")
    parser.add_argument("-version", "--version", action="version", version=f"toxiproxy-server version {VERSION}")
    return parser


async def _serve(options: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    proxies = ProxyCollection()
    hostnames = known(os.environ) | {options.host.lower()}
    api = Api(proxies, metrics=options.proxy_metrics or options.runtime_metrics, hostnames=hostnames)
    server = HttpServer(api.handle)
    try:
        if options.config is not None:
            made, error = await proxies.populate(options.config.read_bytes())
            if error is not None:
                _LOG.error("%s: got %s, expected proxies that can be started", options.config, error)
                return 1
            _LOG.info("%s: %d proxies", options.config, len(made))
        port = await server.start(options.host, options.port)
    except OSError as error:
        _LOG.error("%s", error)
        return 1
    else:
        _LOG.info("stand-in %s: the API listens on %s:%d", VERSION, options.host, port)
        await stop.wait()
        return 0
    finally:
        await server.stop()
        proxies.abandon()


if __name__ == "__main__":
    sys.exit(main())
