"""Unlearning methods that do more than a loss: freeze, keep weights, sample, carry a dual
variable."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from plugin_bench import END, make, registry
from suite_plugins.forget_retain import ForgetRetainMethod

from suite import UserError, losses
from suite.model.logprobs import decoder_of

WEIGHTED = [cls.name for cls in registry().methods() if issubclass(cls, ForgetRetainMethod)]


@pytest.mark.parametrize("name", WEIGHTED)
def test_the_loss_is_the_weighted_sum_of_the_logged_terms(bench: Any, name: str) -> None:
    made = bench(name, forget_weight=0.25, retain_weight=3.0)
    made.step()  # at the start some terms are 0
    output = made.loss()
    forget = output.metrics["forget_loss"]
    retain = output.metrics[made.method.retain_metric]
    torch.testing.assert_close(output.loss, 0.25 * forget + 3.0 * retain)


def test_rmu_trains_the_down_projections_and_draws_towards_the_target(bench: Any) -> None:
    made = bench("rmu", lr=1e-2)
    assert made.method.target.norm().item() == pytest.approx(2.0, rel=1e-6)
    before, first = made.weights, made.loss().metrics
    for _ in range(5):
        made.step()
    changed = {n for n, after in made.weights.items() if not torch.equal(before[n], after)}
    assert changed == {"model.layers.0.mlp.down_proj.weight"}
    last = made.loss().metrics
    assert last["forget_loss"] < first["forget_loss"]
    assert last["retain_loss"] > first["retain_loss"] == 0


def test_rmu_compares_with_the_layers_own_output(bench: Any) -> None:
    """Against transformers' hidden states, which for the last layer come before its norm only
    through the hook."""
    made = bench("rmu")
    (batch,) = made.batches()
    forget = batch["forget"]
    decoder = decoder_of(made.state.policy.model)
    caught = []
    handle = decoder.norm.register_forward_pre_hook(lambda module, args: caught.append(args[0]))
    decoder(**forget.model_inputs)
    handle.remove()
    hidden = caught[0].flatten(0, 1)[forget.positions]
    expected = torch.square(hidden - made.method.target).mean()
    torch.testing.assert_close(made.loss().metrics["forget_loss"], expected.detach())


def test_rmu_refuses_a_layer_that_is_not_there(bench: Any) -> None:
    with pytest.raises(UserError, match=r"rmu.layer is 7, but the model has 1 layers \(0 to 0\)"):
        bench("rmu", layer=7)


def test_rmu_takes_the_papers_layer_or_the_last_of_a_smaller_model(bench: Any) -> None:
    made = bench("rmu", layer=None)
    assert made.method.layer is decoder_of(made.state.policy.model).layers[0]


def test_task_vector_delivers_the_opposite_way_and_goes_on_from_the_trained_weights(
    bench: Any,
) -> None:
    made = bench("task_vector", scale=0.5)
    start = made.weights
    for _ in range(3):
        made.step()
    tuned = made.weights
    with made.method.result(made.state):
        delivered = made.weights
    for name, theta in start.items():
        torch.testing.assert_close(
            delivered[name] - theta, -0.5 * (tuned[name] - theta), rtol=1e-4, atol=1e-6
        )
        assert torch.equal(made.weights[name], tuned[name])


def test_task_vector_makes_forget_answers_less_likely(bench: Any) -> None:
    made = bench("task_vector", lr=3e-3)
    first = made.loss().loss
    for _ in range(5):
        made.step()
    assert made.loss().loss < first
    with made.method.result(made.state):
        assert made.loss().loss > first


def test_pdu_raises_the_price_while_the_constraint_is_violated(bench: Any) -> None:
    violated = bench("pdu", epsilon=0.5, eta=2.0)
    output = violated.step()
    assert output.metrics["alpha"] == 1.0
    assert violated.method.alpha == pytest.approx(
        1 + 2 * (output.metrics["retain_loss"] - 0.5), rel=1e-6
    )
    slack = bench("pdu", epsilon=1000.0)
    slack.step()
    assert slack.method.alpha == 0.0


def test_pdu_needs_its_epsilon() -> None:
    with pytest.raises(UserError, match="pdu.epsilon is not set"):
        make("pdu", epsilon=None)


def test_undial_takes_the_starting_models_logits(bench: Any) -> None:
    """At the start, policy and reference logits are equal, and the loss is the closed form of one
    softmax."""
    made = bench("undial")
    (batch,) = made.batches()
    scored = made.state.policy(batch["forget"])
    torch.testing.assert_close(scored.reference_logits, scored.logits, rtol=1e-4, atol=1e-4)
    adjusted = scored.logits - 10 * torch.nn.functional.one_hot(
        batch["forget"].targets, scored.logits.shape[1]
    )
    expected = -(adjusted.softmax(-1) * scored.logits.log_softmax(-1)).sum(-1).mean()
    torch.testing.assert_close(made.loss().loss, expected, rtol=1e-4, atol=1e-4)
    for _ in range(3):
        made.step()
    moved = made.state.policy(batch["forget"])
    torch.testing.assert_close(moved.reference_logits, scored.reference_logits)
    assert not torch.allclose(moved.logits, scored.logits)


def test_ce_u_skips_the_first_token_of_each_answer(bench: Any) -> None:
    made = bench("ce_u")
    (batch,) = made.batches()
    forget = batch["forget"]
    per_token = losses.ce_u(made.state.policy(forget).logits, forget.targets)
    rows = torch.split(per_token, forget.lengths.tolist())
    torch.testing.assert_close(made.loss().loss, torch.cat([row[1:] for row in rows]).mean())


def test_alternates_answer_the_same_question_differently(bench: Any) -> None:
    made = bench("alt_po", alternates=3)
    for row in made.roles["forget"]:
        alternates = made.method.alternates[row.id]
        assert len(alternates) == 3
        for text, logps in alternates:
            assert text.prompt_ids == row.prompt_ids
            assert text.completion_ids != row.completion_ids
            assert END not in text.completion_ids[:-1]
            assert logps.shape == (len(text.completion_ids),)
    (batch,) = made.batches()
    scored = made.state.policy(made.method._alternate(batch["forget"]))
    torch.testing.assert_close(
        scored.token_logps, scored.texts.reference_token_logps, rtol=1e-4, atol=1e-4
    )


def test_alternates_take_turns_and_repeat_with_the_seed(bench: Any) -> None:
    def texts(made: Any) -> dict[str, Any]:
        return {id: [text for text, _ in found] for id, found in made.method.alternates.items()}

    made = bench("alt_po", alternates=2)
    assert texts(made) == texts(bench("alt_po", alternates=2))
    (batch,) = made.batches()
    made.step()
    first = made.method._alternate(batch["forget"]).targets
    made.step()
    second = made.method._alternate(batch["forget"]).targets
    assert first.tolist() != second.tolist()


def test_refusals_are_learnt_and_preferred(bench: Any) -> None:
    for name in ("idk_sft", "idk_dpo"):
        made = bench(name, lr=3e-3)
        (batch,) = made.batches()

        def gap(policy: Any = made.state.policy, batch: Any = batch) -> float:
            difference = policy(batch["alternate"]).mean_logps - policy(batch["forget"]).mean_logps
            return difference.mean().item()

        before = gap()
        for _ in range(5):
            made.step()
        assert gap() > before
