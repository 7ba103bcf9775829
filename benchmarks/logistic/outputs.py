"""What the headline metrics are, for the report."""

from __future__ import annotations

from suite import MetricColumn

COLUMNS = (
    MetricColumn(
        "forget_distance",
        help="KL(retrain || unlearned) of the label of fresh forget inputs, in nats.",
    ),
    MetricColumn(
        "retain_distance",
        help="KL(retrain || unlearned) of the label of fresh retain inputs, in nats.",
    ),
    MetricColumn("hypervolume", help="the share of a square that the method's path dominates."),
    MetricColumn(
        "forgotten",
        help="the share of problems that end nearer to retraining, on forget inputs, than before.",
    ),
    MetricColumn("linear_r2", help="how well a distance linear in t fits, as R squared."),
    MetricColumn("log_r2", help="how well a distance linear in log t fits, as R squared."),
    MetricColumn("linear_slope_ratio", help="the slope in t over what the theorem predicts."),
    MetricColumn("log_slope_ratio", help="the slope in log t over what the theorem predicts."),
)
