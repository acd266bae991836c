"""The mail catcher, past its proxy: its record of the mails to customers."""

from __future__ import annotations

import httpx
import msgspec

from chaos.adapters.gateway import Gateway
from chaos.adapters.http import why
from chaos.errors import LabBroken
from chaos.model.evidence import Mail

TIMEOUT_S = 5.0


class _Mails(msgspec.Struct):
    mails: list[Mail]


class MailCatcher:
    """Reads the catcher's record over HTTP, with the lab's token."""

    def __init__(self, url: str, lab_token: str) -> None:
        self._client = httpx.Client(
            base_url=url, headers={"X-Lab-Token": lab_token}, timeout=TIMEOUT_S, trust_env=False
        )

    def mails(self) -> list[Mail]:
        """All mails that it received, oldest first. Raises: LabBroken."""
        path = "/lab/mails"
        try:
            answer = self._client.get(path)
            answer.raise_for_status()
            return msgspec.json.decode(answer.content, type=_Mails).mails
        except httpx.HTTPError as error:
            raise LabBroken(f"mail: GET {path}: got {why(error)}, expected an answer") from None
        except msgspec.DecodeError as error:
            raise LabBroken(f"mail: GET {path}: got {error}, expected the catcher's answer") from None

    def taken_since(self, since_unix_s: float) -> int:
        """Number of mails that it received since then."""
        return sum(1 for mail in self.mails() if mail.received_unix_s >= since_unix_s)


def untold_orders(gateway: Gateway, mail: MailCatcher, *, since_unix_s: float = 0.0) -> set[str]:
    """Orders charged since then, not refunded, and without a mail so far. The shop itself is not asked."""
    charged = {charge.order_id for charge in gateway.charges() if charge.captured_unix_s >= since_unix_s}
    refunded = {refund.order_id for refund in gateway.refunds()}
    return charged - refunded - {sent.order_id for sent in mail.mails()}
