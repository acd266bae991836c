"""Pages of lists: of a size that has a limit."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

ADDRESS = {"type": ["string", "null"], "format": "uri"}


class Pages(PageNumberPagination):
    """`count`, `next`, `previous`, `results`; all four are always there."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 100

    def get_page_size(self, request: Request) -> int:
        """The size that was asked for. Raises: ValidationError; another size would leave out rows between pages."""
        asked = request.query_params.get("page_size", str(self.page_size))
        if not (asked.isascii() and asked.isdigit() and len(asked) <= 3 and 1 <= int(asked) <= self.max_page_size):
            raise ValidationError({"page_size": [f"Expected a whole number from 1 to {self.max_page_size}."]})
        return int(asked)

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
