"""The datasets of preferences among arms, and where the losses of the paper end on them.

    D1 = {(a, b), (b, c), (a, c)}    an order    IPO ~ (e^{2/(3 tau)}, e^{1/(3 tau)}, 1)
                                                 DPO -> (1, 0, 0)
    D2 = {(a, b), (b, c), (c, a)}    a cycle     uniform for both
    D3 = {(a, b), (b, a)}            without c   uniform for both: c's logit has no gradient
    D3' = D3 and (a, c)              c loses     IPO ~ (1, 1, e^{-1/(2 tau)})
                                                 DPO -> (1/2, 1/2, 0)

D3 is what the paper prints (arXiv 2310.12036, section 5.4), but the figure under that name, where
DPO gives up c, can only come from D3'. Both are here. With two arms, the first always preferred,
IPO ends at sigma(1 / (2 tau)), DPO at 1.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Dataset:
    """Labelled pairs among K arms; the reference is uniform."""

    name: str
    arms: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    """(preferred, other), each as likely as any other to be drawn."""
    dpo_limit: tuple[float, ...]
    """The policy that DPO's loss tends to, whatever beta is."""

    @property
    def indices(self) -> list[tuple[int, int]]:
        """The pairs as places among the arms."""
        place = self.arms.index
        return [(place(chosen), place(rejected)) for chosen, rejected in self.pairs]

    def preferences(self) -> Array:
        """p(row > column) as counted, (K, K); 1/2 for two arms that were never compared."""
        import numpy as np

        table = np.full((len(self.arms),) * 2, 0.5)
        counts = Counter(self.indices)
        for chosen, rejected in counts:
            won, lost = counts[chosen, rejected], counts[rejected, chosen]
            table[chosen, rejected] = won / (won + lost)
            table[rejected, chosen] = 1 - table[chosen, rejected]
        return table

    def ipo_optimum(self, tau: float) -> Array:
        """The policy with the least mean of (theta_w - theta_l - 1 / (2 tau))^2, (K,).

        Linear least squares in the logits. Of several solutions (an arm without pairs) the
        shortest, which is the one that gradient descent from the uniform policy reaches.
        """
        import numpy as np

        differences = np.zeros((len(self.pairs), len(self.arms)))
        for row, (chosen, rejected) in enumerate(self.indices):
            differences[row, chosen], differences[row, rejected] = 1, -1
        targets = np.full(len(self.pairs), 1 / (2 * tau))
        logits, *_ = np.linalg.lstsq(differences, targets, rcond=None)
        weights = np.exp(logits - logits.max())
        optimum: Array = weights / weights.sum()
        return optimum


def _three_arms(name: str, pairs: str, dpo_limit: tuple[float, ...]) -> Dataset:
    """`pairs`: "ab ba" for (a, b) and (b, a)."""
    labelled = tuple((pair[0], pair[1]) for pair in pairs.split())
    return Dataset(name, ("a", "b", "c"), labelled, dpo_limit)


DATASETS = (
    Dataset("two_arms", ("y1", "y2"), (("y1", "y2"),), (1, 0)),
    _three_arms("D1", "ab bc ac", (1, 0, 0)),
    _three_arms("D2", "ab bc ca", (1 / 3, 1 / 3, 1 / 3)),
    _three_arms("D3", "ab ba", (1 / 3, 1 / 3, 1 / 3)),
    _three_arms("D3'", "ab ba ac", (1 / 2, 1 / 2, 0)),
)
