"""Login and tokens."""

from __future__ import annotations

from typing import Any

from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.tokens import Token


class Authentication(JWTAuthentication):
    """`Authorization: Bearer …`."""


class TokenSerializer(TokenObtainPairSerializer):
    """Adds the role, for clients that show or hide menus by it."""

    @classmethod
    def get_token(cls, user: Any) -> Token:
        """A refresh token for *user*."""
        token = super().get_token(user)
        token["role"] = user.role
        return token
