"""What a benchmark declares of its part of the report: pictures, and columns of the leaderboard.

    class Sentiment(TextBenchmark):
        pictures = (Tradeoff(), Frontier("kl", "reward", y_label="true reward"), Trajectory())
        columns = (MetricColumn("tokens", title="length", help="tokens of an answer"),)

These are data. `suite.report` knows how to draw each kind, and results.json keeps what was
declared, so a report can be written again without the benchmark. A picture of metrics that nothing
reports is left out. Where `caption` is empty, the report makes one from the names of the metrics.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from suite.api.cells import Closed


@dataclass(frozen=True)
class Tradeoff(Closed):
    """Two headline metrics against each other: each epoch, the final checkpoint, the Pareto front.

    Both need a better direction: without one there is no trade-off.
    """

    x: str = ""
    """Empty: the second headline metric with a better direction."""
    y: str = ""
    """Empty: the first."""
    kind: Literal["tradeoff"] = field(default="tradeoff", kw_only=True)


@dataclass(frozen=True)
class Trajectory(Closed):
    """Metrics after each epoch: a plot for each metric, a line for each method."""

    metrics: tuple[str, ...] = ()
    """Empty: the headline metrics with a better direction."""
    kind: Literal["trajectory"] = field(default="trajectory", kw_only=True)


@dataclass(frozen=True)
class Curves(Closed):
    """Learning curves of the metrics named "group/panel/line", see `CurvePoint`."""

    kind: Literal["curves"] = field(default="curves", kw_only=True)


@dataclass(frozen=True)
class Frontier(Closed):
    """What is gained against what it costs, with a point for each run and evaluation step.

    The front joins the points with more of `y` than any other point of the same or smaller `x`.
    """

    x: str
    """Metric of the cost: less is better."""
    y: str
    """Metric of the gain: more is better."""
    x_label: str = ""
    y_label: str = ""
    caption: str = ""
    kind: Literal["frontier"] = field(default="frontier", kw_only=True)


@dataclass(frozen=True)
class Distribution(Closed):
    """The cumulative distribution of an item score: a curve for each method and start model."""

    metric: str
    """Of an item, see `ItemScore`."""
    set: str = ""
    """Evaluation set; empty: all."""
    label: str = ""
    caption: str = ""
    kind: Literal["distribution"] = field(default="distribution", kw_only=True)


@dataclass(frozen=True)
class Bars(Closed):
    """Groups of bars: in each group a bar for each method."""

    bars: dict[str, str]
    """Name of a group, as shown -> the metric whose value is drawn there."""
    x_label: str = ""
    y_label: str = ""
    share: bool = False
    """Whether values are shares, so that the axis goes from 0 to 1."""
    caption: str = ""
    kind: Literal["bars"] = field(default="bars", kw_only=True)


Picture = Tradeoff | Trajectory | Curves | Frontier | Distribution | Bars

GENERAL: tuple[Picture, ...] = (Tradeoff(), Trajectory(), Curves())
"""What makes sense for any benchmark; each is left out where there is nothing to draw."""


@dataclass(frozen=True)
class MetricColumn(Closed):
    """A metric that the leaderboard shows beside the headline metrics."""

    metric: str
    title: str = ""
    """Empty: the metric's name."""
    help: str = ""
    """What the numbers are, in a few words."""
    note: str = ""
    """What a reader must know, as a footnote: whole sentences."""
    below: str = ""
    """The headline metric in whose column it stands, on a line of its own; empty: it has a
    column."""
