"""One OpenAI-compatible endpoint, asked through the official client.

    endpoint = Endpoint("http://localhost:8000/v1", "my-model", concurrency=8)
    for item, answer in endpoint.ask_all(call, items): ...       call(client, item) -> answer

It retries, has time limits, and tells errors in one line. The key comes from the environment
variable OPENAI_API_KEY, is handed to the client and stands nowhere else: it is cut out of errors,
and an address that carries a key is refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from suite.core.errors import UserError, unknown

if TYPE_CHECKING:
    from openai import OpenAI

KEY = "OPENAI_API_KEY"
Item = TypeVar("Item")
Answer = TypeVar("Answer")


def check_address(url: str) -> None:
    """Refuse what is no address, and one that carries a password or a query. Raises ValueError."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("base_url is not an address such as http://localhost:8000/v1") from None
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(
            f"base_url must be a bare address: it is written into reports (a key belongs in {KEY})"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(
            f"base_url is {url!r}, but should be an address such as http://localhost:8000/v1"
        )


class Endpoint:
    """Asks a model at an endpoint.

    `timeout`: seconds for one try. `retries`: further tries after 408, 409, 429, 5xx, a lost
    connection or a time-out. They wait as many seconds as Retry-After says (up to two minutes),
    otherwise with growing pauses; the client library does all that.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        concurrency: int = 8,
        timeout: float = 120.0,
        retries: int = 6,
    ) -> None:
        self.base_url, self.model = base_url.rstrip("/"), model
        self.concurrency, self.timeout, self.retries = concurrency, timeout, retries

    @cached_property
    def client(self) -> OpenAI:
        """The official client; many threads may use it."""
        try:
            from openai import OpenAI
        except ImportError:
            raise UserError(
                "the client library is not installed: pip install 'suite-compare[openai]'"
            ) from None
        # One's own server asks for no key, but the client wants a text.
        key = os.environ.get(KEY) or "none"
        return OpenAI(
            base_url=self.base_url, api_key=key, timeout=self.timeout, max_retries=self.retries
        )

    def check_model(self) -> None:
        """Refuse a model that the endpoint does not list; without a list, any model is accepted."""
        from openai import NotFoundError

        try:
            listed = self.ask(lambda client: client.models.list())
        except UserError as error:
            if isinstance(error.__cause__, NotFoundError):
                return
            raise
        names = [str(model.id) for model in getattr(listed, "data", None) or ()]
        if names and self.model not in names:
            raise UserError(f"{self.base_url}: {unknown('model', self.model, names)}")

    def ask(self, call: Callable[[OpenAI], Answer]) -> Answer:
        """Make one call, with the client's retries. UserError says in one line what went wrong."""
        from openai import APIError, APIStatusError

        try:
            return call(self.client)
        except APIStatusError as error:
            raise UserError(f"{self.base_url}: {self._refusal(error)}") from error
        except APIError as error:  # no answer within the time limit, no connection
            problem = f"{self._plain(error.message)} ({1 + self.retries} tries)"
            raise UserError(f"{self.base_url}: {problem}") from error
        except ValueError as error:  # a body that is announced as JSON and is none
            raise self.garbled(f"{type(error).__name__}: {error}") from error

    def ask_all(
        self, call: Callable[[OpenAI, Item], Answer], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Answer]]:
        """Ask for every item, `concurrency` at a time, and yield the answers as they arrive."""
        pool = ThreadPoolExecutor(self.concurrency)
        waiting: dict[Future[Answer], Item] = {}
        try:
            for item in items:
                asking = pool.submit(self.ask, lambda client, item=item: call(client, item))
                waiting[asking] = item
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            # After an error nothing more is asked; what is on its way is not waited for.
            pool.shutdown(wait=False, cancel_futures=True)

    def garbled(self, what: str) -> UserError:
        """The error for an answer that is not what the protocol says."""
        return UserError(
            f"{self.base_url}: the answer is not what the protocol says: {self._plain(what)}"
        )

    def _refusal(self, error: Any) -> str:
        """Say which status the endpoint refused with, and why."""
        status = error.status_code
        if status in (401, 403):  # the endpoint's own words would quote the key
            return f"refused the key ({status}); it is read from {KEY}"
        retried = status in (408, 409, 429) or status >= 500
        tries = f" after {self.retries} retries" if retried else ""
        return f"refused with status {status}{tries}: {self._plain(error.message)}"

    def _plain(self, text: str) -> str:
        """Make one line of at most 200 characters, without the key."""
        key = os.environ.get(KEY)
        text = text.replace(key, "[key]") if key else text
        return " ".join(text.split())[:200]
