"""Settings that the lab's clients pass explicitly, since a library would otherwise take them from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

# libpq would take these from variables such as PGSSLMODE, or from files in a home folder. The lab's server has no TLS.
POSTGRES: Final[Mapping[str, Any]] = {
    "sslmode": "disable",
    "gssencmode": "disable",
    "channel_binding": "disable",
    "target_session_attrs": "any",
    "client_encoding": "UTF8",
}
