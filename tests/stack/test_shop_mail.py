"""What customers are told, by the mail catcher, while the way to it works and while it doesn't."""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.stack.shop_fixtures import Shop, ShopServices, copy_of, eventually, free_port, shop_services

pytestmark = pytest.mark.stack
__all__ = ["shop_services"]


@dataclass
class Way:
    """The way to the catcher, one connection at a time.

    Attributes:
        is_down: Connections are closed at once.
        is_silent: Connections are taken, and nothing is said on them.
        cuts: Answers to a mail's data that are kept back, the connection closed instead.
    """

    to: int
    port: int = field(default_factory=free_port)
    is_down: bool = False
    is_silent: bool = False
    held: list[socket.socket] = field(default_factory=list)
    cuts: int = 0
    refused: int = 0

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self.is_down:
                self.refused += 1
                client.close()
                continue
            if self.is_silent:
                self.held.append(client)
                continue
            with client, socket.create_connection(("127.0.0.1", self.to)) as server, suppress(OSError):
                self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        def upstream() -> None:
            with suppress(OSError):
                while piece := client.recv(65536):
                    server.sendall(piece)
                server.shutdown(socket.SHUT_WR)

        threading.Thread(target=upstream, daemon=True).start()
        while piece := server.recv(65536):
            if piece.startswith(b"250 2.0.0") and self.cuts:  # how the catcher says that it has the mail
                self.cuts -= 1
                client.shutdown(socket.SHUT_RDWR)
                return
            client.sendall(piece)


@contextmanager
def shop_on_a_way(services: ShopServices, variant: str, folder: Path) -> Iterator[tuple[Shop, Way]]:
    """A shop whose mail goes over a way that can be cut, and whose database no other relay reads."""
    name = f"{variant}_{uuid.uuid4().hex[:8]}"
    way = Way(services.mail_ports[0])
    with socket.create_server(("127.0.0.1", way.port)) as listener:
        threading.Thread(target=way.serve, args=(listener,), daemon=True).start()
        shop = services.make(name, root=copy_of(variant, name, folder), SHOP_MAIL_PORT=str(way.port))
        with services.running(shop):
            yield shop, way
        listener.shutdown(socket.SHUT_RDWR)


def paid_order(shop: Shop) -> str:
    """Places one and waits until it is paid."""
    placed = shop.order(tier=shop.large_tier(), key=uuid.uuid4().hex, quantity=2)
    assert placed.status == 202
    order_id: str = placed.body["id"]
    eventually(lambda: shop.status(order_id) == "paid", what="order paid")
    return order_id


@pytest.mark.parametrize("variant", ["naive", "hardened"])
def test_who_paid_is_told_once(shop_services: ShopServices, variant: str) -> None:
    shop = shop_services.shop(variant)
    order_id = paid_order(shop)
    eventually(lambda: shop_services.mails(order_id), what="the customer told")
    (mail,) = shop_services.mails(order_id)
    (email,) = shop.rows("SELECT c.email FROM shop_customer c JOIN shop_order o ON o.customer_id = c.id"
                         " WHERE o.id::text = %s", order_id)  # fmt: skip
    assert mail["rcpt_tos"] == list(email)
    assert mail["subject"] == f"Your tickets, order {order_id}"
    eventually(lambda: shop_services.mails(order_id)[0]["acknowledged"], what="QUIT")


def test_hardened_tells_later_what_could_not_be_told_at_once(shop_services: ShopServices, tmp_path: Path) -> None:
    with shop_on_a_way(shop_services, "hardened", tmp_path) as (shop, way):
        way.is_down = True
        orders = [paid_order(shop) for _ in range(3)]
        eventually(lambda: way.refused >= 3, what="tries while the server is away")
        assert shop.rows("SELECT unsent_outbox FROM lab_pending") == [(3,)]
        assert shop.rows("SELECT count(*) FROM lab_side_effects WHERE order_id = ANY(%s)", orders) == [(0,)]
        way.is_down = False
        eventually(lambda: all(map(shop_services.mails, orders)), what="everybody told")
        eventually(lambda: shop.rows("SELECT unsent_outbox FROM lab_pending") == [(0,)], what="nothing left to send")
        assert [len(shop_services.mails(order_id)) for order_id in orders] == [1, 1, 1]


def test_hardened_sends_the_same_mail_again_when_nobody_said_that_it_was_taken(
    shop_services: ShopServices, tmp_path: Path
) -> None:
    """It can't know better. The Message-ID tells the customer's mail server that it is the same one."""
    with shop_on_a_way(shop_services, "hardened", tmp_path) as (shop, way):
        way.cuts = 1
        order_id = paid_order(shop)
        eventually(lambda: len(shop_services.mails(order_id)) == 2, what="the second copy")
        eventually(lambda: shop.rows("SELECT unsent_outbox FROM lab_pending") == [(0,)], what="nothing left to send")
        first, second = shop_services.mails(order_id)
        assert first["message_id"] == second["message_id"] == f"<confirmation-{order_id}@box-office.example>"
        assert (first["acknowledged"], second["acknowledged"]) == (False, True)


def test_hardened_does_not_tell_of_an_order_that_was_cancelled_meanwhile(
    shop_services: ShopServices, tmp_path: Path
) -> None:
    with shop_on_a_way(shop_services, "hardened", tmp_path) as (shop, way):
        way.is_down = True
        order_id = paid_order(shop)
        assert shop.cancel(order_id).status == 200
        way.is_down = False
        other = paid_order(shop)
        eventually(lambda: shop_services.mails(other), what="another customer told")
        eventually(lambda: shop.rows("SELECT unsent_outbox FROM lab_pending") == [(0,)], what="nothing left to send")
        assert shop_services.mails(order_id) == []


def test_a_mail_server_that_says_nothing_holds_up_no_order_of_hardened(
    shop_services: ShopServices, tmp_path: Path
) -> None:
    """The relay waits for it, in a thread that has nothing else to do."""
    with shop_on_a_way(shop_services, "hardened", tmp_path) as (shop, way):
        way.is_silent = True
        first = paid_order(shop)
        eventually(lambda: way.held, what="a mail that waits")
        others = [paid_order(shop) for _ in range(3)]
        assert len(way.held) == 1, "still the first try: meanwhile three orders went through outbox, broker and gateway"
        way.is_silent = False
        for connection in way.held:
            connection.close()
        eventually(lambda: all(map(shop_services.mails, [first, *others])), what="everybody told")


def test_naive_loses_what_it_can_t_send_at_once(shop_services: ShopServices, tmp_path: Path) -> None:
    with shop_on_a_way(shop_services, "naive", tmp_path) as (shop, way):
        way.is_down = True
        order_id = paid_order(shop)
        eventually(lambda: way.refused, what="the only try")
        eventually(lambda: shop.messages() == 0, what="the task at its end")
        way.is_down = False
        other = paid_order(shop)
        eventually(lambda: shop_services.mails(other), what="another customer told")
        assert shop_services.mails(order_id) == []
        # It says that it told: one more reason to ask somebody else.
        assert shop.rows("SELECT times FROM lab_side_effects WHERE order_id = %s", order_id) == [(1,)]
