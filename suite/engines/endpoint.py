"""One OpenAI-compatible endpoint, asked through the official client.

    endpoint = Endpoint("http://localhost:8000/v1", "my-model", concurrency=8)
    for item, answer in endpoint.ask_all(call, items): ...       call(client, item) -> answer

It retries, has time limits, and tells errors in one line. The key comes from the environment
variable OPENAI_API_KEY, is handed to the client and stands nowhere else: it is cut out of errors
and answers, and an address that carries a key is refused.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from suite.core.errors import UserError, unknown
from suite.engines.redact import without_key

if TYPE_CHECKING:
    from openai import APIError, APIStatusError, OpenAI

KEY = "OPENAI_API_KEY"
MOST_BYTES = 1 << 26
"""Of an answer's body: log-probabilities of a long text are some megabytes."""
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
    connection or a time-out. They wait as many seconds as Retry-After says, otherwise with growing
    pauses; the client library does all that. It gives up where Retry-After says more than two
    minutes.
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
        from suite.engines.client import BoundedClient

        return OpenAI(
            base_url=self.base_url,
            api_key=_key(),
            timeout=self.timeout,
            max_retries=self.retries,
            http_client=BoundedClient(self.timeout, MOST_BYTES),
        )

    def check_model(self) -> None:
        """Refuse a model that the endpoint does not list; without a list, any model is accepted."""
        try:
            listed = self.ask(_models)
        except UserError as error:
            if getattr(error.__cause__, "status_code", None) == 404:
                return
            raise
        if listed and self.model not in listed:
            raise UserError(
                f"{self.base_url}: {self.hide(str(unknown('model', self.model, listed)))}"
            )

    def ask(self, call: Callable[[OpenAI], Answer]) -> Answer:
        """Make one call, with the client's retries. UserError says in one line what went wrong."""
        from openai import APIError, APIStatusError

        try:
            return call(self.client)
        except APIStatusError as error:
            raise UserError(f"{self.base_url}: {self._refusal(error)}") from error
        except APIError as error:  # no answer within the time limit, no connection
            problem = f"{self.plain(error.message)} ({1 + _retries(error)} tries)"
            raise UserError(f"{self.base_url}: {problem}") from error
        except (ValueError, RecursionError) as error:  # announced as JSON, and is none
            raise self.garbled(f"{type(error).__name__}: {error}") from error

    def ask_all(
        self, call: Callable[[OpenAI, Item], Answer], items: Sequence[Item]
    ) -> Iterator[tuple[Item, Answer]]:
        """Ask for every item, `concurrency` at a time, and yield the answers as they arrive.

        After an error nothing new is asked. Answers on their way still arrive, since they may have
        cost money; then the first error is raised.
        """
        errors: list[Exception] = []

        def asked(item: Item) -> list[Answer]:
            if errors:
                return []
            try:
                return [self.ask(lambda client: call(client, item))]
            except Exception as error:
                errors.append(error)
                return []

        pool = ThreadPoolExecutor(self.concurrency)
        try:
            waiting = {pool.submit(asked, item): item for item in items}
            for done in as_completed(waiting):
                for answer in done.result():
                    yield waiting[done], answer
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if errors:
            raise errors[0]

    def garbled(self, what: str) -> UserError:
        """The error for an answer that is not what the protocol says."""
        return UserError(
            f"{self.base_url}: the answer is not what the protocol says: {self.plain(what)}"
        )

    def hide(self, text: str) -> str:
        """Cut the key out."""
        return without_key(text, os.environ.get(KEY))

    def plain(self, text: str) -> str:
        """Make one line of at most 200 characters, without the key."""
        return " ".join(self.hide(text).split())[:200]

    def _refusal(self, error: APIStatusError) -> str:
        """Say which status the endpoint refused with, and why."""
        status = error.status_code
        if status in (401, 403):  # the endpoint's own words would quote the key
            return f"refused the key ({status}); it is read from {KEY}"
        if status in range(300, 400):
            place = urlsplit(error.response.headers.get("location", ""))
            host = f"{place.scheme}://{place.netloc}" if place.netloc else "another path"
            return (
                f"sends requests on to {self.plain(host)} ({status}), which is not followed; "
                "base_url must be the address that answers"
            )
        retries = _retries(error)
        tries = f" after {retries} retries" if retries else ""
        return f"refused with status {status}{tries}: {self.plain(error.message)}"


def _models(client: OpenAI) -> list[str]:
    """The names that the endpoint lists. Read here: the client fails at what is no such list."""
    content = client.models.with_raw_response.list().content
    answer = json.loads(content) if content.strip() else None
    data = answer.get("data") if isinstance(answer, dict) else None
    listed = data if isinstance(data, list) else []
    return [
        each["id"] for each in listed if isinstance(each, dict) and isinstance(each.get("id"), str)
    ]


def _key() -> str:
    """The key; UserError if no key looks like that, because the client would quote it."""
    key = os.environ.get(KEY) or "none"  # one's own server asks for no key, but the client does
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UserError(f"{KEY} holds a space, a line end or another character that no key has")
    return key


def _retries(error: APIError) -> int:
    """How often the client had tried again when it gave up."""
    return int(error.request.headers.get("x-stainless-retry-count", 0))
