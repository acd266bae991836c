"""Pages of lists, with a limit on their size and on how many rows they skip."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

ADDRESS = {"type": ["string", "null"], "format": "uri"}


class Pages(PageNumberPagination):
    """`count`, `next`, `previous`, `results`; all four are always there.

    PostgreSQL reads the rows that a page skips, so a later page is slower. The number of rows that can be reached is
    limited for that reason.
    """

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 100
    max_rows = 10_000

    def get_page_size(self, request: Request) -> int:
        """The size that was asked for. Raises: ValidationError; another size would leave out rows between pages."""
        asked = request.query_params.get("page_size", str(self.page_size))
        if not (asked.isascii() and asked.isdigit() and len(asked) <= 3 and 1 <= int(asked) <= self.max_page_size):
            raise ValidationError({"page_size": [f"Expected a whole number from 1 to {self.max_page_size}."]})
        return int(asked)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """The rows of the page. Raises: NotFound when there is no such page, or when it begins after `max_rows`."""
        page = request.query_params.get("page", "1")
        if page.isdecimal() and len(page) <= 9 and (int(page) - 1) * self.get_page_size(request) >= self.max_rows:
            raise NotFound(f"Pages end after {self.max_rows} rows.")
        return super().paginate_queryset(queryset, request, view)

    def get_next_link(self) -> str | None:
        """The address of the next page; None on the last page that is allowed, too."""
        assert self.page is not None
        reachable = self.page.number * self.page.paginator.per_page < self.max_rows
        return super().get_next_link() if reachable else None

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """`page` and `page_size`."""
        limits = {"page": {"minimum": 1}, "page_size": {"minimum": 1, "maximum": self.max_page_size}}
        return [
            {"name": name, "in": "query", "required": False, "schema": {"type": "integer", **limit}}
            for name, limit in limits.items()
        ]

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The envelope around *schema*, which is that of the rows."""
        properties = {
            "count": {"type": "integer", "minimum": 0},
            "next": ADDRESS,
            "previous": ADDRESS,
            "results": schema,
        }
        return {"type": "object", "required": [*properties], "properties": properties}
