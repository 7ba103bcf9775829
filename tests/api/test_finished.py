"""A finished model is no method to train with."""

from __future__ import annotations

import pytest

from suite import UserError
from suite.api.finished import FinishedConfig, FinishedModel
from suite.registry.checks import check_method


class Released(FinishedModel):
    """As a plugin would derive it."""

    name = "released"


def test_a_plugin_may_bring_finished_models() -> None:
    check_method(Released)
    made = Released(FinishedConfig(path="owner/name"))
    assert (made.trains, made.roles, made.family) == (False, frozenset(), "finished")


def test_it_needs_a_path_and_has_no_loss() -> None:
    with pytest.raises(UserError, match=r"released\.path is not set"):
        Released(FinishedConfig())
    with pytest.raises(UserError, match="released trains nothing"):
        Released(FinishedConfig(path="x")).loss(None, {})  # type: ignore[arg-type]
