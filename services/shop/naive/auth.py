"""Login and tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.tokens import Token

from .models import Customer

if TYPE_CHECKING:
    from rest_framework.views import APIView


class Authentication(JWTAuthentication):
    """`Authorization: Bearer …`."""


class TokenSerializer(TokenObtainPairSerializer):
    """Adds the role, so that a request needs no look-up for it."""

    @classmethod
    def get_token(cls, user: Any) -> Token:
        """A refresh token for *user*."""
        token = super().get_token(user)
        token["role"] = user.role
        return token

    def validate(self, attrs: dict[str, Any]) -> dict[str, str]:
        """Says what is wrong, so that people find their typo."""
        if not Customer.objects.filter(username=attrs["username"]).exists():
            raise AuthenticationFailed("There is no account of this name.", code="unknown_account")
        return super().validate(attrs)


class LoginThrottle(SimpleRateThrottle):
    """Five logins a minute for an account from an address."""

    rate = "5/min"

    def get_cache_key(self, request: Request, view: APIView) -> str:
        """Where the times of the last logins are kept."""
        body: Any = request.data
        return f"login:{self.get_ident(request)}:{body.get('username')}"
