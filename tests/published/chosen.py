"""Which candidate of configs/tofu_validation.toml each method of configs/tofu.toml takes."""

from __future__ import annotations

from tests.published.page import Page


def merit(page: Page, label: str) -> float:
    """Model utility times 1 - D: the area between a method's end point and the worst corner."""
    return page.mean(label, "model_utility") * (1 - page.mean(label, "forget_quality_D"))


def chosen(page: Page) -> dict[str, dict[str, str]]:
    """Method -> the settings of its best candidate, as they are written in the label."""
    best: dict[str, str] = {}
    for label in page.methods():
        method = label.partition(":")[0]
        if method not in best or merit(page, label) > merit(page, best[method]):
            best[method] = label
    found = {}
    for method, label in best.items():
        pairs = [setting.split("=") for setting in label.split(":")[1:]]
        found[method] = dict(pairs)
    return found
