"""Online methods raise the reward they are given; best-of-n, prompting and the reward model do what
they say."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import pytest
import torch
from plugin_bench import END, fresh_model, make, rows, text
from safetensors.torch import load_file

from suite import (
    Generate,
    Generated,
    Message,
    Pair,
    Request,
    Response,
    Reward,
    Rewarded,
    Row,
    ScoreText,
    UserError,
)
from suite.api.data import Encoded, EncodedPair
from suite.api.step import StepOutput
from suite.model import folder as models
from suite.model.encoding import Encoder
from suite.model.hardware import autocast
from suite.model.logprobs import LMPolicy
from suite.model.reference import References
from suite.model.reward_model import ACCURACY, HEAD, ModelReward
from suite.settings import TrainConfig
from suite.stages.handles import epochs_in
from suite.stats.moments import Moments
from suite.train.encoded import encode_rows
from suite.train.job import TrainJob
from suite.train.loop import train
from suite.train.rewarded import rewarder
from suite.train.rollouts import sample
from suite.train.sampling import Sampler

PROMPT = (Message("user", "Who wrote the red book?"),)


class Lexicon(Reward):
    """Share of an answer's words in lower case."""

    def score(self, prompts: Sequence[Any], continuations: Sequence[str]) -> list[float]:
        words = [continuation.split() or ["x"] for continuation in continuations]
        return [sum(w[0].islower() for w in found) / len(found) for found in words]

    def identity(self) -> dict[str, Any]:
        return {"reward": "lower case"}


def questions(count: int) -> list[Row]:
    from suite.tiny import world

    table = world.tables("full")
    return [Row(f"q/{i}", (Message("user", table[i]["question"]),), "") for i in range(count)]


def run(folder: Path, out: Path, name: str, steps: int, **settings: Any) -> list[dict[str, float]]:
    """Train on 8 questions a step; return the log."""
    prompts = questions(8)
    encoder = Encoder(models.load_tokenizer(folder))
    (out / "out").mkdir(parents=True)
    (out / "scratch").mkdir()
    config = TrainConfig(
        epochs=steps, lr=3e-3, batch_size=8, warmup_epochs=0.0, schedule="constant"
    )
    train(
        TrainJob(
            make(name, max_new_tokens=8, **settings),
            config,
            0,
            folder,
            {"prompts": encode_rows(prompts, encoder)},
            References(),
            out / "out",
            out / "scratch",
            epochs=frozenset({steps}),
            rewarder=rewarder(Lexicon(), prompts, encoder),
        )
    )
    return [json.loads(line) for line in (out / "out/log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ppo_gt", {"kl_coef": 0.01}),
        ("ppo", {"kl_coef": 0.01, "normalise": False}),
        ("rloo", {"samples": 4, "beta": 0.01}),
        ("grpo", {"samples": 4}),
        ("grpo", {"samples": 4, "beta": 0.01, "updates": 2}),
    ],
)
def test_the_reward_rises_on_tiny(
    tiny_folder: Path, tmp_path: Path, name: str, settings: dict[str, Any]
) -> None:
    log = run(tiny_folder, tmp_path, name, steps=12, **settings)
    before, after = (sum(line["reward"] for line in part) / 2 for part in (log[:2], log[-2:]))
    assert after > before + 0.15, (before, after)
    assert log[0]["kl"] == pytest.approx(
        0, abs=1e-5
    )  # before the first step the policy is the reference


@pytest.mark.parametrize("name", ["ppo_gt", "rloo"])
def test_a_dear_kl_keeps_the_policy_near(tiny_folder: Path, tmp_path: Path, name: str) -> None:
    price = "kl_coef" if name == "ppo_gt" else "beta"
    free, dear = (
        run(tiny_folder, tmp_path / str(p), name, steps=6, **{price: p})[-1]["kl"]
        for p in (1e-3, 10.0)
    )
    assert dear < free


def test_the_coefficient_rises_while_the_kl_is_above_its_target(
    tiny_folder: Path, tmp_path: Path
) -> None:
    log = run(tiny_folder, tmp_path, "ppo_gt", steps=4, target_kl=1e-3)
    assert log[0]["kl_coef"] == 0.05
    for before, after in pairwise(log):
        clipped = min(max(before["kl"] / 1e-3 - 1, -0.2), 0.2)
        assert after["kl_coef"] == pytest.approx(before["kl_coef"] * (1 + 0.1 * clipped))


def draw(
    prompts: Sequence[Encoded], samples: int, seed: int = 0, model: Any = None
) -> list[Encoded]:
    return sample(
        model or fresh_model(),
        prompts,
        samples=samples,
        max_new_tokens=6,
        seed=seed,
        eos_ids=frozenset({END}),
        precision=autocast("float32", "cpu"),
    )


def test_samples_follow_the_policy_and_the_seed() -> None:
    prompts: list[Encoded] = rows()["prompts"]
    drawn = draw(prompts, 3)
    assert [d.prompt_ids for d in drawn] == [p.prompt_ids for p in prompts for _ in range(3)]
    assert drawn == draw(prompts, 3)
    assert drawn != draw(prompts, 3, seed=1)
    assert draw(prompts[:2], 3) == drawn[:6]  # whatever else is sampled with them
    for answer in drawn:
        assert 1 <= len(answer.completion_ids) <= 6
        assert END not in answer.completion_ids[:-1]


def test_samples_have_the_policys_distribution() -> None:
    """First tokens of 4,000 samples against the model's own probabilities: chi-squared."""
    from scipy.stats import chisquare

    model, prompt = fresh_model(), text("p", 5)
    firsts = torch.tensor([d.completion_ids[0] for d in draw([prompt], 4000, model=model)])
    with torch.no_grad():
        expected = (
            model(input_ids=torch.tensor([prompt.prompt_ids])).logits[0, -1].softmax(-1) * 4000
        )
    counts, likely = torch.bincount(firsts, minlength=len(expected)).float(), expected >= 5
    observed = [*counts[likely].tolist(), float(counts[~likely].sum())]
    wanted = [*expected[likely].tolist(), float(expected[~likely].sum())]
    total = sum(wanted)
    assert chisquare(observed, [w * 4000 / total for w in wanted]).pvalue > 1e-3


@pytest.mark.parametrize("name", ["ppo", "rloo", "grpo"])
def test_micro_batches_do_not_change_a_step(bench: Any, name: str) -> None:
    """Rollouts in parts of 4 give the weights that one part gives."""
    outputs: list[StepOutput] = []
    weights = []
    for limit in (0, 4):
        made = bench(name, max_new_tokens=6)
        made.state.micro_batch = limit
        made.state.rewarder = lambda texts: [float(sum(t.completion_ids) % 7) for t in texts]
        outputs.append(made.step())
        weights.append(made.weights)
    assert outputs[0].loss == pytest.approx(outputs[1].loss, rel=1e-4, abs=1e-6)
    for key, value in weights[0].items():
        torch.testing.assert_close(weights[1][key], value, rtol=1e-3, atol=1e-4)


def test_the_gradient_of_rloo_is_the_policy_gradient(bench: Any) -> None:
    """By hand: sum over answers of advantage x gradient of the summed log-probability."""
    made = bench("rloo", samples=2, beta=0.0, max_new_tokens=5)
    state = made.state
    rewards: list[float] = []
    drawn: list[Encoded] = []

    def remember(texts: Sequence[Encoded]) -> list[float]:
        drawn.extend(texts)
        rewards.extend(float(len(t.completion_ids)) for t in texts)
        return rewards

    state.rewarder, state.optimizer = remember, torch.optim.SGD(state.parameters, lr=1.0)
    state.scheduler = torch.optim.lr_scheduler.LambdaLR(state.optimizer, lambda step: 1.0)
    before = made.weights
    state.max_grad_norm = 0.0
    made.step()
    model = fresh_model()
    pairs = torch.tensor(rewards).view(-1, 2)
    advantages = (pairs - pairs.flip(1)).flatten()
    total = torch.zeros(())
    for answer, advantage in zip(drawn, advantages, strict=True):
        ids = torch.tensor([answer.prompt_ids + answer.completion_ids])
        logps = (
            model(input_ids=ids).logits[0, :-1].log_softmax(-1).gather(1, ids[0, 1:, None])[:, 0]
        )
        total = total - advantage * logps[len(answer.prompt_ids) - 1 :].sum()
    (total / len(drawn)).backward()
    for key, parameter in model.named_parameters():
        torch.testing.assert_close(
            before[key] - parameter.grad, made.weights[key], rtol=1e-3, atol=1e-5
        )


def test_a_step_of_ppo_is_the_one_worked_out_by_hand(bench: Any) -> None:
    """Two updates on the same answers: advantages by loops, ratios and both clips from the model's
    own logits."""
    lr, coef, lam, clip, value_clip, vf = 1e-3, 0.1, 0.9, 0.3, 0.02, 0.5
    made = bench(
        "ppo",
        target_kl=None,
        kl_coef=coef,
        lam=lam,
        clip=clip,
        value_clip=value_clip,
        vf_coef=vf,
        updates=2,
        normalise=False,
        max_new_tokens=5,
    )
    state, drawn = made.state, []
    state.rewarder = lambda texts: (
        drawn.extend(texts) or [float(sum(t.completion_ids) % 7) for t in texts]
    )
    state.optimizer = torch.optim.SGD(state.parameters, lr=lr)
    state.scheduler = torch.optim.lr_scheduler.LambdaLR(state.optimizer, lambda step: 1.0)
    state.max_grad_norm = 0.0
    with torch.no_grad():  # the policy has left the reference, and the values are not all 0
        state.policy.model.model.norm.weight.mul_(1.1)
        state.heads["value"].weight.fill_(0.1)
    policy, head, reference = (
        copy.deepcopy(state.policy.model),
        copy.deepcopy(state.heads["value"]),
        fresh_model(),
    )
    made.step()

    def scored(model: Any, answer: Encoded) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probability of each token, and the state that predicts it."""
        ids = torch.tensor([answer.prompt_ids + answer.completion_ids])
        states = model.model(input_ids=ids).last_hidden_state[0, len(answer.prompt_ids) - 1 : -1]
        logps = model.lm_head(states).log_softmax(-1)
        return logps.gather(1, torch.tensor(answer.completion_ids)[:, None])[:, 0], states

    old, advantages, returns = [], [], []
    for answer in drawn:
        with torch.no_grad():
            logps, states = scored(policy, answer)
            values = head(states)[:, 0].tolist()
            rewards = (-coef * (logps - scored(reference, answer)[0])).tolist()
        rewards[-1] += sum(answer.completion_ids) % 7
        advantage, found = 0.0, []
        for t in reversed(range(len(rewards))):
            ahead = values[t + 1] if t + 1 < len(values) else 0.0
            advantage = rewards[t] + ahead - values[t] + lam * advantage
            found.insert(0, advantage)
        old += [(logp, value) for logp, value in zip(logps.tolist(), values, strict=True)]
        advantages += found
        returns += [a + v for a, v in zip(found, values, strict=True)]
    white = (torch.tensor(advantages) - fmean(advantages)) / pstdev(advantages)
    clipped = 0
    for _ in range(2):
        now = [scored(policy, answer) for answer in drawn]
        values = head(torch.cat([states for _, states in now]))[:, 0]
        total = torch.zeros(())
        for logp, value, (was, before), a, r in zip(
            torch.cat([logps for logps, _ in now]), values, old, white, returns, strict=True
        ):
            ratio = (logp - was).exp()
            inside = min(max(ratio.item(), 1 - clip), 1 + clip)
            clipped += inside != ratio.item()
            total = total - (
                ratio * a if ratio.item() * a.item() <= inside * a.item() else inside * a
            )
            gap = value.item() - before
            near = (
                value
                if abs(gap) <= value_clip
                else torch.tensor(before + math.copysign(value_clip, gap))
            )
            total = total + vf * 0.5 * max((value - r) ** 2, (near - r) ** 2, key=torch.Tensor.item)
        parameters = [*policy.parameters(), *head.parameters()]
        gradients = torch.autograd.grad(total / len(old), parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= lr * gradient
    assert 0 < clipped < len(old)  # in the second update some ratios have left the interval
    for key, parameter in policy.named_parameters():
        torch.testing.assert_close(parameter.detach(), made.weights[key], rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(
        head.weight.detach(), state.heads["value"].weight.detach(), rtol=1e-4, atol=1e-7
    )


def test_a_reward_that_is_no_number_stops_the_run(bench: Any) -> None:
    made = bench("rloo")
    made.state.rewarder = lambda texts: [math.nan for _ in texts]
    with pytest.raises(UserError, match="the reward of an answer to 'prompts/[0-9]' is nan"):
        made.step()


def test_moments_are_those_of_all_values_so_far() -> None:
    values = [3.0, -1.0, 4.0, 1.5, 9.0]
    moments = Moments().updated(values[:2]).updated(values[2:])
    whole = torch.tensor(values, dtype=torch.float64)
    torch.testing.assert_close(
        moments.normalised(whole), (whole - whole.mean()) / whole.std(correction=0)
    )
    assert Moments(*moments.state) == moments
    assert Moments().updated([2.0, 2.0]).normalised(torch.tensor([2.0])).item() == 0


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("rloo", {"samples": 1}, "samples must be at least 2"),
        ("grpo", {"samples": 1}, "samples must be at least 2"),
        ("reward_model", {"held_out": 1.0}, "held_out is a share"),
    ],
)
def test_settings_that_make_no_sense(name: str, settings: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(name, **settings)


def test_pairs_of_a_prompt_come_in_one_step() -> None:
    prompts = [(2, 3), (4, 5), (6, 7), (8, 9)]
    pairs = [
        EncodedPair(
            f"{p}/{k}", Encoded("", prompt, (k + 2, END)), Encoded("", prompt, (k + 9, END))
        )
        for k in range(3)
        for p, prompt in enumerate(prompts)
    ]
    sampler = Sampler({"pairs": pairs}, 7, seed=0, whole_prompts=True)
    steps = [
        [pair.id for pair in sampler.step(i)["pairs"]] for i in range(2 * sampler.steps_per_epoch)
    ]
    assert [len(step) for step in steps] == [6] * 4
    for step in steps:
        assert {id.partition("/")[0] for id in step} == {
            id.partition("/")[0] for id in step[:1] + step[3:4]
        }
    assert sorted(steps[0] + steps[1]) == sorted(pair.id for pair in pairs)
    with pytest.raises(UserError, match="no rows"):
        Sampler({"prompts": []}, 7, seed=0)


def test_a_reward_model_learns_what_is_preferred_and_is_read_back(
    tiny_folder: Path, tmp_path: Path
) -> None:
    """Answers about May are preferred; the stored model rewards texts so, and knows its
    accuracy."""
    encoder = Encoder(models.load_tokenizer(tiny_folder))
    pairs = [
        Pair(
            f"{i}",
            (Message("user", f"When was {i}?"),),
            f"She was born in May {1900 + i}.",
            f"It is {1900 + i}.",
        )
        for i in range(24)
    ]
    (tmp_path / "out").mkdir()
    (tmp_path / "scratch").mkdir()
    method = make("reward_model", held_out=0.25)
    config = TrainConfig(epochs=3, lr=1e-3, batch_size=6, warmup_epochs=0.0)
    roles = {"pairs": encode_rows(pairs, encoder)}
    train(
        TrainJob(
            method,
            config,
            0,
            tiny_folder,
            roles,
            References(),
            tmp_path / "out",
            tmp_path / "scratch",
        )
    )
    folder = epochs_in(tmp_path / "out")[3]
    assert json.loads((folder / ACCURACY).read_text()) == {"accuracy": 1.0, "held_out_pairs": 6}
    assert load_file(folder / HEAD)["weight"].shape == (1, 128)
    reward = ModelReward(folder, encoder, "cpu", "float32")
    chosen = reward.score([p.prompt for p in pairs], [p.chosen for p in pairs])
    rejected = reward.score([p.prompt for p in pairs], [p.rejected for p in pairs])
    assert all(c > r for c, r in zip(chosen, rejected, strict=True))
    assert reward.score([pairs[3].prompt], [pairs[3].chosen]) == pytest.approx(
        [chosen[3]], abs=1e-4
    )
    method.prepare({}, reward)
    answered = method.respond(None, [ScoreText("a/chosen", pairs[0].prompt, pairs[0].chosen)])  # type: ignore[arg-type]
    assert Rewarded.of(answered[0]).reward == pytest.approx(chosen[0], abs=1e-4)


def test_a_reward_model_tells_praise_from_blame_in_reviews_it_has_not_seen(
    tiny_folder: Path, tmp_path: Path
) -> None:
    """The tiny model's own reviews: each prefix goes on with words of one mood or the other."""
    from suite_benchmarks.sentiment.generated import generated
    from suite_benchmarks.sentiment.reviews import cut

    reviews = generated().reviews
    good, bad = ([cut(r) for r in reviews if r.positive is mood][:160] for mood in (True, False))
    pairs = [
        Pair(str(i), (Message("user", prefix),), praise, blame)
        for i, ((prefix, praise), (_, blame)) in enumerate(zip(good, bad, strict=True))
    ]
    (tmp_path / "out").mkdir()
    (tmp_path / "scratch").mkdir()
    roles = {"pairs": encode_rows(pairs, Encoder(models.load_tokenizer(tiny_folder)))}
    config = TrainConfig(epochs=3, lr=1e-3, batch_size=16, warmup_epochs=0.25)
    method = make("reward_model", held_out=0.25)
    train(
        TrainJob(
            method,
            config,
            0,
            tiny_folder,
            roles,
            References(),
            tmp_path / "out",
            tmp_path / "scratch",
        )
    )
    found = json.loads((epochs_in(tmp_path / "out")[3] / ACCURACY).read_text())
    assert found["held_out_pairs"] > 30
    assert found["accuracy"] > 0.75  # 30 of 40 by chance: p < .002


class Parrot:
    """An engine that answers with numbers, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def respond(self, requests: Sequence[Request]) -> list[Response]:
        self.asked += requests
        texts = [tuple(str((7 * i) % 10) for i in range(r.n)) for r in requests]
        return [
            Generated(r.id, texts=t, finished=(True,) * r.n)
            for r, t in zip(requests, texts, strict=True)
        ]


class Number(Reward):
    def score(self, prompts: Sequence[Any], continuations: Sequence[str]) -> list[float]:
        return [float(c) for c in continuations]

    def identity(self) -> dict[str, Any]:
        return {}


def test_best_of_n_takes_the_best_of_every_n() -> None:
    engine: Any = Parrot()
    method = make("best_of_n", n=4)
    method.prepare({}, Number())
    (one, two) = method.respond(engine, [Generate("a", PROMPT), Generate("b", PROMPT, n=2)])
    assert one.texts == ("7",)  # of 0 7 4 1
    assert two.texts == ("7", "9")  # of 0 7 4 1 and 8 5 2 9
    assert [(r.n, r.temperature) for r in engine.asked] == [(4, 1.0), (8, 1.0)]
    assert method.kl_bound() == pytest.approx(math.log(4) - 0.75)
    assert make("best_of_n", n=1).kl_bound() == 0
    assert make("best_of_n", temperature=0.5).kl_bound() is None


def test_the_kl_of_best_of_n_is_its_bound_where_all_rewards_differ() -> None:
    """Uniform over K answers with distinct rewards: exact KL -> log N - (N - 1)/N as K grows."""
    size, n = 100_000, 8
    top = torch.arange(1, size + 1, dtype=torch.float64) / size
    best = top**n - (top - 1 / size) ** n
    exact = float((best * (best * size).log()).sum())
    bound = make("best_of_n", n=n).kl_bound()
    assert bound is not None
    assert exact <= bound
    assert exact == pytest.approx(bound, abs=1e-3)


def test_zero_shot_puts_its_instruction_first() -> None:
    engine: Any = Parrot()
    request = Generate("a", PROMPT)
    make("zero_shot").respond(engine, [request])
    make("zero_shot", instruction="Be brief.").respond(engine, [request])
    assert engine.asked[0] == request
    assert engine.asked[1].prompt == (Message("user", "Be brief.\n\nWho wrote the red book?"),)


def test_few_shot_shows_other_prompts_and_their_answers() -> None:
    engine: Any = Parrot()
    method = make("few_shot", shots=2)
    shown = [Row(f"{i}", (Message("user", f"question {i}"),), f"answer {i}") for i in range(3)]
    method.prepare({"demonstrations": [Row("same", PROMPT, "the very answer"), *shown]}, None)
    method.respond(engine, [Generate("a", PROMPT)] * 2)
    first, second = engine.asked
    assert first.prompt == second.prompt
    assert [m.role for m in first.prompt] == ["user", "assistant"] * 2 + ["user"]
    assert first.prompt[-1:] == PROMPT
    assert "the very answer" not in [m.content for m in first.prompt]
    method.prepare({"demonstrations": shown[:1]}, None)
    with pytest.raises(UserError, match=r"few_shot.shots = 2, but only 1 demonstrations"):
        method.respond(engine, [Generate("a", PROMPT)])


def test_the_reference_of_an_online_method_stays_where_it_was(bench: Any) -> None:
    made = bench("rloo")
    made.state.rewarder = lambda texts: [float(t.completion_ids[0]) for t in texts]
    made.step()
    reference = made.method.reference
    assert isinstance(reference, LMPolicy)
    for key, value in fresh_model().state_dict().items():
        assert torch.equal(reference.model.state_dict()[key], value)
