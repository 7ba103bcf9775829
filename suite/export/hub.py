"""Uploading to the Hugging Face hub, by its own client.

    url = push(gather(folder), "me/npo-forget10", private=True)

All files arrive in one commit, or none does: a repository is as it was until everything is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from suite.core.errors import UserError
from suite.export.upload import Upload

if TYPE_CHECKING:
    from huggingface_hub import HfApi

KINDS = {"model": "model", "dataset": "data set", "space": "space"}
"""The hub's kinds of repositories, in words."""
KEPT = "nothing was committed"
REFUSED = {
    401: "the token is not valid: set HF_TOKEN, or `hf auth login`",
    403: "the token may not write there",
}


def push(upload: Upload, repository: str, *, private: bool) -> str:
    """Make the repository if it is not there, and commit the files; return the commit's address.

    UserError: the hub cannot be reached or refuses, or the repository is of another kind.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    check_name(repository)
    additions = [
        CommitOperationAdd(name, content if isinstance(content, bytes) else str(content))
        for name, content in upload.files.items()
    ]
    api = HfApi()
    with _told(api.endpoint, repository):
        owner = api.whoami()["name"]
        name = repository if "/" in repository else f"{owner}/{repository}"
        if not _is_there(api, name, upload.kind):
            api.create_repo(name, repo_type=upload.kind, private=private or None, exist_ok=True)
        commit = api.create_commit(
            name,
            additions,
            commit_message=f"Upload {len(additions)} files with suite push",
            repo_type=upload.kind,
        )
        return str(commit.commit_url)


def check_name(repository: str) -> None:
    """Refuse what cannot be the name of a repository, without asking the hub."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(repository)
    except HFValidationError:
        raise UserError(
            f"{repository!r} is no name of a repository: owner/name, of letters, digits, - _ ."
        ) from None


def _is_there(api: HfApi, name: str, kind: str) -> bool:
    """Whether the repository exists. UserError: another kind of repository has its name, and the
    hub would make a second one beside it."""
    if api.repo_exists(name, repo_type=kind):
        return True
    for other, said in KINDS.items():
        if other != kind and api.repo_exists(name, repo_type=other):
            raise UserError(
                f"{name} is a {said} on the hub, and this would be a {KINDS[kind]}: choose another "
                f"name; {KEPT}"
            )
    return False


@contextmanager
def _told(endpoint: str, repository: str) -> Iterator[None]:
    """Turn what the client raises into one line."""
    from huggingface_hub.errors import (
        HfHubHTTPError,
        LocalTokenNotFoundError,
        OfflineModeIsEnabled,
    )

    try:
        yield
    except UserError:
        raise
    except LocalTokenNotFoundError:
        raise UserError(f"no token for {endpoint}: set HF_TOKEN, or `hf auth login`") from None
    except OfflineModeIsEnabled:
        raise UserError("HF_HUB_OFFLINE is set, so nothing can be uploaded") from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        reason = REFUSED.get(status) or error.server_message or "no reason given"
        raise UserError(
            f"{repository}: {endpoint} answers {status}: {_in_a_line(reason)}; {KEPT}"
        ) from error
    except Exception as error:  # each version of the client raises something else
        raise UserError(
            f"{repository}: cannot upload to {endpoint} ({_in_a_line(error)}); {KEPT}"
        ) from error


def _in_a_line(said: object) -> str:
    """What was said, cut after 200 characters; of an error, what it comes from in the end."""
    while isinstance(said, BaseException) and said.__cause__ is not None:
        said = said.__cause__
    kind = f"{type(said).__name__}: " if isinstance(said, BaseException) else ""
    return f"{kind}{' '.join(str(said).split())}"[:200]
