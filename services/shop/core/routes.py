"""Which addresses the variant really serves.

Django's resolver is asked, not `/api/schema/`: the schema is what the code under test says of itself, and a view can be
left out of it with one word. No view answers an address that is not in the resolver. Not found this way: a middleware
that answers by itself, and a view that interprets more of the path by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

_PARAMETER = re.compile(r"<[^>]*>")


def served() -> list[str]:
    """Templates such as `/api/events/{}/`, sorted; one that is a regular expression begins with `/^`."""
    return sorted(set(_walk(get_resolver(), "/")))


def _walk(resolver: URLResolver, prefix: str) -> Iterator[str]:
    for entry in resolver.url_patterns:
        template = prefix + _template(entry.pattern)
        if isinstance(entry, URLPattern):
            yield template
        else:
            yield from _walk(entry, template)


def _template(pattern: Any) -> str:
    text = str(pattern)
    return _PARAMETER.sub("{}", text) if isinstance(pattern, RoutePattern) else f"^{text.lstrip('^')}"
