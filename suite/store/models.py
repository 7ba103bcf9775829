"""Where the weights of a run's methods lie."""

from __future__ import annotations

from pathlib import Path

from suite.core.errors import MissingError, UserError, unknown
from suite.store.runs import RunModel, find_run


def weights_of(root: Path, run: str, method: str, epoch: int | None = None) -> list[Path]:
    """The model folders of a method, one for each of its cells in the run; or of a cell's slug.

    UserError: the run has no such method or epoch. MissingError: the weights are not in the store.
    """
    record = find_run(root, run)
    found = [model for model in record.models if method in (model.method, model.cell)]
    if not found:
        raise unknown("method", method, {model.method for model in record.models})
    return [_folder(root, record.out, model, epoch) for model in found]


def _folder(root: Path, out: str, model: RunModel, epoch: int | None) -> Path:
    part = model.parts[-1] if epoch is None else f"epoch-{epoch:02d}"
    if part not in model.parts:
        raise UserError(f"{model.method}: no epoch {epoch}; there is {', '.join(model.parts)}")
    folder = root / "stages" / model.kind / model.key / part
    if not folder.is_dir():
        raise MissingError(
            f"{model.method}: its weights are no longer in the store; this makes them again: "
            f"suite stage {model.key[:12]} --config {out}/config.toml"
        )
    return folder
