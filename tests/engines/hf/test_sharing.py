from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.api.requests import Generate, Request, ScoreText
from suite.core.errors import UserError
from suite.engines.hf.sharing import ENOUGH, FEW, LONG, Prompt, common_prefix, families, pack, plan
from suite.model.encoding import Encoder
from tests.engines.small_models import asked


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    from suite.tiny.tokenizer import build

    return Encoder(build(), max_length=64)


def test_equal_answers_are_one_whatever_they_are_asked_for(encoder: Encoder) -> None:
    prompt = asked("Who?")
    requests = [
        ScoreText("probability", prompt, "She"),
        ScoreText("truth_ratio", prompt, "She"),
        Generate("rouge", prompt, "She"),
        ScoreText("other", prompt, "He"),
        ScoreText("elsewhere", asked("Whom?"), "She"),
    ]
    first, second = plan(requests, encoder)
    she, he = first.answers.values()
    assert [r.id for r in she.scored] == ["probability", "truth_ratio"]
    assert [r.id for r in she.wanted] == ["rouge"]
    assert [r.id for r in he.scored] == ["other"]
    assert she.prompt is first
    assert [r.id for a in second.answers.values() for r in a.scored] == ["elsewhere"]
    assert she.ids[-1] == encoder.eos_id


@pytest.mark.parametrize("request_", [
    Generate("no guess", asked("Who?")),
    Generate("sampled", asked("Who?"), "She", temperature=1.0),
    Generate("too long", asked("Who?"), "She " * 99),
])  # fmt: skip
def test_requests_that_start_from_the_prompt_alone(encoder: Encoder, request_: Request) -> None:
    (prompt,) = plan([request_], encoder)
    assert prompt.ids == encoder.encode_prompt(request_.prompt)
    assert list(prompt.answers) == [()]


@dataclass(frozen=True)
class Strange(Request):
    """A kind that no engine here knows."""

    kind = "embed"


def test_an_unknown_kind_of_request_is_refused_and_not_generated(encoder: Encoder) -> None:
    strange = Strange("q/1", asked("Who?"))
    with pytest.raises(UserError, match="engine hf: request 'q/1': unknown request kind 'embed'"):
        plan([Generate("q/0", asked("Who?")), strange], encoder)


ids = st.lists(st.integers(0, 2), min_size=1, max_size=8).map(tuple)


@given(st.lists(ids, min_size=1, max_size=8))
def test_common_prefix_leaves_every_prompt_a_token(prompts: list[tuple[int, ...]]) -> None:
    prefix = common_prefix([Prompt(p) for p in prompts])
    assert all(p[: len(prefix)] == prefix and len(p) > len(prefix) for p in prompts)
    longer = {p[: len(prefix) + 1] for p in prompts}
    assert len(longer) > 1 or min(map(len, prompts)) == len(prefix) + 1


@given(st.lists(st.integers(0, 300)), st.integers(1, 3000), st.integers(0, 50))
def test_batches_hold_every_item_once_and_keep_to_the_budget(
    widths: list[int], budget: int, cached: int
) -> None:
    batches = list(pack(widths, lambda w: w, budget, cached))
    assert [w for batch in batches for w in batch] == sorted(widths, reverse=True)
    for batch in batches:
        assert len(batch) == 1 or len(batch) * (cached + batch[0]) <= budget
        padded = len(batch) * batch[0]
        assert padded <= max(4 / 3 * sum(batch), ENOUGH + batch[0])


def test_few_short_items_are_not_cut_apart() -> None:
    assert list(pack([5, 50, 7], lambda w: w, 4096)) == [[50, 7, 5]]


def test_prompts_behind_the_same_examples_are_a_family() -> None:
    examples = tuple(range(LONG))
    few_shot = [Prompt((*examples, i)) for i in range(FEW)]
    rare = [Prompt((*examples[1:], 500, i)) for i in range(FEW - 1)]
    short = [Prompt((i,)) for i in range(9)]
    assert families(few_shot + rare + short) == [few_shot, rare + short]
    assert families(few_shot) == [few_shot]
    assert families([]) == []
