"""The kinds of requests that the built-in engines answer, and the refusal of any other kind.

    check_kinds("hf", requests)
    UserError: engine hf: request 'q/1': unknown request kind 'generat'; did you mean 'generate'?

Without the refusal, a new kind of request would be answered as if it were one of the old kinds.
"""

from __future__ import annotations

from collections.abc import Sequence

from suite.api.requests import Generate, Request, ScoreText
from suite.core.errors import UserError, unknown

KINDS: tuple[type[Request], ...] = (ScoreText, Generate)


def check_kinds(
    engine: str, requests: Sequence[Request], known: Sequence[type[Request]] = KINDS
) -> None:
    """Raise UserError for the first request whose class is not among those that are known."""
    for request in requests:
        # Not isinstance: a derived class may ask for more than its parent.
        if type(request) not in known:
            raise unknown_kind(engine, request, known)


def unknown_kind(
    engine: str, request: Request, known: Sequence[type[Request]] = KINDS
) -> UserError:
    """The error for a request whose kind the engine does not know: it names both."""
    problem = unknown("request kind", request.kind, [each.kind for each in known])
    return UserError(f"engine {engine}: request {request.id!r}: {problem}")
