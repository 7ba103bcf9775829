"""Cutting a key out of what an endpoint says, in the forms in which a server may quote it.

without_key("no such user: c2stc2VjcmV0LWtleQ==", "sk-secret-key")   "no such user: [key]"
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote

SHORTEST = 8
"""Characters of an encoded form; a shorter one would be found in innocent text."""


def without_key(text: str, key: str | None) -> str:
    """Replace each form of the key by "[key]"."""
    if not key:
        return text
    for form in sorted({key, *_encoded(key)}, key=len, reverse=True):
        text = text.replace(form, "[key]")
    return text.replace("[key]==", "[key]").replace("[key]=", "[key]")


def _encoded(key: str) -> Iterator[str]:
    """As JSON, in an address, in hexadecimal digits, in base64 (alone or within a longer text)."""
    content = key.encode()
    forms = [json.dumps(key)[1:-1], quote(key, safe=""), content.hex(), content.hex().upper()]
    whole = b64encode(content).decode().rstrip("=")
    for before in range(3):
        # Bytes before and after the key share its first and last digits: those are left out.
        digits = b64encode(bytes(before) + content).decode()
        forms.append(digits[-(-before * 8 // 6) : (before + len(content)) * 8 // 6])
    for form in (whole, *forms):
        for each in (form, form.replace("+", "-").replace("/", "_")):
            if len(each) >= SHORTEST:
                yield each
