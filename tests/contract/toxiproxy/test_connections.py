"""Life and death of connections without toxics, and of many at once."""

from __future__ import annotations

import socket
import threading


def test_a_fin_of_the_client_closes_both_sides(lab, upstreams, eventually):
    upstream = lab.upstream(upstreams.echo)
    client = lab.established(lab.proxy(upstream))
    client.finish_sending()
    assert client.ending() == "eof"
    eventually(lambda: upstream.ended[0] == "eof", "the upstream to see the end")


def test_a_fin_of_the_upstream_closes_both_sides(lab, upstreams):
    client = lab.client(lab.proxy(lab.upstream(upstreams.sender(b"bye"))))
    assert client.rest() == b"bye"


def test_all_data_before_a_fin_arrives(lab, upstreams, eventually):
    payload = bytes(range(256)) * 8192
    sink = lab.upstream(upstreams.read_all)
    client = lab.client(lab.proxy(sink))
    client.send(payload)
    client.close()
    eventually(lambda: sink.ended and sink.ended[0] == "eof", "the upstream to see the end")
    assert bytes(sink.received[0]) == payload
    assert lab.client(lab.proxy(lab.upstream(upstreams.sender(payload)))).rest() == payload


def test_a_dead_upstream_accepts_and_ends(lab):
    proxy = lab.proxy(f"127.0.0.1:{lab.free_port()}")
    for _ in range(2):
        assert lab.client(proxy).ending() == "eof"
    assert proxy.show()["enabled"] is True


def test_an_upstream_that_is_no_address_accepts_and_ends(lab, upstreams):
    proxy = lab.proxy("nonsense")
    assert lab.client(proxy).ending() == "eof"
    proxy.change(upstream=lab.upstream(upstreams.echo).address)
    lab.established(proxy)


def test_a_reset_of_the_client_reaches_the_upstream_as_an_end(lab, upstreams, eventually):
    upstream = lab.upstream(upstreams.echo)
    client = lab.established(lab.proxy(upstream))
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    eventually(lambda: upstream.ended[0] is not None, "the upstream to see the end")


def test_two_hundred_clients_at_once(lab, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("latency", latency=5, jitter=5)
    clients = [lab.client(proxy) for _ in range(200)]
    wrong: list[int] = []

    def talk(number: int) -> None:
        for turn in range(5):
            message = f"{number}:{turn}".encode() * 100
            if clients[number].ask(message) != message:
                wrong.append(number)

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    proxy.remove()
    assert all(client.ask(b"again") == b"again" for client in clients)


def test_a_slow_reader_loses_nothing(lab, upstreams):
    payload = bytes(range(256)) * 65536
    client = lab.client(lab.proxy(lab.upstream(upstreams.sender(payload))))
    received = bytearray()
    while piece := client.socket.recv(1_000_000):
        received += piece
        threading.Event().wait(0.002)
    assert bytes(received) == payload
