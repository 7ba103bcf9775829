"""The settings of a run, as plain dataclasses: the one source of flags, help, configuration files
and JSON schema.

The docstring under each field is its help text. How the layers (defaults, file, environment, flags)
are merged is in `suite.config`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from suite.core.places import (
    FileOrName,
    FileOrNameOrNone,
    FilePath,
    FilePathOrNone,
    FilePaths,
)
from suite.ranges import Share


@dataclass(frozen=True)
class TrainConfig:
    """How a model is trained. Any of these may also stand in a method's own section, for that
    method alone."""

    epochs: int = 10
    """Passes over the primary role (forget, pairs, demonstrations). NPO's protocol: 5 to fine-tune,
    10 to unlearn."""
    lr: float = 1e-5
    """Peak learning rate of AdamW."""
    batch_size: int = 32
    """Sequences (or pairs) per optimiser step, of each role."""
    micro_batch: int = 0
    """Largest number of sequences in one forward pass; 0: the whole step. Does not change the
    gradient."""
    weight_decay: float = 0.01
    """AdamW's decoupled weight decay."""
    warmup_epochs: float = 1.0
    """Linear warm-up, in epochs (ignored if warmup_steps is set)."""
    warmup_steps: int = 0
    """Linear warm-up, in steps."""
    schedule: Literal["linear", "constant"] = "linear"
    """After the warm-up: linear decay to zero, or constant."""
    max_grad_norm: float = 1.0
    """Gradients are clipped to this norm; 0: never."""
    rounding: Literal["stochastic", "nearest"] = "stochastic"
    """How float32 weights become bfloat16 numbers in training: in forward passes, or, where
    `weights` are kept in bfloat16, after an update. `nearest` hides every update below half a unit;
    `stochastic` shows it on average."""
    weights: Literal["float32", "bfloat16", "nf4"] = "float32"
    """Precision in which weights and gradients are kept in training. `bfloat16` takes half the
    memory and needs `--dtype bfloat16`; updates are then rounded as `rounding` says. `nf4`: linear
    layers in 4 bits, under adapters (`lora_rank`); needs the extra `bitsandbytes`."""
    optimizer: Literal["adamw", "adamw_8bit", "paged_adamw", "paged_adamw_8bit"] = "adamw"
    """AdamW, and how it keeps its two moments of each weight: in float32, or in 8 bits; `paged`
    moves them to the machine's memory while the card is full (CUDA only). All but `adamw` need the
    extra `bitsandbytes`."""
    gradient_checkpointing: bool = False
    """Compute each layer a second time instead of keeping what its gradient needs: less memory,
    about a third more time, the same gradient."""
    shards: int = 1
    """So many processes of this machine train a model together, one per GPU, and each holds a part
    of its weights, gradients and optimiser (FSDP2). 1: this process holds it whole."""
    max_length: int = 512
    """Longest prompt + completion, in tokens. A longer one is refused, never cut silently."""
    lora_rank: int = 0
    """0: train all weights; otherwise the rank of LoRA adapters on every linear layer of the
    decoder."""
    lora_alpha: float = 16.0
    """LoRA's scale."""


HOW_A_STEP_IS_COMPUTED = ("micro_batch", "gradient_checkpointing", "shards")
"""Settings of training that change results by rounding alone, and what it takes to come by them.
They are in no key: whoever trains with another number of shards trains the same model."""


@dataclass(frozen=True)
class RunConfig:
    """What `suite run` does."""

    methods: tuple[str, ...] = ("ga", "npo")
    """Methods to compare, separated by commas. Settings may follow a name: `npo,npo:beta=0.5`.
    `family:unlearning` stands for all methods of a family that fit. With several benchmarks, each
    runs the methods that fit it."""
    bench: tuple[str, ...] = ("tofu",)
    """Benchmarks to run, separated by commas: `tofu,lm_eval:arc_easy`."""
    model: FileOrName = "tiny"
    """Hub id, local folder, .gguf file, or `tiny`: a small model that comes with the suite."""
    pretraining: Literal["packaged", "scratch"] = "packaged"
    """Where the pretrained weights of `tiny` come from. packaged: they come with the suite; what
    these do not fit (start seeds other than 0, another template or precision) is pretrained.
    scratch: every run pretrains it, which takes a minute."""
    start: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Start models that are there already, so that nothing is fine-tuned: `target=MODEL`, and again
    for each other one. MODEL is a hub id (`owner/name@revision`), a folder, a .gguf file or a peft
    adapter folder. `none`: do without it; what needs it is null. `train`: fine-tune it from
    --model."""
    data: FileOrNameOrNone = None
    """Folder or hub id of the benchmark's data; without it the benchmark's own default (for `tiny`:
    generated)."""
    split: tuple[str, ...] = ()
    """Splits of the benchmark, separated by commas: `forget01,forget10`; without any, those that it
    runs by default."""
    seeds: tuple[int, ...] = (0,)
    """Seeds of data order and sampling; every method runs once per seed. May stand in a method's
    section, too."""
    start_seeds: tuple[int, ...] = (0,)
    """Seeds of the models that methods start from (the pretraining of `tiny`, target, retrain,
    reward model). Every method runs once for each start seed and seed; with one start seed the
    results describe that one start."""
    smallest_difference: tuple[str, ...] = ()
    """Smaller differences part no methods: `model_utility=0.02,forget_quality=0.05` (of a p-value
    its KS distance). Without one, the benchmark's own: .01 of a metric's scale, .05 of a
    distance."""
    attack: tuple[str, ...] = ()
    """Attacks on the final models of all rows, separated by commas, settings behind a name:
    `relearn,quantize:type=nf4,sample:n=200`. They show what was hidden rather than forgotten."""
    utility_loss: Share = 0.1
    """The worst case is looked for among attacks that cost a model at most this share of its
    utility."""
    engine: str = "auto"
    """Who answers requests: hf (in this process), vllm (in a process of its own), openai (an
    endpoint). auto: vllm where the run computes on CUDA and vLLM is installed, else hf."""
    executor: str = "serial"
    """Who computes the stages of the run: serial (one after the other, in this process), local:N (N
    processes on this machine), ray (a Ray cluster), slurm (a job for each stage). Results are the
    same."""
    judge: str = "length"
    """Who compares answers, on benchmarks that need it: length (a control), reward, local,
    openai."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of forward passes; weights and optimiser stay float32. auto: bfloat16 where the
    hardware has it and no learning rate is so small that bfloat16 weights would not show the
    training (below 1e-5), else float32."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1, ..."""
    template: str = "chat"
    """`chat`: the tokenizer's chat template; or a text holding {prompt}:
    "Question: {prompt}\\nAnswer:"."""
    date: str = "2024-07-26"
    """The day that a chat template reads which asks for one, as Llama 3's do. The same in every
    run, or other days would have other prompts."""
    pad_token: str | None = None
    """The token to pad with, where the tokenizer names none."""
    limit: int | None = None
    """Evaluate on at most this many items of each set; results are marked partial and never
    ranked."""
    evaluate: Literal["epochs", "final"] = "epochs"
    """Evaluate after every epoch (and report the best one too), or only at the end."""
    keep: Literal["all", "best", "final", "none"] = "all"
    """Weights of a method's epochs that stay in the store once the run needs them no longer.
    Answers and scores always stay; weights that were dropped are made again where something needs
    them."""
    checkpoint_seconds: float = 60.0
    """A killed training run resumes from a checkpoint at most this old; 0: one after every step."""
    allow_overlap: bool = False
    """Go on although forget and retain data share rows (counted in the report)."""
    block: tuple[str, ...] = ()
    """Plugins (entry-point names) that are not loaded."""
    plugin_file: FilePaths = ()
    """Plugins in single Python files, neither packaged nor installed; may be repeated."""
    log: tuple[str, ...] = ()
    """Log training there too, besides <out>/log.jsonl: tensorboard, wandb, trackio (extras of those
    names)."""
    out: FilePath = "runs/latest"
    """Folder for results.json, the leaderboards and samples. If its last part is `latest`, each run
    gets a new folder beside it, named by time and content, and `latest` is a link to the last."""
    store: FilePathOrNone = None
    """Folder of finished stages; default: the user's cache folder."""
    finetune: TrainConfig = field(default_factory=lambda: TrainConfig(epochs=5))
    """How the start models (target, retrain) are trained from the base model."""
    train: TrainConfig = field(default_factory=TrainConfig)
    """How methods train."""
    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Settings of plugins by section, e.g. {"npo": {"beta": 0.05}, "hf": {"batch_tokens": 99}}."""
