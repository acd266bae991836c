"""A small shop over real HTTP, written by hand: what the driver's tests send to. Run as a process, so it can be paused.

    python fake_shop.py BEHAVIOUR.json

BEHAVIOUR.json: {"slow_s": 0.0, "seats": 1000, "polls_until_paid": 1, "trap": "", "trap_every": 0, "log": PATH}
`trap` is what happens to every `trap_every`-th order or list request: close | reset | status503 | no_id | not_json |
truncate | hang | redirect | chunked | last | until_close. The first line on stdout is the port.
Every request goes to `log` before it is answered.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from pathlib import Path

PAGE = json.dumps(
    {
        "results": [
            {
                "id": 1,
                "slug": "e1",
                "title": "A with B",
                "starts_at": "2026-12-24T19:00:00Z",
                "venue": {"id": 1, "name": "Hall", "city": "Cork"},
                "performers": [{"id": 1, "name": "A"}, {"id": 2, "name": "B"}],
                "tiers": [{"id": 1, "name": "Floor", "price_cents": 100, "capacity": 1000, "remaining": 1000}],
            }
        ]
    },
    separators=(",", ":"),
).encode()


class Shop:
    def __init__(self, behaviour: dict) -> None:
        self.behaviour = behaviour
        self.log = Path(behaviour["log"]).open("a", buffering=1)  # noqa: SIM115  # as long as the process
        self.sold = 0
        self.orders: dict[str, dict] = {}
        self.by_key: dict[str, str] = {}
        self.trappable = 0

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if method == "GET" and path == "/api/events/":
            return 200, PAGE
        if method == "POST" and path == "/api/auth/token/":
            good = json.loads(body).get("password") == "pw"
            return (200, b'{"access":"token-a","refresh":"r"}') if good else (401, b'{"detail":"no"}')
        if not headers.get("authorization", "").startswith("Bearer token-"):
            return 401, b'{"code":"not_authenticated"}'
        if method == "GET" and path == "/api/me/":
            return 200, b'{"id":1}'
        if method == "POST" and path == "/api/orders/":
            return self.order(json.loads(body), headers["idempotency-key"])
        if method == "GET" and path.startswith("/api/orders/"):
            return self.status(path.split("/")[3])
        return 404, b"{}"

    def order(self, wanted: dict, key: str) -> tuple[int, bytes]:
        if key in self.by_key:
            return 202, json.dumps(self.orders[self.by_key[key]]).encode()
        if self.sold + wanted["quantity"] > self.behaviour.get("seats", 1000):
            return 409, b'{"code":"sold_out","detail":"gone"}'
        self.sold += wanted["quantity"]
        order_id = f"0000-{len(self.orders)}"
        self.orders[order_id] = {"id": order_id, "status": "pending", "reference": wanted["reference"], "polls": 0}
        self.by_key[key] = order_id
        return 202, json.dumps(self.orders[order_id]).encode()

    def status(self, order_id: str) -> tuple[int, bytes]:
        order = self.orders.get(order_id)
        if order is None:
            return 404, b"{}"
        order["polls"] += 1
        if order["polls"] >= self.behaviour.get("polls_until_paid", 1):
            order["status"] = "paid"
        return 200, json.dumps(order).encode()

    def trap(self, method: str, path: str) -> str:
        if path not in ("/api/events/", "/api/orders/") or not self.behaviour.get("trap_every"):
            return ""
        self.trappable += 1
        return self.behaviour["trap"] if self.trappable % self.behaviour["trap_every"] == 0 else ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, path, _ = head[0].split(" ")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                entry = {"id": headers.get("x-request-id"), "method": method, "path": path, "body": body.decode()}
                self.log.write(json.dumps(entry) + "\n")
                await asyncio.sleep(self.behaviour.get("slow_s", 0.0))
                if not await self.respond(writer, method, path, headers, body):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def respond(self, writer, method, path, headers, body) -> bool:
        trap = self.trap(method, path)
        if trap == "close":
            return False
        if trap == "reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
            return False
        if trap == "hang":
            await asyncio.sleep(3600)
        status, answer = self.answer(method, path, headers, body)
        extra = ""
        if trap == "status503":
            status, answer = 503, b"{}"
        elif trap == "no_id":
            answer = b'{"status":"pending"}'
        elif trap == "not_json":
            answer = b"<html>"
        elif trap == "redirect":
            status, answer, extra = 302, b"", "Location: /api/orders/\r\n"
        if trap == "chunked":
            half = len(answer) // 2
            parts = [answer[:half], answer[half:], b""]
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for part in parts:
                writer.write(b"%x\r\n%b\r\n" % (len(part), part))
                await writer.drain()
                await asyncio.sleep(0.01)
            return True
        if trap == "until_close":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + answer)
            await writer.drain()
            return False
        if trap == "last":
            extra = "Connection: close\r\n"
        text = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{extra}Content-Length: {len(answer)}\r\n\r\n"
        writer.write(text.encode() + (answer[: len(answer) // 2] if trap == "truncate" else answer))
        await writer.drain()
        return trap not in ("truncate", "last")


async def main() -> None:
    shop = Shop(json.loads(Path(sys.argv[1]).read_text()))
    server = await asyncio.start_server(shop.serve, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
