"""What customers are told, over SMTP."""

from __future__ import annotations

import smtplib

from django.core.mail import EmailMessage

from ..core.metrics import dependency_call
from .guards import Guard
from .models import Confirmation

FOR_GOOD_FROM = 500  # RFC 5321: 4yz may be tried again, 5yz not


class MailUnavailable(Exception):
    """No answer, or one that leaves open whether the mail was taken. It has to be sent again."""


class MailRefused(Exception):
    """The server does not want this mail, now or ever."""


# The relay sends one mail at a time; a server that keeps failing is left alone for a moment.
MAIL = Guard("mail", at_once=1, wait_s=0.0, fail_max=3, reset_s=1.0, failures=(MailUnavailable,))


def send(confirmation: Confirmation) -> None:
    """Tell the customer about the tickets.

    A connection that dies after the data leaves open whether the mail was taken, so it is sent again, with the same
    Message-ID: whoever delivers it can tell the second copy from a second mail.

    Raises:
        MailUnavailable: Worth another try.
        MailRefused: Never to be tried again.
        Refused: Not even asked.
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
