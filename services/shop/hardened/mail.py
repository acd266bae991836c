"""Mails to customers, over SMTP."""

from __future__ import annotations

import smtplib

from django.core.mail import EmailMessage

from ..core.metrics import dependency_call
from .guards import Guard
from .models import Confirmation

FOR_GOOD_FROM = 500  # RFC 5321: 4yz may be tried again, 5yz not


class MailUnavailable(Exception):
    """It is not known whether the mail was taken, so it has to be sent again."""


class MailRefused(Exception):
    """The server refuses this mail for good."""


# The relay sends one mail at a time; a server that keeps failing is not called for a moment.
MAIL = Guard("mail", at_once=1, wait_s=0.0, fail_max=3, reset_s=1.0, failures=(MailUnavailable,))


def send(confirmation: Confirmation) -> None:
    """Tell the customer about the tickets.

    When a connection ends after the data, it is not known whether the mail was taken. It is sent again with the same
    Message-ID, by which a mail server can recognise the second copy.

    Raises:
        MailUnavailable: To be tried again.
        MailRefused: Never to be tried again.
        Refused: The server was not asked.
    """
    order = confirmation.order
    message = EmailMessage(
        subject=f"Your tickets, order {order.pk}",
        body=f"{order.quantity} seats are yours.\n",
        to=[confirmation.email],
        headers={"Message-ID": f"<confirmation-{order.pk}@box-office.example>", "X-Order-Id": str(order.pk)},
    )
    with MAIL.call(), dependency_call("mail"):
        try:
            message.send()
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise _failure(min(codes, default=0), error) from error
        except smtplib.SMTPResponseException as error:
            raise _failure(error.smtp_code, error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise MailUnavailable(f"{type(error).__name__}: {error}") from error


def _failure(code: int, error: smtplib.SMTPException) -> Exception:
    return (MailRefused if code >= FOR_GOOD_FROM else MailUnavailable)(f"{type(error).__name__}: {error}")
