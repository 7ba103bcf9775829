"""`suite push`: a model folder, or a run's results and answers, to the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

import click

from suite.cli.streams import say
from suite.core.amounts import in_bytes


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("repository")
@click.option("--private", is_flag=True, help="Make a new repository private.")
@click.option("--dry-run", is_flag=True, help="Only list what would be uploaded.")
def push(folder: Path, repository: str, private: bool, dry_run: bool) -> None:
    """Upload a model or a run's results to the hub.

    FOLDER is a model that `suite export --model` wrote, with its card and the hub's result files;
    or a run: its results, leaderboards and answers become a data set. REPOSITORY is owner/name on
    the Hugging Face hub. All files arrive in one commit. Needs a token: HF_TOKEN, or `hf auth
    login`.

    \b
    Examples:
      suite export runs/latest --model npo --to npo-forget10
      suite push npo-forget10 me/npo-forget10 --private
      suite push runs/latest me/npo-forget10-results --dry-run
    """
    from suite.export.hub import KINDS, check_name
    from suite.export.hub import push as upload_to_hub
    from suite.export.upload import gather

    check_name(repository)
    upload = gather(folder.expanduser())
    sizes = upload.sizes()
    total = f"{len(sizes)} files, {in_bytes(sum(sizes.values()))}"
    say(f"{KINDS[upload.kind]} {repository}: {total}", err=not dry_run)
    if dry_run:
        for name, size in sizes.items():
            say(f"  {in_bytes(size):>9}  {name}")
        return
    say(upload_to_hub(upload, repository, private=private))
