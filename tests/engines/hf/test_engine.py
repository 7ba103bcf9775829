"""The engine against the plain way: one text at a time, no cache, no batch."""

from __future__ import annotations

import dataclasses
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from suite.api.requests import Generate, Request, Response, ScoreText
from suite.core.errors import UserError
from suite.engines.hf.engine import HFConfig, HFEngine
from tests.engines.small_models import QUESTIONS, asked

WRONG = ["Nobody knows.", "Lahore", "It was written by somebody else altogether, a long time ago."]


def likelihoods() -> list[Request]:
    answers = {q: [a, *WRONG] for q, a in QUESTIONS.items()}
    return [
        ScoreText(f"{q}/{i}", asked(q), a)
        for q, texts in answers.items()
        for i, a in enumerate(texts)
    ]


def generations(guess: bool = True, **options: Any) -> list[Request]:
    options = {"max_new_tokens": 24, **options}
    return [
        Generate(f"{q}/generated", asked(q), a if guess else "", **options)
        for q, a in QUESTIONS.items()
    ]


@pytest.fixture(params=["random", "trained"])
def folder(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(f"{request.param}_folder")
    return path


def loaded(
    folder: Path, dtype: str = "float32", batch_tokens: int = 4096, **options: Any
) -> HFEngine:
    engine = HFEngine("cpu", dtype, config=HFConfig(batch_tokens), **options)
    engine.load(folder)
    return engine


def tried(folder: Path, **options: Any) -> HFEngine:
    """The same, after the first texts, on which the model is checked."""
    engine = loaded(folder, **options)
    engine.respond(generations())
    return engine


def plain_logps(engine: HFEngine, request: Request) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities and greedy flags of one text, from the model's own logits."""
    text = engine.encoder.encode(request.prompt, request.expected)
    ids, targets = (
        torch.tensor([text.prompt_ids + text.completion_ids]),
        torch.tensor(text.completion_ids),
    )
    with torch.no_grad(), engine.precision():
        logits = engine.model(ids).logits[0, len(text.prompt_ids) - 1 : -1].float()
    return logits.log_softmax(-1).gather(1, targets[:, None])[:, 0], logits.argmax(-1) == targets


def plain_text(engine: HFEngine, request: Request) -> tuple[str, bool]:
    """Greedy decoding of one prompt by transformers' own loop."""
    ids = torch.tensor([engine.encoder.encode_prompt(request.prompt)])
    output = engine.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        max_new_tokens=request.max_new_tokens,
        eos_token_id=sorted(engine.eos_ids),
        pad_token_id=engine.encoder.tokenizer.pad_token_id,
    )[0, ids.shape[1] :].tolist()
    return engine.encoder.decode(output), output[-1] in engine.eos_ids


@pytest.mark.parametrize("batch_tokens", [1, 60, 4096])
def test_likelihoods_are_those_of_one_text_at_a_time(folder: Path, batch_tokens: int) -> None:
    engine = loaded(folder, batch_tokens=batch_tokens)
    requests = likelihoods()
    for request, response in zip(requests, engine.respond(requests), strict=True):
        logps, greedy = plain_logps(engine, request)
        assert response.id == request.id
        assert torch.tensor(response.token_logps) == pytest.approx(logps, abs=2e-5)
        assert response.greedy == tuple(greedy.tolist())


# Both ways compute in fp32, but in another order, so two logits closer than about 1e-5 may change
# places. The models here keep their best two tokens further apart than that at every step, so the
# texts must be equal.
@pytest.mark.parametrize("guess", [True, False])
@pytest.mark.parametrize("batch_tokens", [1, 100, 4096])
@pytest.mark.parametrize("beside_likelihoods", [True, False])
def test_generated_text_is_plain_greedy_decoding(
    folder: Path, guess: bool, batch_tokens: int, beside_likelihoods: bool
) -> None:
    engine = loaded(folder, batch_tokens=batch_tokens)
    asked_for = generations(guess)
    answers = {
        r.id: r for r in engine.stream(asked_for + (likelihoods() if beside_likelihoods else []))
    }
    for request in asked_for:
        text, ended = plain_text(engine, request)
        assert answers[request.id].texts == (text,)
        assert answers[request.id].finished == (ended,)


def test_the_trained_model_ends_its_answers_and_the_random_one_rambles(
    random_folder: Path, trained_folder: Path
) -> None:
    """Otherwise the comparisons above would not cover both ways of stopping."""
    answers = loaded(trained_folder).respond(generations(max_new_tokens=64))
    assert [r.texts[0] for r in answers] == list(QUESTIONS.values())
    assert all(r.finished == (True,) for r in answers)
    assert not all(r.finished[0] for r in loaded(random_folder).respond(generations()))


def forwards(engine: HFEngine, requests: list[Request]) -> tuple[int, int]:
    """Calls of the decoder, and tokens (padding included) that went through it."""
    shapes: list[torch.Size] = []
    decoder = engine.model.model
    hook = decoder.register_forward_pre_hook(
        lambda _, args, kwargs: shapes.append(kwargs["input_ids"].shape), with_kwargs=True
    )
    engine.respond(requests)
    hook.remove()
    return len(shapes), sum(s.numel() for s in shapes)


def test_an_answer_as_guessed_needs_no_decoding_step(trained_folder: Path) -> None:
    engine = tried(trained_folder)
    assert forwards(engine, generations())[0] == 3  # prefix, prompts, answers
    assert forwards(engine, generations(guess=False))[0] > 3


def test_a_guess_that_is_a_likelihood_request_too_costs_nothing(trained_folder: Path) -> None:
    engine = tried(trained_folder)
    scored = [r for r in likelihoods() if r.id.endswith("/0") and r.completion]
    wanted = [r for r in generations() if r.guess]
    assert forwards(engine, scored + wanted) == forwards(engine, scored)


def test_every_token_is_read_once(random_folder: Path) -> None:
    engine = tried(random_folder, batch_tokens=1)  # no padding
    scored = likelihoods()
    texts = [engine.encoder.encode(r.prompt, r.completion) for r in scored]
    prompts = {t.prompt_ids for t in texts}
    prefix = next(i for i, column in enumerate(zip(*prompts, strict=False)) if len(set(column)) > 1)
    assert prefix > 5
    once = (
        prefix
        + sum(len(p) - prefix for p in prompts)
        + sum(len(t.completion_ids) - 1 for t in texts)
    )
    assert forwards(engine, scored)[1] == once
    again = [dataclasses.replace(r, id=f"{r.id}/again") for r in scored]
    assert forwards(engine, scored + again)[1] == once


def test_prompts_behind_long_examples_are_read_on_top_of_them(random_folder: Path) -> None:
    engine = loaded(random_folder)
    examples = asked("Where was she born? " * 8)
    requests = [
        ScoreText(str(i), (*examples, *asked(q)), a) for i, (q, a) in enumerate(QUESTIONS.items())
    ]
    for request, response in zip(requests, engine.respond(requests + likelihoods()), strict=False):
        assert torch.tensor(response.token_logps) == pytest.approx(
            plain_logps(engine, request)[0], abs=2e-5
        )
    tight = tried(random_folder, batch_tokens=1)
    apart = forwards(tight, requests)[1] + forwards(tight, likelihoods())[1]
    assert forwards(tight, requests + likelihoods())[1] == apart


def test_a_failed_load_is_followed_by_a_full_one(
    random_folder: Path, trained_folder: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(random_folder, broken)
    (broken / "model.safetensors").unlink()
    engine = loaded(random_folder)
    with pytest.raises(UserError, match="weights do not fit"):
        engine.load(broken)
    engine.load(trained_folder)
    assert engine.respond(likelihoods()) == loaded(trained_folder).respond(likelihoods())


def test_wrong_guesses_change_nothing(trained_folder: Path) -> None:
    engine = loaded(trained_folder)
    right = engine.respond(generations())
    for wrong in ["", "Hina", "Hina Ameen was born in Lahore.", "word " * 600]:
        requests = [Generate(r.id, r.prompt, wrong, max_new_tokens=24) for r in generations()]
        assert engine.respond(requests) == right


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_guess_is_cut_at_max_new_tokens(trained_folder: Path, limit: int) -> None:
    engine = loaded(trained_folder)
    with_guess = engine.respond(generations(max_new_tokens=limit))
    assert with_guess == engine.respond(generations(guess=False, max_new_tokens=limit))
    assert [plain_text(engine, r) for r in generations(max_new_tokens=limit)] == [
        (r.texts[0], r.finished[0]) for r in with_guess
    ]


def test_generation_stops_at_any_end_token(trained_folder: Path) -> None:
    engine = loaded(trained_folder)
    period = engine.encoder.tokenizer(".", add_special_tokens=False)["input_ids"]
    engine.model.generation_config.eos_token_id = [engine.encoder.eos_id, *period]
    for request, response in zip(generations(), engine.respond(generations()), strict=True):
        text, ended = plain_text(engine, request)
        assert (response.texts[0], response.finished[0]) == (text, ended)


def test_samples_depend_on_the_request_alone(random_folder: Path) -> None:
    requests = generations(temperature=1.0, n=3, seed=5)
    engine = loaded(random_folder)
    together = engine.respond(requests)
    alone = [engine.respond([r])[0] for r in requests]
    tight = tried(random_folder, batch_tokens=1).respond(requests + likelihoods())[: len(requests)]
    assert together == alone == tight
    assert all(len(set(r.texts)) == 3 for r in together)
    assert engine.respond(generations(temperature=1.0, n=3, seed=6)) != together


def test_a_low_temperature_samples_the_greedy_text(random_folder: Path) -> None:
    engine = loaded(random_folder)
    cold = engine.respond(generations(temperature=1e-4))
    assert [r.texts for r in cold] == [r.texts for r in engine.respond(generations())]
    assert all(len(r.sampled) == len(r.texts) for r in cold)


def test_n_greedy_texts_are_equal(trained_folder: Path) -> None:
    response = loaded(trained_folder).respond(generations(n=2))[0]
    assert len(response.texts) == len(response.finished) == 2
    assert response.texts[0] == response.texts[1]


def test_sampled_first_tokens_follow_the_model(trained_folder: Path) -> None:
    engine = loaded(trained_folder)
    question = "Who wrote the book?"
    n = 400
    request = Generate("r", asked(question), max_new_tokens=1, temperature=3.0, n=n)
    texts = engine.respond([request])[0].texts
    with torch.no_grad():
        logits = engine.model(torch.tensor([engine.encoder.encode_prompt(asked(question))])).logits[
            0, -1
        ]
    p = (logits / 3.0).softmax(-1)
    best = int(p.argmax())
    share = texts.count(engine.encoder.decode([best])) / n
    assert share == pytest.approx(
        float(p[best]), abs=4 * math.sqrt(float(p[best] * (1 - p[best])) / n)
    )


def test_other_weights_of_the_same_architecture(
    random_folder: Path, trained_folder: Path, tmp_path: Path
) -> None:
    requests = likelihoods() + generations()
    engine = loaded(random_folder)
    model = engine.model
    before = engine.respond(requests)
    stored = tmp_path / "stored"
    shutil.copytree(trained_folder, stored)
    (stored / "manifest.json").write_text("{}")  # what a store adds is not part of the model
    engine.load(stored)
    assert engine.model is model
    assert engine.respond(requests) == loaded(trained_folder).respond(requests) != before
    engine.load(random_folder)
    assert engine.respond(requests) == before


def test_another_architecture_is_loaded_in_full(random_folder: Path, tiny_folder: Path) -> None:
    engine = loaded(random_folder)
    engine.load(tiny_folder)
    assert engine.respond(likelihoods()) == loaded(tiny_folder).respond(likelihoods())


def test_bfloat16_gives_the_numbers_of_autocast_over_float32_weights(
    trained_folder: Path, random_folder: Path
) -> None:
    """As in training: the reference is the fp32 model under autocast, read in the same way."""
    from suite.model.folder import load_model

    engine = loaded(random_folder, "bfloat16")
    engine.load(trained_folder)
    cast = engine.respond(likelihoods())
    engine.model = load_model(trained_folder)
    assert cast == engine.respond(likelihoods())
    exact = loaded(trained_folder).respond(likelihoods())
    differences = [
        abs(a - b)
        for x, y in zip(cast, exact, strict=True)
        for a, b in zip(x.token_logps, y.token_logps, strict=True)
    ]
    assert 0 < max(differences) < 0.5


def test_nan_is_returned_not_dropped(random_folder: Path, tmp_path: Path) -> None:
    from suite.model import folder as models

    model = models.load_model(random_folder)
    with torch.no_grad():
        model.model.norm.weight.fill_(math.nan)
    models.save_model(model, models.load_tokenizer(random_folder), tmp_path)
    engine = loaded(tmp_path)
    answers = engine.respond(likelihoods() + generations())
    assert all(math.isnan(x) for r in answers[: len(likelihoods())] for x in r.token_logps)
    assert len(answers) == len(likelihoods()) + len(generations())


def test_nothing_leaks_to_the_reader_of_the_stream(random_folder: Path) -> None:
    engine = loaded(random_folder, "bfloat16", batch_tokens=100)
    seen: list[Response] = []
    state = torch.random.get_rng_state()
    for response in engine.stream(likelihoods() + generations(temperature=1.0)):
        seen.append(response)
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert not torch.is_autocast_enabled("cpu")
    assert len(seen) == len(likelihoods()) + len(generations())
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("ask", [likelihoods, generations])
def test_a_model_that_is_read_wrongly_is_refused_on_texts_of_the_data(
    random_folder: Path, dtype: str, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finished models and ready starts are never trained: the engine is the first to read them."""
    from suite.model import packing

    engine = loaded(random_folder, dtype)
    own = packing._mask

    def leaking(owner: torch.Tensor, prefix: int) -> torch.Tensor:
        width = owner.shape[1]
        seen = torch.ones(width, width, dtype=torch.bool).tril()
        return own(owner, prefix) | seen  # each text sees those before it in its row

    monkeypatch.setattr(packing, "_mask", leaking)
    with pytest.raises(UserError, match="log-probabilities differ by up to") as refused:
        engine.respond(ask())
    assert "\n" not in str(refused.value)
    monkeypatch.undo()
    assert engine.respond(ask())


def test_no_requests(random_folder: Path) -> None:
    assert loaded(random_folder).respond([]) == []


def test_too_long_an_answer_is_refused(random_folder: Path) -> None:
    engine = loaded(random_folder)  # 256 positions
    with pytest.raises(UserError, match="'long' has .* more than the model's own context of 256"):
        engine.respond([ScoreText("long", asked("And?"), "born " * 250)])


def test_generation_respects_the_context(random_folder: Path) -> None:
    engine = loaded(random_folder)
    filled = len(engine.encoder.encode_prompt(asked("And?" * 1)))
    question = "And?" + " born" * (250 - filled)
    request = Generate("r", asked(question), max_new_tokens=50)
    room = 256 - len(engine.encoder.encode_prompt(asked(question)))
    assert room < 10
    expected = plain_text(engine, Generate("r", asked(question), max_new_tokens=room))
    response = engine.respond([request])[0]
    assert (response.texts[0], response.finished[0]) == expected
    with pytest.raises(UserError, match="'r': its prompt fills the context of 256"):
        engine.respond([Generate("r", asked("And?" + " born" * 260), max_new_tokens=50)])


def test_an_empty_prompt_is_refused(random_folder: Path) -> None:
    engine = loaded(random_folder, template="{prompt}")
    with pytest.raises(UserError, match="'e': its prompt is empty"):
        engine.respond([ScoreText("e", asked("")[:0], "text")])


def test_the_template_is_used(random_folder: Path) -> None:
    engine = loaded(random_folder, template="Q: {prompt} A: ")
    request = likelihoods()[0]
    logps, _ = plain_logps(engine, request)
    assert engine.respond([request])[0].token_logps == pytest.approx(logps.tolist(), abs=2e-5)


def test_identity_is_known_before_a_model_is(random_folder: Path) -> None:
    identity = HFEngine("cpu", "bfloat16").identity()
    assert identity["engine"] == "hf"
    assert identity["dtype"] == "bfloat16"
    assert (
        identity["torch"] == torch.__version__.split("+")[0]
        or identity["torch"] == torch.__version__
    )
    assert set(identity) == {
        "engine",
        "torch",
        "transformers",
        "dtype",
        "attention",
        "batch_tokens",
    }
    engine = loaded(random_folder)
    assert engine.identity()["attention"] == engine.model.config._attn_implementation


def test_recurrent_models_are_refused() -> None:
    from transformers import MambaConfig, MambaForCausalLM

    from suite.engines.hf.checks import check_cache

    model = MambaForCausalLM(
        MambaConfig(vocab_size=32, hidden_size=16, num_hidden_layers=1, state_size=4)
    ).eval()
    with pytest.raises(UserError, match="MambaForCausalLM .* cache"):
        check_cache(model, 512)


@dataclass(frozen=True)
class Strange(Request):
    """A kind that no engine here knows."""

    kind = "generat"


def test_an_unknown_kind_of_request_is_refused_before_and_while_answering(
    random_folder: Path,
) -> None:
    strange = Strange("q/1", asked("?"))
    refusal = "engine hf: request 'q/1': unknown request kind 'generat'; did you mean 'generate'"
    with pytest.raises(UserError, match=refusal):
        HFEngine("cpu", "float32").check([*likelihoods(), strange])
    with pytest.raises(UserError, match=refusal):
        loaded(random_folder).respond([*likelihoods(), strange])
