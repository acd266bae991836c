"""Sessions: the family of tokens that one login begins, and the count of logins that were tried."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.utils import datetime_from_epoch, get_md5_hash_password

from .models import Customer, LoginAttempts, Session, UsedRefreshToken

if TYPE_CHECKING:
    from rest_framework_simplejwt.tokens import RefreshToken, Token

CLAIM = "sid"
MAX_ATTEMPTS = 5
WINDOW_S = 60


def begin(customer: Customer) -> Session:
    """A session of *customer*, with nothing used yet."""
    return Session.objects.create(customer=customer)


def live(token: Token) -> Session | None:
    """The session that *token* names, with its customer; None when it has ended or is not this customer's.

    An account that was deleted or disabled, or that has another password than when the token was made, has no session.
    """
    try:
        session_id = UUID(str(token.get(CLAIM)))
    except ValueError:
        return None
    sessions = Session.objects.select_related("customer")
    session = sessions.filter(pk=session_id, ended_at__isnull=True, customer__is_active=True).first()
    if session is None or str(session.customer_id) != token.get(api_settings.USER_ID_CLAIM):
        return None
    if token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(session.customer.password):
        return None
    return session


def renew(token: RefreshToken) -> RefreshToken | None:
    """The next token after *token*, which is used up by this. None: it was used before, or its session has ended."""
    with transaction.atomic():
        # Inserted before anything is read: of concurrent requests one inserts the row, the others wait for its commit.
        _, first = UsedRefreshToken.objects.get_or_create(
            jti=token[api_settings.JTI_CLAIM], defaults={"expires_at": datetime_from_epoch(token["exp"])}
        )
        session = live(token)
        if session is None:
            return None
        if not first:
            end(session)
            return None
    token.set_jti()
    token.set_exp()
    token.set_iat()
    token["role"] = session.customer.role
    return token


def end(session: Session) -> None:
    """From the next request on, no token of *session* works."""
    Session.objects.filter(pk=session.pk, ended_at__isnull=True).update(ended_at=Now())


def end_all(customer: Customer) -> None:
    """From the next request on, no token of any session of *customer* works."""
    Session.objects.filter(customer=customer, ended_at__isnull=True).update(ended_at=Now())


def count_attempt(*, username: str, address: str) -> int:
    """Count a login before its password is looked at, so that no guess of a burst is missed by the count.

    Returns:
        Seconds to wait until the next one may be tried; 0 when this one may.
    """
    query = """
        INSERT INTO shop_loginattempts AS kept (key, attempts, window_ends_at)
        VALUES (%(key)s, 1, clock_timestamp() + make_interval(secs => %(window_s)s))
        ON CONFLICT (key) DO UPDATE SET
            attempts = CASE WHEN kept.window_ends_at <= clock_timestamp() THEN 1 ELSE kept.attempts + 1 END,
            window_ends_at = CASE
                WHEN kept.window_ends_at <= clock_timestamp() THEN excluded.window_ends_at ELSE kept.window_ends_at END
        RETURNING attempts, extract(epoch FROM window_ends_at - clock_timestamp())
    """
    with connection.cursor() as cursor:
        cursor.execute(query, {"key": _attempts_key(username, address), "window_s": WINDOW_S})
        attempts, left_s = cursor.fetchone()
    return max(1, math.ceil(left_s)) if attempts > MAX_ATTEMPTS else 0


def forget_attempts(*, username: str, address: str) -> None:
    """Reset the count after a login with the right password."""
    LoginAttempts.objects.filter(key=_attempts_key(username, address)).delete()


def _attempts_key(username: str, address: str) -> str:
    return hashlib.sha256(f"{username}\0{address}".encode()).hexdigest()
