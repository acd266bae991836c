"""Toxiproxy, through its Python client. Every call has a deadline, is read back, and reports errors as sentences.

The client (toxiproxy-python 0.1.1) keeps its host in a class that all its users share, has no timeout, reports a failed
`enable()` as done and a failed `create()` as a KeyError. So only its `APIConsumer` is used, which passes timeouts on,
in a subclass per adapter that has the adapter's own host, so that two adapters can't interfere.

A call may hang (a client that does not read, an upstream that can't be dialled, a `reset_peer` that has fired) and may
still take effect after its deadline. So after a `ToxiproxyDeadline` the caller has to lift as if it had taken effect.

Source: docs of Toxiproxy 2.12; behaviour observed on the real server and tested in tests/contract/toxiproxy.
"""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from toxiproxy.api import APIConsumer
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from chaos.errors import InvalidInput, LabBroken
from chaos.ports import ToxicSpec
from launch import signed

# An HTTP proxy from the environment must not be used between two processes of one machine.
_NO_HTTP_PROXY: Mapping[str, None] = {"http": None, "https": None, "all": None}
_QUOTED_CHARACTERS = 200
_OFF = ""
"""Stands among a proxy's toxics for its being disabled; no toxic has an empty name."""


class ToxiproxyUnreachable(LabBroken):
    """No server answers at the API's address."""


class ToxiproxyDeadline(LabBroken):
    """No answer in time. The request may still take effect."""


class ToxiproxyRefused(LabBroken):
    """The server answered with an error, or with something that is not its API.

    Attributes:
        status: HTTP status; 0 when the answer could not be read.
    """

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ToxiproxyMismatch(LabBroken):
    """The server reported success, but the state read back is not the one that was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySpec:
    """A proxy's required state. Addresses are `host:port`; without a host, it would listen on all interfaces."""

    name: str
    listen: str
    upstream: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyState:
    """A proxy as the server has it."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: tuple[ToxicSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerVersion:
    """The server's version.

    Attributes:
        text: As the server sends it, e.g. `2.12.0`, or `2.12.0+firedrill-standin` from the built-in stand-in.
    """

    text: str

    @property
    def kind(self) -> str:
        """`builtin` for the stand-in, else `real`."""
        return "builtin" if self.text.endswith("+firedrill-standin") else "real"

    @property
    def number(self) -> str:
        """The version of Toxiproxy whose API it speaks."""
        return self.text.partition("+")[0]


@dataclass(slots=True)
class _Deadline:
    """The total time that one public call may take."""

    seconds: float
    _until_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._until_s = time.monotonic() + self.seconds

    def left_s(self) -> float:
        return self._until_s - time.monotonic()


class _Asked:
    """What the adapter was asked to put on proxies and not yet seen to take away: (proxy, toxic), or (proxy, _OFF)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[tuple[str, str]] = set()

    def add(self, proxy: str, what: str) -> None:
        with self._lock:
            self._held.add((proxy, what))

    def discard(self, proxy: str, what: str) -> None:
        with self._lock:
            self._held.discard((proxy, what))

    def clear(self) -> None:
        with self._lock:
            self._held.clear()

    def now(self) -> frozenset[tuple[str, str]]:
        with self._lock:
            return frozenset(self._held)


class ToxiproxyAdapter:
    """See the module. Implements `chaos.ports.ProxyControl`; safe to use from several threads.

    Args:
        api_url: `http://host:port`.
        deadline_s: Seconds that one call may take, including the reading back.
        expected: The proxies that the lab made, for `pristine`, `uninvited` and `reset`. Without any, none is foreign.
        lab_token: Signs the requests, so that the watch can tell them from a stranger's.

    Every call raises one of the LabBroken errors above when it can't do what its name says.
    """

    def __init__(
        self, api_url: str, deadline_s: float = 5.0, expected: Sequence[ProxySpec] = (), *, lab_token: str = ""
    ) -> None:
        address = urlsplit(api_url)
        if address.scheme != "http" or not address.hostname or not address.port or address.path.strip("/"):
            raise InvalidInput(f"toxiproxy: got the API address {api_url!r}, expected http://host:port")
        if not deadline_s > 0:
            raise InvalidInput(f"toxiproxy: got a deadline of {deadline_s} s, expected more than 0")
        host = f"[{address.hostname}]" if ":" in address.hostname else address.hostname
        self._consumer: Any = type("Consumer", (APIConsumer,), {"host": host, "port": address.port})
        self._where = f"toxiproxy {host}:{address.port}"
        self._deadline_s, self._headers = deadline_s, signed.headers(lab_token)
        self._expected = tuple(expected)
        self._asked = _Asked()

    # --- reading -------------------------------------------------------------------------------------------------

    def version(self) -> ServerVersion:
        """The version of the server that answers."""
        answer = self._json("GET", "/version", _Deadline(self._deadline_s))
        if not isinstance(answer, dict) or not isinstance(answer.get("version"), str):
            raise ToxiproxyRefused(f"{self._where}: GET /version: got {_short(answer)}, expected a version")
        return ServerVersion(text=answer["version"])

    def proxies(self) -> dict[str, ProxyState]:
        """All proxies by name."""
        return self._proxies(_Deadline(self._deadline_s))

    def pristine(self, expected: Sequence[ProxySpec] | None = None) -> list[str]:
        """Differences from the state that is required between runs, in words; empty when there are none.

        Looks for missing and foreign proxies, wrong addresses, disabled proxies and toxics.
        """
        wanted = self._expected if expected is None else tuple(expected)
        found = self.proxies()
        if not found and not wanted:
            return [f"{self._where}: got no proxy at all, expected the lab's"]
        foreign = _foreign(self._expected, found) if expected is None else []
        return foreign + _deviations(wanted, found)

    def uninvited(self) -> list[str]:
        """Like `pristine`, without the toxics and disabled proxies that this adapter was asked for."""
        before = self._asked.now()
        found = self.proxies()
        asked = before | self._asked.now()  # one may be added, or removed, during the reading
        return _foreign(self._expected, found) + _deviations(self._expected, found, asked)

    def deviations(self) -> list[str]:
        """`pristine`, under the name that the port has."""
        return self.pristine()

    # --- changing ------------------------------------------------------------------------------------------------

    def add_toxic(self, proxy: str, toxic: ToxicSpec) -> dict[str, Any]:
        """Add *toxic* and read it back. Returns the toxic as the server has it.

        Raises: InvalidInput for values that crash the real server; ToxiproxyMismatch when the toxic read back differs
            (the server ignores unknown attributes). After any error but InvalidInput the toxic may have been added.
        """
        _refuse_dangerous(toxic)
        deadline = _Deadline(self._deadline_s)
        path = f"{_proxy_path(proxy)}/toxics"
        body = {
            "name": toxic.name,
            "type": toxic.type,
            "stream": toxic.stream,
            "toxicity": toxic.toxicity,
            "attributes": dict(toxic.attributes),
        }
        self._asked.add(proxy, toxic.name)
        self._call("POST", path, deadline, {200}, json=body)
        answer = self._json("GET", f"{path}/{quote(toxic.name, safe='')}", deadline)
        problems = _toxic_differences(toxic, answer)
        if problems:
            raise ToxiproxyMismatch(f"{self._where}: toxic {proxy}/{toxic.name}: " + "; ".join(problems))
        return dict(answer)

    def toxic(self, proxy: str, name: str) -> dict[str, Any] | None:
        """The toxic as the server has it; None when it is not there."""
        path = f"{_proxy_path(proxy)}/toxics/{quote(name, safe='')}"
        try:
            return dict(self._json("GET", path, _Deadline(self._deadline_s)))
        except ToxiproxyRefused as error:
            if error.status == 404:
                return None
            raise

    def is_enabled(self, proxy: str) -> bool:
        """Whether *proxy* accepts connections."""
        return self._state(self._json("GET", _proxy_path(proxy), _Deadline(self._deadline_s))).enabled

    def remove_toxic(self, proxy: str, name: str) -> None:
        """Remove a toxic; no error when it is not there. Returns when the server no longer lists it.

        Raises: ToxiproxyRefused with status 404 when the *proxy* is not there.
        """
        deadline = _Deadline(self._deadline_s)
        path = f"{_proxy_path(proxy)}/toxics"
        try:
            self._call("DELETE", f"{path}/{quote(name, safe='')}", deadline, {204})
        except ToxiproxyRefused as error:
            if error.status != 404:
                raise
        left = [_toxic(item).name for item in self._list(path, deadline)]
        if name in left:
            raise ToxiproxyMismatch(
                f"{self._where}: toxic {proxy}/{name}: got it listed after its removal, expected none"
            )
        self._asked.discard(proxy, name)

    def set_enabled(self, proxy: str, enabled: bool) -> None:
        """Enable or disable *proxy* and read it back. Idempotent; disabling closes its connections."""
        deadline = _Deadline(self._deadline_s)
        if not enabled:
            self._asked.add(proxy, _OFF)
        self._call("POST", _proxy_path(proxy), deadline, {200}, json={"enabled": enabled})
        state = self._state(self._json("GET", _proxy_path(proxy), deadline))
        if state.enabled is not enabled:
            raise ToxiproxyMismatch(f"{self._where}: proxy {proxy}: got enabled {state.enabled}, expected {enabled}")
        if enabled:
            self._asked.discard(proxy, _OFF)

    def reset(self) -> None:
        """Remove foreign proxies, make again what of the lab's is missing or has another address, enable every proxy,
        remove every toxic, and read the state back."""
        deadline = _Deadline(self._deadline_s)
        if self._expected:
            self._only_expected(deadline)
        self._call("POST", "/reset", deadline, {204})
        found = self._proxies(deadline)
        problems = _foreign(self._expected, found) + _deviations(self._expected, found)
        if problems:
            raise ToxiproxyMismatch(f"{self._where}: after a reset: " + "; ".join(problems))
        self._asked.clear()

    def _only_expected(self, deadline: _Deadline) -> None:
        found = self._proxies(deadline)
        for name in found.keys() - {spec.name for spec in self._expected}:
            try:
                self._call("DELETE", _proxy_path(name), deadline, {204})
            except ToxiproxyRefused as error:
                if error.status != 404:
                    raise
        wrong = [spec for spec in self._expected if _address_deviations(spec, found.get(spec.name))]
        if wrong:  # replaces a proxy with another address
            self._call("POST", "/populate", deadline, {201}, json=[{**asdict(spec), "enabled": True} for spec in wrong])

    # --- one call ------------------------------------------------------------------------------------------------

    def _proxies(self, deadline: _Deadline) -> dict[str, ProxyState]:
        answer = self._json("GET", "/proxies", deadline)
        if not isinstance(answer, dict):
            raise ToxiproxyRefused(f"{self._where}: GET /proxies: got {_short(answer)}, expected proxies by name")
        return {name: self._state(item) for name, item in answer.items()}

    def _state(self, item: Any) -> ProxyState:
        try:
            return ProxyState(
                name=item["name"],
                listen=item["listen"],
                upstream=item["upstream"],
                enabled=item["enabled"],
                toxics=tuple(_toxic(toxic) for toxic in item["toxics"]),
            )
        except (KeyError, TypeError) as error:
            raise ToxiproxyRefused(f"{self._where}: got {_short(item)}, expected a proxy ({error!r})") from error

    def _list(self, path: str, deadline: _Deadline) -> list[Any]:
        answer = self._json("GET", path, deadline)
        if not isinstance(answer, list):
            raise ToxiproxyRefused(f"{self._where}: GET {path}: got {_short(answer)}, expected a list")
        return answer

    def _json(self, method: str, path: str, deadline: _Deadline) -> Any:
        response = self._call(method, path, deadline, {200})
        try:
            return response.json()
        except ValueError as error:
            text = f"{self._where}: {method} {path}: got {_short(response.text)}, expected JSON"
            raise ToxiproxyRefused(text) from error

    def _call(self, method: str, path: str, deadline: _Deadline, fine: set[int], json: Any = None) -> requests.Response:
        """One exchange, in a thread of its own, because the timeouts of `requests` count per read, not for the call."""
        what = f"{self._where}: {method} {path}"
        left_s = deadline.left_s()
        if left_s <= 0:
            raise ToxiproxyDeadline(f"{what}: got no time left of {deadline.seconds:g} s, expected an answer by then")
        request = self._request(method, path, left_s, json)
        try:
            response = _within(left_s, request, f"toxiproxy {method} {path}")
        except (TimeoutError, requests.Timeout):
            # Refused and unroutable connections raise other errors, so here the request may have arrived.
            text = f"{what}: got no answer within {deadline.seconds:g} s, expected one (it may still take effect)"
            raise ToxiproxyDeadline(text) from None
        except requests.RequestException as error:
            raise ToxiproxyUnreachable(f"{what}: got {_reason(error)}, expected an answer") from error
        except (InvalidToxic, NotFound, ProxyExists) as error:
            status = {InvalidToxic: 400, NotFound: 404, ProxyExists: 409}[type(error)]
            raise ToxiproxyRefused(f"{what}: got {status} {_short(error.args[0])}, expected success", status) from error
        if response.status_code not in fine:
            text = f"{what}: got {response.status_code} {_short(response.text)}, expected {min(fine)}"
            raise ToxiproxyRefused(text, response.status_code)
        return response

    def _request(self, method: str, path: str, timeout_s: float, json: Any) -> Callable[[], requests.Response]:
        arguments: dict[str, Any] = {
            "timeout": timeout_s,
            "proxies": dict(_NO_HTTP_PROXY),
            "headers": dict(self._headers),
        }
        if json is not None:
            arguments["json"] = json
        send = {"GET": self._consumer.get, "POST": self._consumer.post, "DELETE": self._consumer.delete}[method]
        return lambda: send(path, **arguments)


def _within(timeout_s: float, work: Callable[[], requests.Response], name: str) -> requests.Response:
    """The result of *work*, or its exception. Raises: TimeoutError; *work* then ends by its own socket timeout."""
    results: list[requests.Response] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # handed to the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    thread.join(timeout_s)
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError
    return results[0]


def _toxic(item: Any) -> ToxicSpec:
    try:
        return ToxicSpec(
            name=item["name"],
            type=item["type"],
            stream=item["stream"],
            toxicity=item["toxicity"],
            attributes=dict(item["attributes"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ToxiproxyRefused(f"toxiproxy: got {_short(item)}, expected a toxic ({error!r})") from error


def _address_deviations(spec: ProxySpec, state: ProxyState | None) -> list[str]:
    if state is None:
        return [f"proxy {spec.name}: got none, expected {spec.listen} to {spec.upstream}"]
    pairs = (("listen", state.listen, spec.listen), ("upstream", state.upstream, spec.upstream))
    return [f"proxy {spec.name}: got {key} {got}, expected {want}" for key, got, want in pairs if got != want]


def _state_deviations(state: ProxyState, asked: Set[tuple[str, str]]) -> list[str]:
    fine = state.enabled or (state.name, _OFF) in asked
    disabled = [] if fine else [f"proxy {state.name}: got it disabled, expected enabled"]
    return disabled + [
        f"proxy {state.name}: got toxic {toxic.name} ({toxic.type}, {toxic.stream}), expected none"
        for toxic in state.toxics
        if (state.name, toxic.name) not in asked
    ]


def _deviations(
    wanted: Sequence[ProxySpec], found: Mapping[str, ProxyState], asked: Set[tuple[str, str]] = frozenset()
) -> list[str]:
    problems = [line for spec in wanted for line in _address_deviations(spec, found.get(spec.name))]
    return problems + [line for state in found.values() for line in _state_deviations(state, asked)]


def _foreign(expected: Sequence[ProxySpec], found: Mapping[str, ProxyState]) -> list[str]:
    """Proxies that nobody of the lab made; none when it is not known which ones the lab made."""
    known = {spec.name for spec in expected} or found.keys()
    return [
        f"proxy {state.name}: got {state.listen} to {state.upstream}, expected no proxy that the lab did not make"
        for name, state in found.items()
        if name not in known
    ]


def _toxic_differences(asked: ToxicSpec, answer: Any) -> list[str]:
    got = _toxic(answer)
    pairs: list[tuple[str, Any, Any]] = [
        ("name", got.name, asked.name),
        ("type", got.type, asked.type),
        ("stream", got.stream, asked.stream),
        ("toxicity", _float32(got.toxicity), _float32(asked.toxicity)),
    ]
    # Attributes that were not asked for must have their default 0; attributes that the server ignores are missing.
    for name in sorted({*asked.attributes, *got.attributes}):
        pairs.append((name, got.attributes.get(name), asked.attributes.get(name, 0)))
    return [f"got {name} {have}, expected {want}" for name, have, want in pairs if have != want]


def _float32(value: float) -> float:
    """The server keeps toxicity in single precision."""
    return float(struct.unpack("<f", struct.pack("<f", value))[0])


def _refuse_dangerous(toxic: ToxicSpec) -> None:
    """Refuse values that crash the real server, and with it the lab.

    Raises: InvalidInput.
    """
    problems = [
        f"{name}: got {value!r}, expected an integer from 0 to 2^31-1"
        for name, value in toxic.attributes.items()
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31
    ]
    if not problems and toxic.type == "slicer":
        average, variation = (toxic.attributes.get(name, 0) for name in ("average_size", "size_variation"))
        if not 0 <= variation <= average or average < 1:
            problems.append(
                f"size_variation: got {variation} at average_size {average}, expected 0 to average_size >= 1"
            )
    if not 0 < toxic.toxicity <= 1:
        problems.append(f"toxicity: got {toxic.toxicity}, expected more than 0 and at most 1")
    if problems:
        raise InvalidInput([f"toxic {toxic.name} ({toxic.type}): {problem}" for problem in problems])


def _proxy_path(proxy: str) -> str:
    return f"/proxies/{quote(proxy, safe='')}"


def _reason(error: requests.RequestException) -> str:
    """The innermost cause: requests wraps a refused connection four times."""
    cause: BaseException = error
    while (inner := getattr(cause, "reason", None) or cause.__cause__ or cause.__context__) is not None and isinstance(
        inner, BaseException
    ):
        cause = inner
    return f"{type(cause).__name__} ({cause})"


def _short(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _QUOTED_CHARACTERS else text[:_QUOTED_CHARACTERS] + "…"
