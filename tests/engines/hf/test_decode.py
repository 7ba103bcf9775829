from __future__ import annotations

import pytest
import torch

from suite.api.requests import Generate
from suite.engines.hf.decode import Text, sample

REQUEST = Generate("r", (), seed=3, temperature=1.0)


def text(limit: int = 5) -> Text:
    return Text(REQUEST, limit, frozenset({0, 9}))


def test_a_sample_inverts_the_cumulative_distribution() -> None:
    logits = torch.tensor([0.1, 0.2, 0.0, 0.3, 0.4]).log()
    uniform = torch.tensor([0.0, 0.0999, 0.1001, 0.2999, 0.3001, 0.5999, 0.6001, 0.999999999])
    drawn = sample(logits.expand(len(uniform), -1), uniform.double())
    assert drawn.tolist() == [0, 0, 1, 1, 3, 3, 4, 4]


def test_a_token_without_probability_is_never_drawn() -> None:
    logits = torch.full((1000, 50_000), -torch.inf)
    logits[:, [7, 40_000]] = 0.0
    drawn = sample(logits, torch.linspace(0, 1 - 1e-12, 1000, dtype=torch.float64))
    assert drawn.unique().tolist() == [7, 40_000]
    assert (drawn == 7).sum() == 500


def test_random_numbers_are_a_function_of_the_request_and_the_copy() -> None:
    first = text().random
    assert torch.equal(first, text().random)
    assert torch.equal(first, text(limit=9).random[:5])
    assert not torch.equal(first, Text(REQUEST, 5, frozenset(), copy=1).random)
    assert ((first >= 0) & (first < 1)).all()


def test_a_guess_is_accepted_up_to_the_first_disagreement() -> None:
    started = text()
    started.accept((4, 5, 6, 0), (True, True, False, True))
    assert started.ids == [4, 5]
    assert not started.done


@pytest.mark.parametrize(
    ("guess", "ids", "ended"),
    [
        ((4, 0), [4, 0], True),
        ((4, 9, 5, 0), [4, 9], True),
        ((1, 2, 3, 4, 5, 6, 0), [1, 2, 3, 4, 5], False),
    ],
)
def test_a_guess_ends_at_an_end_token_or_at_the_limit(
    guess: tuple[int, ...], ids: list[int], ended: bool
) -> None:
    started = text()
    started.accept(guess, (True,) * len(guess))
    assert (started.ids, started.ended, started.done) == (ids, ended, True)
    started.push(7)
    assert started.ids == ids
