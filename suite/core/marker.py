"""The mark of a function that implements a hook; see `suite.hookspecs`."""

from __future__ import annotations

import pluggy

hookimpl = pluggy.HookimplMarker("suite")
"""Marks a function of a plugin as the implementation of a hook."""
