"""Authentication for writing: the caller must send the lab's token."""

from __future__ import annotations

import hmac

from django.conf import settings
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request


class Writer:
    """The holder of the token. There is one learner, so the token stands for no account."""

    is_authenticated = True


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Token <token>`, compared in constant time. A scorecard without a token accepts none."""

    keyword = "Token"

    def authenticate(self, request: Request) -> tuple[Writer, None] | None:
        """None without the header (reading is open); a wrong token is refused for any request."""
        keyword, _, given = get_authorization_header(request).partition(b" ")
        if keyword.lower() != self.keyword.lower().encode():
            return None
        expected = settings.SCORECARD_TOKEN.encode()
        if not expected or not hmac.compare_digest(given.strip(), expected):
            raise AuthenticationFailed("Authorization: got a wrong token")
        return Writer(), None

    def authenticate_header(self, request: Request) -> str:
        """The value of WWW-Authenticate in a 401."""
        return self.keyword
