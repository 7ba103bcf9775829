"""Chat templates with the structure of the families' own, written here: which tokens a turn begins
and ends with, who writes BOS, and what a template refuses."""

from __future__ import annotations

from dataclasses import dataclass

BOS = "{{ bos_token }}"
EACH = "{% for m in messages %}"
LAST = "{% endfor %}"
ASKED = "{% if add_generation_prompt %}"
IF_USER = "{% if m.role == 'user' %}"
ALTERNATE = (
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('After the system message, roles must alternate') }}{% endif %}"
)
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
)
DEFAULT_SYSTEM = (
    "{% if messages[0].role != 'system' %}"
    "{{ '<|im_start|>system\\nYou are helpful.<|im_end|>\\n' }}{% endif %}"
)
IM = "{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}"


@dataclass(frozen=True)
class Chat:
    """One template, the control tokens that it needs, and what ends a turn in it."""

    text: str
    end: str
    tokens: tuple[str, ...] = ()
    before: str = ""
    """What stands right before an answer."""

    @property
    def bos(self) -> int:
        """How many BOS it writes."""
        return self.text.count("bos_token")


TEMPLATES = {
    "llama2": Chat(
        f"{BOS}{EACH}{IF_USER}{{{{ '[INST] ' + m.content + ' [/INST]' }}}}{{% else %}}"
        f"{{{{ ' ' + m.content + ' ' + eos_token }}}}{{% endif %}}{LAST}",
        "</s>",
        before="[/INST]",
    ),
    "llama3": Chat(
        f"{BOS}{EACH}"
        "{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\n\n' + m.content | trim }}"
        f"{{{{ '<|eot_id|>' }}}}{LAST}"
        f"{ASKED}{{{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}}}{{% endif %}}",
        "<|eot_id|>",
        ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        "<|end_header_id|>\n\n",
    ),
    "mistral": Chat(
        f"{BOS}{EACH}{ALTERNATE}{IF_USER}{{{{ '[INST] ' + m.content + '[/INST]' }}}}{{% else %}}"
        f"{{{{ ' ' + m.content + eos_token }}}}{{% endif %}}{LAST}",
        "</s>",
        ("[INST]", "[/INST]"),
        "[/INST]",
    ),
    "gemma": Chat(
        f"{BOS}{NO_SYSTEM}{EACH}{ALTERNATE}{{% set role = m.role %}}"
        "{% if role == 'assistant' %}{% set role = 'model' %}{% endif %}"
        "{{ '<start_of_turn>' + role + '\n' + m.content | trim + '<end_of_turn>\n' }}"
        f"{LAST}{ASKED}{{{{ '<start_of_turn>model\n' }}}}{{% endif %}}",
        "<end_of_turn>",
        ("<start_of_turn>", "<end_of_turn>"),
        "<start_of_turn>model\n",
    ),
    "chatml": Chat(
        f"{DEFAULT_SYSTEM}{EACH}{IM}{LAST}{ASKED}{{{{ '<|im_start|>assistant\n' }}}}{{% endif %}}",
        "<|im_end|>",
        ("<|im_start|>", "<|im_end|>"),
        "<|im_start|>assistant\n",
    ),
    "qwen3": Chat(
        f"{EACH}{{% if m.role == 'assistant' and loop.last and '</think>' not in m.content %}}"
        "{{ '<|im_start|>assistant\n<think>\n\n</think>\n\n' + m.content + '<|im_end|>\n' }}"
        f"{{% else %}}{IM}{{% endif %}}{LAST}"
        f"{ASKED}{{{{ '<|im_start|>assistant\n' }}}}{{% endif %}}",
        "<|im_end|>",
        ("<|im_start|>", "<|im_end|>"),
        "<think>\n\n</think>\n\n",
    ),
    "phi3": Chat(
        f"{EACH}{{{{ '<|' + m.role + '|>\n' + m.content + '<|end|>\n' }}}}{LAST}"
        f"{ASKED}{{{{ '<|assistant|>\n' }}}}{{% else %}}{{{{ eos_token }}}}{{% endif %}}",
        "<|end|>",
        ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
        "<|assistant|>\n",
    ),
    "tulu": Chat(
        f"{BOS}{EACH}{IF_USER}{{{{ '<|user|>\n' + m.content + '\n' }}}}{{% else %}}"
        f"{{{{ '<|assistant|>\n' + m.content + eos_token }}}}"
        f"{{% if not loop.last %}}{{{{ '\n' }}}}{{% endif %}}{{% endif %}}{LAST}"
        f"{ASKED}{{{{ '<|assistant|>\n' }}}}{{% endif %}}",
        "</s>",
        before="<|assistant|>\n",
    ),
}
OF_FAMILY = {
    "llama2": "llama2",
    "llama3": "llama3",
    "mistral": "mistral",
    "gemma": "gemma",
    "gemma2": "gemma",
    "gemma3": "gemma",
    "qwen2.5": "chatml",
    "qwen3": "qwen3",
    "phi3": "phi3",
}
"""The template of a family; the others have none of their own, or Tulu's (OLMo 2)."""


def of_family(family: str) -> Chat:
    """The chat template that models of this family have."""
    return TEMPLATES[OF_FAMILY.get(family, "tulu")]
