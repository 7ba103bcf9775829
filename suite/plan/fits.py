"""Whether what a run will take is there: a line for each kind of room that does not suffice."""

from __future__ import annotations

from collections.abc import Iterator

from suite.core.amounts import in_bytes
from suite.model.capacity import free_disk, memory_of
from suite.plan.forecast import Forecasts
from suite.plan.graph import Plan


def what_does_not_fit(forecasts: Forecasts, planned: Plan) -> Iterator[str]:
    """What the stages that are missing will lack, by the forecast."""
    context = forecasts.context
    missing = [(forecasts.of(stage), stage) for stage in planned.missing(context.store)]
    if not missing:
        return
    most, largest = max(missing, key=lambda pair: pair[0].memory_bytes or 0)
    needed, there = most.memory_bytes or 0, memory_of(context.device)
    if needed > there:
        yield (
            f"memory: {largest} needs about {in_bytes(needed)}, and {context.device} has "
            f"{in_bytes(there)}; docs/one_card.md lists what needs less"
        )
    disk = sum(forecast.disk_bytes or 0 for forecast, _ in missing)
    disk += max(forecast.scratch_bytes for forecast, _ in missing)
    free = free_disk(context.store.root)
    if disk > free:
        yield (
            f"disk: this run writes about {in_bytes(disk)}, and {in_bytes(free)} are free "
            f"where the store {context.store.root} lies; --evaluate final and --keep write less"
        )
