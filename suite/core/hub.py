"""The Hugging Face hub: asked once whether it has something, before its libraries ask.

They repeat a failed request five times, for 23 seconds, and say so on the screen. So one request
without repetition comes first. Where the hub cannot be reached, its libraries are told to use their
cache alone.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from suite.core.errors import UserError

SECONDS = 10.0
"""How long the hub may take to answer the first question."""


@cache
def check(name: str, kind: Literal["model", "dataset"]) -> None:
    """Refuse a name that the hub does not know. Without a network the cache has to do."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        HfApi().repo_info(name, repo_type=kind, timeout=SECONDS)
    except RepositoryNotFoundError:
        raise UserError(
            f"the hub has no {kind} {name!r} (or it is private, and HF_TOKEN does not open it)"
        ) from None
    except HfHubHTTPError:
        # The hub is there but busy, or hides this one question: downloading says what is wrong.
        return
    except Exception:  # no network: each version of the library raises something else
        _use_the_cache_alone()


def _use_the_cache_alone() -> None:
    import datasets
    from huggingface_hub import constants

    constants.HF_HUB_OFFLINE = True
    datasets.config.HF_HUB_OFFLINE = True
