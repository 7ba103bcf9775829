"""DPO, direct preference optimisation (Rafailov et al., arXiv 2305.18290, eq. 7).

    L = E[-log sigma(beta h)],    h = rho_w - rho_l

rho = log pi_theta(y|x) - log pi_ref(y|x), summed over tokens. At the start the loss is ln 2.

`divergence` replaces the reverse KL to the reference by another f-divergence: h = f'(e^rho_w) -
f'(e^rho_l) (f-DPO, arXiv 2309.16240). `length_normalised` divides log-probabilities by the number
of tokens (Tulu 3, arXiv 2411.15124), where a beta about 50 times as large does the same: Tulu's is
5.

beta, learning rate, batch size and warm-up are the paper's (beta 0.5 for summaries). The paper's
optimiser is RMSprop; here it is AdamW. The paper does not mention the schedule after the warm-up or
dropout; here the dropout is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from suite import Method, PairedMethod, PairLogps, hookimpl, losses
from suite.ranges import Fraction, Positive

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class DPOConfig:
    """Temperature, and the distance to the reference."""

    beta: Positive = 0.1
    """Inverse temperature, 1 / nats; larger: nearer to the reference (0.1; summaries 0.5)."""
    divergence: Literal["reverse_kl", "forward_kl", "jensen_shannon", "alpha"] = "reverse_kl"
    """Distance of the policy from the reference; reverse_kl is DPO."""
    alpha: Fraction | None = None
    """Only for divergence=alpha: 0 would be reverse_kl, 1 forward_kl."""
    length_normalised: bool = False
    """Log-probabilities per token instead of their sums."""

    def __post_init__(self) -> None:
        if (self.divergence == "alpha") != (self.alpha is not None):
            raise ValueError(
                f"alpha is {self.alpha} with divergence={self.divergence}; "
                "divergence=alpha needs it, the others do not take it"
            )
        if self.length_normalised and self.divergence != "reverse_kl":
            raise ValueError(
                f"length_normalised is defined for reverse_kl only, not for {self.divergence}"
            )


class DPO(PairedMethod[DPOConfig]):
    """Direct preference optimisation."""

    name = "dpo"
    Config = DPOConfig

    def pair_loss(self, pairs: PairLogps) -> Tensor:
        """-log sigma(beta h)."""
        return losses.dpo(*self._logps(pairs), beta=self.config.beta, divergence=self._divergence)

    def rewards(self, pairs: PairLogps) -> tuple[Tensor, Tensor]:
        """beta f'(ratio) of each answer; beta times its log-ratio for the reverse KL."""
        chosen, rejected, ref_chosen, ref_rejected = self._logps(pairs)
        beta, score = self.config.beta, self._divergence
        return beta * score(chosen - ref_chosen), beta * score(rejected - ref_rejected)

    def _logps(self, pairs: PairLogps) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Chosen, rejected, reference chosen and reference rejected: sums or means over tokens."""
        return pairs.means if self.config.length_normalised else pairs.sums

    @property
    def _divergence(self) -> losses.Divergence:
        """f' of the chosen f-divergence."""
        return losses.divergence(self.config.divergence, self.config.alpha)


@hookimpl
def suite_methods() -> list[type[Method[Any]]]:
    """Register the method."""
    return [DPO]
