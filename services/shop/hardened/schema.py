"""How this box office describes itself at `/api/schema/`: as the contract says, refusals included."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from .errors import PROBLEM_JSON
from .permissions import HasRole, IsAnybody
from .serializers import ProblemSerializer

MAX_KEY = 128
TRUE = {"type": "string", "const": "true"}
KEY = OpenApiParameter(
    "Idempotency-Key", {"type": "string", "minLength": 1, "maxLength": MAX_KEY}, OpenApiParameter.HEADER, required=True
)
REPLAYED = OpenApiParameter("Idempotent-Replayed", TRUE, OpenApiParameter.HEADER, response=[202])
AGE = OpenApiParameter("Age", {"type": "integer", "minimum": 0}, OpenApiParameter.HEADER, required=True, response=[200])
STALE = OpenApiParameter("X-Stale", TRUE, OpenApiParameter.HEADER, response=[200])
WAIT = {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}}
HEADERS: dict[str, Any] = {
    "401": {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
    "429": WAIT,
    "503": WAIT,
}


class BearerExtension(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Tells drf-spectacular what `Authentication` expects."""

    target_class = f"{__package__}.auth.Authentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """`Authorization: Bearer …`."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class Schema(AutoSchema):
    """Adds the refusals that follow from what a view is; a view declares those that only it gives."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """The operation with every refusal: always problem+json, with the headers that belong to it."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        problem = self.resolve_serializer(ProblemSerializer, "response").ref
        responses = operation["responses"]
        for status in sorted({*self._implied(operation), *(code for code in responses if code >= "400")}):
            described = responses.setdefault(status, {"description": ""})
            described["content"] = {PROBLEM_JSON: {"schema": problem}}
            if status in HEADERS:
                described["headers"] = HEADERS[status]
        return operation

    def _implied(self, operation: dict[str, Any]) -> set[str]:
        statuses = {"406", "503"}
        if "requestBody" in operation:
            statuses |= {"400", "415"}
        if self.view.get_authenticators():
            statuses.add("401")
        roles = [permission for permission in self.view.get_permissions() if isinstance(permission, HasRole)]
        if any(permission.roles < IsAnybody.roles for permission in roles):
            statuses.add("403")
        names = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] != "header"}
        if names:  # no such row, no such page
            statuses.add("404")
        if "page_size" in names:
            statuses.add("400")
        return statuses
