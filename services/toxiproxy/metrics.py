"""Byte counters in Prometheus' text format, as `-proxy-metrics` shows them."""

from __future__ import annotations

from collections import Counter

from services.toxiproxy.link import Link

_NAMES = ("toxiproxy_proxy_received_bytes_total", "toxiproxy_proxy_sent_bytes_total")


class ByteCounters:
    """Bytes per direction and proxy; a connection is counted when it closes, so open pooled ones show no bytes."""

    def __init__(self) -> None:
        self._received: Counter[str] = Counter()
        self._sent: Counter[str] = Counter()

    def add(self, link: Link, *, proxy: str, listener: str, upstream: str) -> None:
        """Count a link that has ended."""
        labels = {
            "direction": "upstream" if link.upstream else "downstream",
            "listener": listener,
            "proxy": proxy,
            "upstream": upstream,
        }
        text = ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items())
        self._received[text] += link.received_bytes
        self._sent[text] += link.sent_bytes

    def render(self) -> str:
        """All series; none before the first connection has closed."""
        lines: list[str] = []
        for name, counts in zip(_NAMES, (self._received, self._sent), strict=True):
            if counts:
                lines += [f"# HELP {name} ", f"# TYPE {name} counter"]
                lines += [f"{name}{{{labels}}} {count}" for labels, count in sorted(counts.items())]
        return "".join(f"{line}\n" for line in lines)


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
