"""The HTTP client that an endpoint is asked with: it bounds what a server can do to it.

    BoundedClient(seconds=120.0, most_bytes=1 << 26)

A redirect is not followed, since prompts would go to a host that nobody named. The time limit holds
for a whole try, so a body that drips is a time-out like any other. A body that is too long is cut
off, and so is no answer. Import it only where the package `openai` is installed.
"""

from __future__ import annotations

import time
from typing import Any

import httpx
from openai import DefaultHttpxClient

ENCODED = ("content-encoding", "content-length", "transfer-encoding")
"""Headers that describe the body as it was sent, not as it is handed on."""


class BoundedClient(DefaultHttpxClient):
    """Reads each body whole, within limits."""

    def __init__(self, seconds: float, most_bytes: int) -> None:
        super().__init__(timeout=seconds, follow_redirects=False)
        self._seconds, self._most_bytes = seconds, most_bytes

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request. Raises what httpx raises, ReadTimeout for a body that is late too."""
        deadline = time.monotonic() + self._seconds
        response = super().send(request, **{**options, "stream": True, "follow_redirects": False})
        try:
            content = self._body(response, deadline)
        finally:
            response.close()
        return httpx.Response(
            response.status_code,
            headers=[pair for pair in response.headers.multi_items() if pair[0] not in ENCODED],
            content=content,
            request=request,
            extensions=response.extensions,
        )

    def _body(self, response: httpx.Response, deadline: float) -> bytes:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the body came too slowly", request=response.request)
            if len(content) > self._most_bytes:
                break
        return bytes(content[: self._most_bytes])
