"""The engine's adapter against both servers."""

from __future__ import annotations

import threading

import pytest

from chaos.adapters.toxiproxy import ProxySpec, ToxiproxyAdapter, ToxiproxyDeadline, ToxiproxyRefused
from chaos.ports import ToxicSpec

ATTRIBUTES = {
    "latency": {"latency": 300, "jitter": 50},
    "bandwidth": {"rate": 100},
    "slow_close": {"delay": 100},
    "timeout": {"timeout": 100},
    "reset_peer": {"timeout": 100},
    "slicer": {"average_size": 64, "size_variation": 32, "delay": 10},
    "limit_data": {"bytes": 1000},
}


@pytest.fixture
def adapter(lab):
    return ToxiproxyAdapter(lab.server.url, 10.0)


def _spec(lab, upstream):
    proxy = lab.proxy(upstream)
    return ProxySpec(name=proxy.name, listen=proxy.listen, upstream=upstream.address)


def test_version_tells_them_apart(lab, adapter):
    version = adapter.version()
    assert (version.number, version.kind) == ("2.12.0", "real" if lab.server.kind == "real" else "builtin")


@pytest.mark.parametrize("toxic", ATTRIBUTES)
@pytest.mark.parametrize(("stream", "toxicity"), [("downstream", 1.0), ("upstream", 0.3)])
def test_every_toxic_is_added_read_back_and_removed(lab, adapter, upstreams, toxic, stream, toxicity):
    spec = _spec(lab, lab.upstream(upstreams.echo))
    asked = ToxicSpec(name="t-1", type=toxic, stream=stream, toxicity=toxicity, attributes=ATTRIBUTES[toxic])
    read_back = adapter.add_toxic(spec.name, asked)
    assert (read_back["type"], read_back["attributes"]) == (toxic, ATTRIBUTES[toxic])
    assert adapter.pristine([spec]) == [f"proxy {spec.name}: got toxic t-1 ({toxic}, {stream}), expected none"]
    adapter.remove_toxic(spec.name, "t-1")
    adapter.remove_toxic(spec.name, "t-1")
    assert adapter.pristine([spec]) == []


def test_a_toxic_can_not_be_added_twice(lab, adapter, upstreams):
    spec = _spec(lab, lab.upstream(upstreams.echo))
    toxic = ToxicSpec(name="t", type="latency", attributes={"latency": 1})
    adapter.add_toxic(spec.name, toxic)
    with pytest.raises(ToxiproxyRefused, match="toxic already exists"):
        adapter.add_toxic(spec.name, toxic)


def test_an_unknown_proxy_is_an_error_for_every_change(lab, adapter):
    toxic = ToxicSpec(name="t", type="latency", attributes={"latency": 1})
    for change in (
        lambda: adapter.add_toxic("nope", toxic),
        lambda: adapter.remove_toxic("nope", "t"),
        lambda: adapter.set_enabled("nope", False),
    ):
        with pytest.raises(ToxiproxyRefused, match="proxy not found") as caught:
            change()
        assert caught.value.status == 404


def test_down_and_up_again(lab, adapter, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    adapter.set_enabled(proxy.name, False)
    adapter.set_enabled(proxy.name, False)
    assert proxy.refuses()
    assert f"proxy {proxy.name}: got it disabled, expected enabled" in adapter.pristine()
    adapter.set_enabled(proxy.name, True)
    lab.established(proxy)
    assert adapter.pristine() == []


def test_reset_heals_everything(lab, adapter, upstreams):
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    adapter.add_toxic(proxy.name, ToxicSpec(name="t", type="timeout", attributes={"timeout": 0}))
    adapter.set_enabled(proxy.name, False)
    adapter.reset()
    assert adapter.pristine() == []
    lab.established(proxy)


def test_a_change_that_hangs_ends_at_the_deadline_and_can_be_lifted_later(own_lab, upstreams):
    """reset_peer that has fired blocks its own removal: the adapter says so, and a second try succeeds."""
    lab = own_lab
    proxy = lab.proxy(lab.upstream(upstreams.echo))
    proxy.add("reset_peer", timeout=1500)
    lab.client(proxy).send(b"x")
    threading.Event().wait(0.2)
    with pytest.raises(ToxiproxyDeadline, match=r"DELETE .* got no answer within 0\.3 s"):
        ToxiproxyAdapter(lab.server.url, 0.3).remove_toxic(proxy.name, "t")
    patient = ToxiproxyAdapter(lab.server.url, 20.0)
    patient.remove_toxic(proxy.name, "t")
    assert patient.pristine() == []


@pytest.fixture
def expecting(own_lab, upstreams):
    """An adapter that knows the one proxy that the lab made, and that proxy."""
    proxy = own_lab.proxy(own_lab.upstream(upstreams.echo))
    listed = ToxiproxyAdapter(own_lab.server.url, 10.0).proxies()[proxy.name]
    spec = ProxySpec(name=proxy.name, listen=listed.listen, upstream=listed.upstream)
    return ToxiproxyAdapter(own_lab.server.url, 10.0, expected=[spec]), spec


def test_a_proxy_that_the_lab_did_not_make_is_named_and_removed(own_lab, expecting):
    adapter, spec = expecting
    assert (adapter.pristine(), adapter.uninvited()) == ([], [])
    body = {"name": "own way", "listen": "127.0.0.1:0", "upstream": spec.upstream, "enabled": True}
    listen = own_lab.server.call("POST", "/proxies", body).json["listen"]
    said = f"proxy own way: got {listen} to {spec.upstream}, expected no proxy that the lab did not make"
    assert (adapter.pristine(), adapter.uninvited()) == ([said], [said])
    adapter.reset()
    assert (adapter.pristine(), list(adapter.proxies())) == ([], [spec.name])


def test_a_changed_or_missing_proxy_is_named_and_made_again(own_lab, expecting):
    adapter, spec = expecting
    own_lab.server.call("POST", f"/proxies/{spec.name}", {"upstream": "127.0.0.1:9"})
    said = f"proxy {spec.name}: got upstream 127.0.0.1:9, expected {spec.upstream}"
    assert (adapter.pristine(), adapter.uninvited()) == ([said], [said])
    adapter.reset()
    assert adapter.pristine() == []
    own_lab.server.call("DELETE", f"/proxies/{spec.name}")
    assert len(adapter.uninvited()) == 1
    adapter.reset()
    assert adapter.pristine() == []


def test_what_the_adapter_was_asked_for_is_not_uninvited(own_lab, expecting):
    adapter, spec = expecting
    adapter.add_toxic(spec.name, ToxicSpec(name="t", type="latency", attributes={"latency": 1}))
    adapter.set_enabled(spec.name, False)
    assert (len(adapter.pristine()), adapter.uninvited()) == (2, [])
    theirs = {"name": "theirs", "type": "latency", "attributes": {"latency": 1}}
    own_lab.server.call("POST", f"/proxies/{spec.name}/toxics", theirs)
    assert adapter.uninvited() == [f"proxy {spec.name}: got toxic theirs (latency, downstream), expected none"]
    adapter.remove_toxic(spec.name, "theirs")
    adapter.remove_toxic(spec.name, "t")
    adapter.set_enabled(spec.name, True)
    own_lab.server.call("POST", f"/proxies/{spec.name}/toxics", {**theirs, "name": "t"})
    own_lab.server.call("POST", f"/proxies/{spec.name}", {"enabled": False})
    assert len(adapter.uninvited()) == 2, "what it has taken away is no longer its own"
