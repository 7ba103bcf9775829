"""What the report shows of own data."""

from __future__ import annotations

from suite import Distribution, MetricColumn, Tradeoff, Trajectory

PICTURES = (
    Tradeoff(),
    Distribution(
        metric="token_loss",
        set="forget",
        label="loss per token, forget set, nats",
        caption=(
            "Losses of the forget texts, as cumulative distributions. Where there is a retrain "
            "model, its curve is what perfect unlearning would give."
        ),
    ),
    Trajectory(),
)
COLUMNS = (
    MetricColumn(
        "forget_extraction_strength",
        help=(
            "the share of a forget text that the model writes by itself, word for word, once it "
            "is given the rest that comes before."
        ),
    ),
    MetricColumn(
        "retain_utility",
        help="the harmonic mean of the scores of what the model still knows of the retain set.",
    ),
    MetricColumn(
        "forget_rougeL_recall",
        title="forget ROUGE-L",
        note="Forget ROUGE-L: recall of the right answer, or of how a text goes on.",
    ),
    MetricColumn(
        "membership_auc",
        title="membership AUC",
        note=(
            "Membership AUC: how often a forget text is likelier than a holdout text. .5 means "
            "that the loss does not tell them apart; compare with the retrain model's row."
        ),
    ),
    MetricColumn(
        "forget_quality_D",
        title="D to retrain",
        note=(
            "D to retrain: the largest gap between the distributions of the model's and the "
            "retrain model's scores of the forget set (0: none): of truth ratios where there are "
            "alternate answers, else of losses."
        ),
    ),
)
