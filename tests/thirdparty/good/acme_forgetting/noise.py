"""A kind of stage of its own: every weight of a model gets a little noise.

    theta' = theta + scale * sd(theta) * N(0, 1)        sd: of each weight matrix

What a method has only hidden comes back under such noise; what it has removed does not.
"""

from __future__ import annotations

from suite import Build, Host, StageKind, builds, hookimpl


@builds("noise")
def add_noise(build: Build, host: Host) -> None:
    """Write a copy of the model with noise on its weights."""
    import torch

    from suite.toolkit import folder_of, load_model, load_tokenizer, save_model

    folder = folder_of(build.inputs["model"], build.spec["epoch"])
    model = load_model(folder)
    random = torch.Generator().manual_seed(build.spec["seed"])
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=random)
            parameter += build.spec["scale"] * parameter.std() * noise
    save_model(model, load_tokenizer(folder), build.out)


@hookimpl
def suite_stages() -> list[StageKind]:
    """Register the kind of stage."""
    return [add_noise]
