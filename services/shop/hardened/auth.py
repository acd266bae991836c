"""Login, and tokens: who gets them, how they are renewed, and when they stop working.

A login begins a session. An access token names its session and ends with it; a refresh token works once and is followed
by the next one of the same session. Ended sessions are recorded in PostgreSQL only, so that an outage of the cache
neither accepts a revoked token nor refuses a good one; without PostgreSQL the answer is 503.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.db import connection
from django.http import HttpRequest
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer
from rest_framework_simplejwt.tokens import RefreshToken, Token

from . import sessions
from .models import Customer


class Authentication(JWTAuthentication):
    """`Authorization: Bearer …`."""

    def get_user(self, validated_token: Token) -> Customer:  # type: ignore[override]
        """The token's owner, read from the database: account, role and session in their present state."""
        session = sessions.live(validated_token)
        if session is None:
            raise AuthenticationFailed("The session has ended.", code="session_ended")
        return session.customer


class Passwords(ModelBackend):
    """Checks a password without holding a database connection while it is hashed.

    Hashing takes a quarter of a second, in which a few logins at once would take all connections.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> Customer | None:
        """The account with this name and password. An unknown name takes as long as a known one."""
        customer = Customer.objects.filter(username=username).first()
        connection.close()
        if customer is None:
            Customer().set_password(password)
            return None
        known = customer.check_password(password or "") and self.user_can_authenticate(customer)
        return customer if known else None


class TokenSerializer(TokenObtainPairSerializer):
    """Adds the role, for clients that choose their menus by it. Permissions never read it."""

    @classmethod
    def get_token(cls, user: Any) -> Token:
        """A refresh token of a new session of *user*."""
        token = super().get_token(user)
        token["role"] = user.role
        token[sessions.CLAIM] = str(sessions.begin(user).pk)
        return token


class RefreshSerializer(serializers.Serializer[dict[str, str]]):
    """A refresh token for the next pair."""

    refresh = serializers.CharField()
    access = serializers.CharField(read_only=True)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        """Each token works once; a second use ends the session, since either user may be a thief."""
        token = sessions.renew(RefreshToken(attrs["refresh"]))  # type: ignore[arg-type]
        if token is None:
            raise AuthenticationFailed("The session has ended.", code="session_ended")
        return {"access": str(token.access_token), "refresh": str(token)}
