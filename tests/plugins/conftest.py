"""The fixtures of `plugin_bench`, for all tests of plugins."""

from plugin_bench import all_references, bench

__all__ = ["all_references", "bench"]
