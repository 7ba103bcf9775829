"""Losses over the whole vocabulary against loops over its tokens."""

from __future__ import annotations

import math

import pytest
import torch

from suite import losses

N, V = 5, 9


@pytest.fixture
def drawn() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits, reference = 2 * torch.randn(2, N, V, generator=generator, dtype=torch.float64)
    return logits.requires_grad_(), reference, torch.randint(V, (N,), generator=generator)


def softmax(row: list[float]) -> list[float]:
    total = sum(math.exp(x) for x in row)
    return [math.exp(x) / total for x in row]


def cross_entropy(q: list[float], logits: list[float]) -> float:
    return -sum(a * math.log(b) for a, b in zip(q, softmax(logits), strict=True))


def gradient(loss: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad(loss.sum(), at)[0]


def test_kl(drawn: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    logits, reference, _ = drawn
    value = losses.kl(reference, logits)
    rows = zip(reference.tolist(), logits.tolist(), strict=True)
    expected = [cross_entropy(softmax(r), p) - cross_entropy(softmax(r), r) for r, p in rows]

    assert value.tolist() == pytest.approx(expected, rel=1e-12)
    torch.testing.assert_close(gradient(value, logits), logits.softmax(-1) - reference.softmax(-1))
    assert losses.kl(logits, logits).abs().max() == 0


def test_kl_is_directed_and_gives_no_gradient_to_the_reference(
    drawn: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    logits, reference, _ = drawn
    other = reference.clone().requires_grad_()
    losses.kl(other, logits).sum().backward()

    assert other.grad is None
    assert (losses.kl(reference, logits) - losses.kl(logits, reference)).abs().max() > 1e-2


def test_undial(drawn: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    logits, reference, labels = drawn
    value = losses.undial(logits, reference, labels, beta=3.0)
    targets = [
        softmax([x - 3.0 * (j == label) for j, x in enumerate(row)])
        for row, label in zip(reference.tolist(), labels.tolist(), strict=True)
    ]

    expected = [cross_entropy(q, row) for q, row in zip(targets, logits.tolist(), strict=True)]
    assert value.tolist() == pytest.approx(expected, rel=1e-12)
    torch.testing.assert_close(
        gradient(value, logits), logits.softmax(-1) - torch.tensor(targets, dtype=torch.float64)
    )


def test_ce_u(drawn: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    logits, _, labels = drawn
    value = losses.ce_u(logits, labels)
    rows = list(zip(logits.tolist(), labels.tolist(), strict=True))
    targets = [
        [p * (j != t) / (1 - softmax(row)[t]) for j, p in enumerate(softmax(row))]
        for row, t in rows
    ]

    expected = [
        -sum(q * math.log(p) for q, p in zip(target, softmax(row), strict=True) if q)
        for target, (row, _) in zip(targets, rows, strict=True)
    ]
    assert value.tolist() == pytest.approx(expected, rel=1e-12)
    torch.testing.assert_close(
        gradient(value, logits), logits.softmax(-1) - torch.tensor(targets, dtype=torch.float64)
    )


def test_ce_u_is_undial_of_itself_with_infinite_beta(
    drawn: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    logits, _, labels = drawn
    torch.testing.assert_close(
        losses.ce_u(logits, labels), losses.undial(logits, logits, labels, beta=1e3)
    )


def test_pdu(drawn: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    logits, _, _ = drawn
    value = losses.pdu(logits)
    gaps = torch.tensor([max(row) - sum(row) / V for row in logits.tolist()], dtype=torch.float64)
    top = torch.nn.functional.one_hot(logits.argmax(-1), V)

    torch.testing.assert_close(value.detach(), gaps**2)
    torch.testing.assert_close(gradient(value, logits), 2 * gaps[:, None] * (top - 1 / V))
    assert losses.pdu(torch.full((2, V), 3.5)).abs().max() == 0


def test_chunks_of_positions_give_the_same(
    drawn: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
) -> None:
    logits, reference, labels = drawn
    for loss in (
        lambda i: losses.kl(reference[i], logits[i]),
        lambda i: losses.undial(logits[i], reference[i], labels[i]),
        lambda i: losses.ce_u(logits[i], labels[i]),
        lambda i: losses.pdu(logits[i]),
    ):
        whole, parts = loss(slice(None)), torch.cat([loss(slice(0, 2)), loss(slice(2, None))])
        torch.testing.assert_close(parts, whole, rtol=1e-14, atol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
@pytest.mark.parametrize("size", [1.0, 30.0, 1e4])
def test_finite_at_extreme_logits(dtype: torch.dtype, size: float) -> None:
    """Half precision is raised to fp32; a token that is certain, or impossible, breaks nothing."""
    generator = torch.Generator().manual_seed(1)
    logits = (size * torch.randn(N, V, generator=generator)).to(dtype).requires_grad_()
    reference = (size * torch.randn(N, V, generator=generator)).to(dtype)
    labels = logits.argmax(-1)
    for value in (
        losses.kl(reference, logits),
        losses.undial(logits, reference, labels),
        losses.ce_u(logits, labels),
        losses.pdu(logits),
    ):
        assert value.dtype == torch.float32
        assert value.isfinite().all()
        if (
            size < 1e4 or dtype != torch.float16
        ):  # the gradient itself, in the logits' dtype, must fit fp16's 65504
            assert gradient(value, logits).isfinite().all()


def test_shapes_must_agree(drawn: tuple[torch.Tensor, torch.Tensor, torch.Tensor]) -> None:
    logits, reference, labels = drawn
    with pytest.raises(
        ValueError, match=r"reference_logits has shape \(5, 1\), logits has \(5, 9\)"
    ):
        losses.kl(reference[:, :1], logits)
    with pytest.raises(ValueError, match="reference_logits has shape"):
        losses.undial(logits, reference[:1], labels)
