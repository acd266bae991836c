"""Sends the mails that the table of confirmations asks for; runs in the relay process, in a thread of its own.

A confirmation is written in the transaction that makes the order paid, and sent from here after the commit. No request
and no task waits for a mail, and none is lost while the mail server is down.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from . import mail
from .guards import Refused
from .models import Confirmation

CLAIM_S = 30  # longer than a mail may take
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 4
logger = logging.getLogger("shop.confirmations")


def work() -> int:
    """Send the one that has waited longest. Returns how many went out."""
    try:
        mail.MAIL.admit()
    except Refused:
        return 0
    confirmation = claim()
    if confirmation is None:
        return 0
    try:
        mail.send(confirmation)
    except (mail.MailUnavailable, Refused) as error:
        logger.warning("order %s: not told yet: %s", confirmation.order_id, error)
        postpone(confirmation)
        return 0
    except mail.MailRefused as error:  # no other try would end differently
        logger.error("order %s: can't be told: %s", confirmation.order_id, error)
        _waiting(confirmation).update(next_try_at=None)
        return 0
    # Whatever the status of the order is by now.
    Confirmation.objects.filter(pk=confirmation.pk).update(next_try_at=None, sent_at=Now())
    return 1


def pending() -> int:
    """Confirmations that wait."""
    return Confirmation.objects.filter(next_try_at__isnull=False).count()


def claim() -> Confirmation | None:
    """Take the one whose turn it is. None: nobody waits to be told.

    Nothing is locked while it is sent. Should this process die with it, another one takes it up after `CLAIM_S`.
    """
    with transaction.atomic():
        due = Confirmation.objects.select_related("order").filter(next_try_at__lte=Now()).order_by("next_try_at", "pk")
        # Locked rows belong to another relay.
        confirmation = due.select_for_update(skip_locked=True, of=("self",)).first()
        if confirmation is not None:
            confirmation.tries += 1
            _waiting(confirmation).update(tries=confirmation.tries, next_try_at=Now() + timedelta(seconds=CLAIM_S))
    return confirmation


def postpone(confirmation: Confirmation) -> None:
    """Another try, later each time."""
    pause_s = min(FIRST_PAUSE_S * 2 ** (confirmation.tries - 1), LONGEST_PAUSE_S)
    _waiting(confirmation).update(next_try_at=Now() + timedelta(seconds=pause_s))


def _waiting(confirmation: Confirmation) -> QuerySet[Confirmation]:
    """It, unless its order was cancelled meanwhile."""
    return Confirmation.objects.filter(pk=confirmation.pk, next_try_at__isnull=False)
