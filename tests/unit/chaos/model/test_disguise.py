"""Keys and request ids."""

from __future__ import annotations

import re
import uuid

from hypothesis import given
from hypothesis import strategies as st

from chaos.model.disguise import _uuid4, intent_key, request_id


def test_ids_look_like_anybodys_and_never_repeat() -> None:
    forms = set()
    for salt in map(str, range(90)):
        keys = [intent_key(salt, index) for index in range(200)] + [intent_key(salt, 0, part) for part in range(1, 50)]
        ids = [request_id(salt, f"{worker}-{number}") for worker in range(2) for number in range(200)]
        assert len(set(keys)) == len(keys)
        assert len(set(ids)) == len(ids)
        assert not set(keys) & set(ids)
        for name in (*keys, *ids):
            assert re.fullmatch(r"[0-9a-z-]{25,36}", name), "fits into a comment, a header and a reference of 64"
        forms.add((len(keys[0]), len(ids[0])))
    assert len(forms) == 9, "each of both in each of three forms, by the salt"


def test_they_depend_on_salt_and_number_alone() -> None:
    assert intent_key("a", 1) == intent_key("a", 1) != intent_key("b", 1)
    assert request_id("a", "0-1") == request_id("a", "0-1") != request_id("b", "0-1")


def test_a_recorded_run_is_read_with_the_names_that_were_sent() -> None:
    """Evidence holds salts and operations: another name for the same would part a request from its log lines."""
    assert request_id("salt-0", "0-1") == "793f4tj1mcd9twe5bbbecys1n"
    assert request_id("salt-1", "0-1") == "801ee60430fc2f6e5968fc63ed4483ca"
    assert request_id("salt-2", "0-1") == "a6c3ff76-ff09-47a3-a859-110a3a35cfc1"
    assert intent_key("salt-0", 7, 1) == "a1zcdkcegh30vjed5fdd8y0w9"


@given(st.binary(min_size=20, max_size=20))
def test_the_uuids_are_those_of_the_standard_library(digest: bytes) -> None:
    assert _uuid4(digest) == str(uuid.UUID(bytes=digest[:16], version=4))


def test_without_a_salt_a_request_is_named_after_its_operation() -> None:
    """As in histories of before."""
    assert request_id("", "0-17") == "0-17"
