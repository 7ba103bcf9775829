"""The kinds of requests that the built-in engines answer, and the refusal of any other kind.

    check_kinds("hf", requests)
    UserError: engine hf: request 'q/1': unknown request kind 'generat'; did you mean 'generate'?

Without the refusal, a new kind of request would be answered as if it were one of the old kinds.
"""

from __future__ import annotations

from collections.abc import Sequence

from suite.api.requests import Request
from suite.core.errors import UserError, unknown

KINDS = ("loglikelihood", "generate")


def check_kinds(engine: str, requests: Sequence[Request]) -> None:
    """Raise UserError for the first request whose kind the engine does not know."""
    for request in requests:
        if request.kind not in KINDS:
            raise unknown_kind(engine, request)


def unknown_kind(engine: str, request: Request) -> UserError:
    """The error for a request whose kind the engine does not know: it names both."""
    problem = unknown("request kind", request.kind, KINDS)
    return UserError(f"engine {engine}: request {request.id!r}: {problem}")
