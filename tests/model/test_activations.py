"""What a layer gives inside the decoder is what transformers reports of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from suite.api.data import Encoded
from suite.model.activations import layer_output
from suite.model.batch import collate
from suite.model.folder import load_model
from suite.model.logprobs import decoder_of

TEXTS = [Encoded("a", (5, 6, 7), (8, 9)), Encoded("b", (5, 4), (11, 3, 2, 7))]


@pytest.mark.parametrize("number", [0, 1])
def test_outputs_are_those_of_the_model_itself(number: int, tiny_folder: Path) -> None:
    model = load_model(tiny_folder)
    layer = decoder_of(model).layers[number]
    with torch.no_grad():
        found = layer_output(model, layer, collate(TEXTS, 0))
        own = []
        for text in TEXTS:
            ids = torch.tensor([text.prompt_ids + text.completion_ids])
            states = model(input_ids=ids, output_hidden_states=True).hidden_states[number + 1][0]
            own.append(states[len(text.prompt_ids) - 1 : -1])
    torch.testing.assert_close(found, torch.cat(own), rtol=1e-4, atol=1e-5)


def test_the_layers_above_are_not_computed(tiny_folder: Path) -> None:
    model = load_model(tiny_folder)
    first, last = decoder_of(model).layers[0], decoder_of(model).layers[-1]
    layer_output(model, first, collate(TEXTS, 0))  # tries once how the model reads
    seen: list[int] = []
    last.register_forward_hook(lambda *_: seen.append(1))
    layer_output(model, first, collate(TEXTS, 0))
    assert seen == []
    assert not first._forward_hooks
