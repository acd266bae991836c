"""Login and tokens."""

from __future__ import annotations

from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.tokens import Token

from .models import Customer


class Authentication(JWTAuthentication):
    """`Authorization: Bearer …`."""


class TokenSerializer(TokenObtainPairSerializer):
    """Adds the role, for clients that show or hide menus by it."""

    @classmethod
    def get_token(cls, user: Customer) -> Token:
        """A refresh token for *user*."""
        token = super().get_token(user)
        token["role"] = user.role
        return token
