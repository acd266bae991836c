"""Bodies as Go reads them."""

from __future__ import annotations

import pytest

from services.toxiproxy.decode import Fields, first_value, shortest_float32, to_float32
from services.toxiproxy.errors import ApiError


@pytest.mark.parametrize(
    ("body", "value"),
    [(b"{}", {}), (b' {"a": 1} tail', {"a": 1}), (b"null", None), (b"[1] [2]", [1]), (b'"x"', "x"), (b"1 2", 1)],
)
def test_the_first_value_counts(body, value):
    assert first_value(body) == value


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "EOF"),
        (b"{", "unexpected EOF"),
        (b'{"a', "unexpected EOF"),
        (b'{"a":', "unexpected EOF"),
        (b"[1,", "unexpected EOF"),
        (b"x", "invalid character 'x' looking for beginning of value"),
        (b"NaN", "invalid character 'N' looking for beginning of value"),
        (b"[" * 200_000, "exceeded max depth"),
    ],
)
def test_what_is_no_json_is_named(body, error):
    with pytest.raises(ApiError) as caught:
        first_value(body)
    assert (caught.value.status, caught.value.message) == (400, f"bad request body: {error}")


def test_fields_have_defaults_and_any_case():
    fields = Fields({"NaMe": "a", "listen": None, "other": 1}, "Proxy")
    assert (fields.text("name", "b"), fields.text("listen", "c"), fields.flag("enabled", True)) == ("a", "c", True)


@pytest.mark.parametrize(
    ("read", "kind", "expected"),
    [
        (lambda fields: fields.text("x", ""), 1, "number into Go struct field P.x of type string"),
        (lambda fields: fields.flag("x", True), 1, "number into Go struct field P.x of type bool"),
        (lambda fields: fields.float32("x", 1.0), True, "bool into Go struct field P.x of type float32"),
        (lambda fields: fields.float32("x", 1.0), 1e300, "number 1e+300 into Go struct field P.x of type float32"),
    ],
)
def test_a_wrong_type_is_named(read, kind, expected):
    with pytest.raises(ApiError) as caught:
        read(Fields({"x": kind}, "P"))
    assert caught.value.message.endswith(expected)


@pytest.mark.parametrize("value", [0.0, 1.0, -1.0, 7.0, 0.1, 0.3, 1 / 3, 0.123456789, 1e-7, 16777217.0])
def test_a_single_precision_number_is_printed_shortest_and_reads_back(value):
    kept = to_float32(value, "x")
    assert to_float32(shortest_float32(kept), "x") == kept
    assert len(repr(shortest_float32(kept))) <= len(repr(kept))
