"""How the API's own schema describes the token."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """`Authorization: Token …`."""

    target_class = "services.scorecard.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Source: OpenAPI 3.0, Security Scheme Object."""
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Token <token>`"}
