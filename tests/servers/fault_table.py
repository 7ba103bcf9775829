"""What an endpoint may do instead of answering, and what engine and judge `openai` make of it.

Each fault befalls every request from the second on. With `RETRIES` further tries, a request is sent
`tries` times, and the run stops with one line that `says` what happened. A judge that gets a body
which is no reply asks once more and has no verdict then: `garbled`.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from tests.servers.openai_server import Fault, broken, changed_model, garbage, rate_limited

SECRET = "sk-a-secret+that/must-stand_nowhere?"
RETRIES = 1
TWICE = 1 + RETRIES
LIMITED = r"refused with status 429 after 1 retries: .*slow down"
GARBLED = "the answer is not what the protocol says: "
ELSEWHERE = {"Location": f"http://elsewhere.invalid/v1?key={SECRET}"}


@dataclass(frozen=True)
class Case:
    """One fault."""

    fault: Fault
    says: str
    tries: int = 1
    garbled: bool = False
    judge_takes_it: bool = False
    """The judge's verdict counts, since the reply is one; reports show what is odd about it."""


def _echo(text: str, status: int = 400) -> Fault:
    return broken(status, f"no such user: {text}")


def _base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _choices(*choices: Any) -> Fault:
    return Fault(change={"choices": list(choices)})


def _body(content: bytes, **headers: str) -> Case:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Case(Fault(content=content, headers=named), GARBLED, garbled=True)


NO_TEXT = {"index": 0, "finish_reason": "stop", "text": None, "message": {"content": None}}
NO_MESSAGE = {"index": 0, "finish_reason": "stop"}
DEEP = b"[" * 100_000
BAD_UTF8 = b'{"choices": [{"index": 0, "text": "\xff\xfe", "message": {"content": "\xff"}}]}'

CASES = {
    "429, seconds": Case(rate_limited(0.1), LIMITED, TWICE),
    "429, a date": Case(rate_limited(formatdate(time.time() + 1, usegmt=True)), LIMITED, TWICE),
    "429, a past date": Case(rate_limited(formatdate(0, usegmt=True)), LIMITED, TWICE),
    "429, an absurd date": Case(
        rate_limited("Wed, 99 Oct 99999 07:28:00 GMT"), LIMITED, TWICE
    ),
    "429, negative": Case(rate_limited(-5), LIMITED, TWICE),
    "429, nonsense": Case(rate_limited("soon"), LIMITED, TWICE),
    "429, not a number": Case(rate_limited("nan"), LIMITED, TWICE),
    "429, a day": Case(rate_limited(86_400), "refused with status 429: "),
    "500": Case(broken(), "refused with status 500 after 1 retries", TWICE),
    "503": Case(broken(503), "refused with status 503 after 1 retries", TWICE),
    "401": Case(_echo(SECRET, 401), r"refused the key \(401\); it is read from OPENAI_API_KEY"),
    "402": Case(broken(402, "no money"), "refused with status 402: .*no money"),
    "403": Case(_echo(SECRET, 403), r"refused the key \(403\)"),
    "404": Case(broken(404, "no such path"), "refused with status 404: .*no such path"),
    "400, the key": Case(_echo(SECRET), r"no such user: \[key\]"),
    "400, the key in base64": Case(_echo(_base64(SECRET)), r"no such user: \[key\]"),
    "400, the key in basic auth": Case(_echo(_base64(f":{SECRET}!")), r"no such user: .*\[key\]"),
    "400, the key in hex": Case(_echo(SECRET.encode().hex()), r"no such user: \[key\]"),
    "cut off": Case(garbage(), GARBLED, garbled=True),
    "empty": _body(b""),
    "HTML": _body(f"<html>{SECRET}</html>".encode(), Content_Type="text/html"),
    "null": _body(b"null"),
    "a list": _body(b"[]"),
    "a number": _body(b"1e999"),
    "deep": _body(DEEP),
    "bad UTF-8": _body(BAD_UTF8),
    "204": Case(Fault(204, b""), GARBLED, garbled=True),
    "not gzip": Case(
        Fault(content=b"{}", headers={"Content-Encoding": "gzip"}), r"\(2 tries\)", TWICE
    ),
    "no choices": Case(_choices(), GARBLED, garbled=True),
    "null among the choices": Case(_choices(None), GARBLED, garbled=True),
    "no message": Case(_choices(NO_MESSAGE), "gives no log-probabilities", garbled=True),
    "null content": Case(_choices(NO_TEXT), "gives no log-probabilities", garbled=True),
    "reset": Case(Fault(hang_up=-1), r"Connection error\. \(2 tries\)", TWICE),
    "reset within the body": Case(Fault(hang_up=9), r"Connection error\. \(2 tries\)", TWICE),
    "a redirect": Case(
        Fault(307, b"", ELSEWHERE), r"sends requests on to http://elsewhere.invalid \(307\)"
    ),
    "moved for good": Case(
        Fault(301, b"", ELSEWHERE), r"sends requests on to http://elsewhere.invalid \(301\)"
    ),
    "another model": Case(
        changed_model("another"), "served-model was asked for and another answers",
        judge_takes_it=True,
    ),
    "the key as model": Case(
        changed_model(SECRET), r"was asked for and \[key\] answers", judge_takes_it=True
    ),
}  # fmt: skip


def strained(body: dict[str, Any]) -> str:
    """What tells one request from another."""
    return json.dumps(body, sort_keys=True)
