"""A key is found in every form in which a server may quote it, and innocent text stays."""

from __future__ import annotations

from base64 import b64decode, b64encode, urlsafe_b64encode
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from suite.engines.redact import without_key

printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=60)


@given(printable, st.binary(max_size=9), st.binary(max_size=9))
def test_base64_around_a_key_does_not_give_it_away(key: str, before: bytes, after: bytes) -> None:
    for encode in (b64encode, urlsafe_b64encode):
        text = encode(before + key.encode() + after).decode()
        left = without_key(text, key)
        assert "[key]" in left and len(left) <= len(text) - len(key) * 8 // 6 + 8


@given(printable)
def test_other_forms(key: str) -> None:
    for form in (key, key.encode().hex(), quote(key, safe="")):
        assert without_key(f"a {form} b", key) == "a [key] b"


def test_without_a_key_and_without_its_forms_nothing_changes() -> None:
    assert (
        without_key("some text", None) == without_key("some text", "sk-secret-key") == "some text"
    )
    assert b64decode("c2stc2VjcmV0LWtleQ==") == b"sk-secret-key"
    assert without_key("is c2stc2VjcmV0LWtleQ==", "sk-secret-key") == "is [key]"
