"""Layers of the configuration: precedence, validation in one line, and what is written is what was
used."""

from __future__ import annotations

import time
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suite import UserError
from suite.config import (
    benchmark_settings,
    blocked,
    chosen_splits,
    engine_settings,
    finetune_settings,
    json_schema,
    method_settings,
    resolve,
    split_spec,
    to_toml,
)
from suite.config.fields import field_docs, settings_of
from suite.config.layers import from_file
from suite.registry import Registry
from suite.settings import RunConfig, TrainConfig
from suite.stages.context import Context
from tests.thirdparty.distributions import Site, benchmark, engine, method

PROTOCOL = {
    "train": {"lr": 2e-4, "epochs": 7},
    "finetune": {"epochs": 9},
    "mine": {"strength": 5.0, "max_length": 99},
}
CHOICE = {"methods": "mine", "bench": "bench_a"}


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    site = Site(tmp_path, monkeypatch)
    site.add(
        "acme",
        {
            "mine": method("mine"),
            "bench_a": benchmark("bench_a", PROTOCOL),
            "plain": method("plain"),
        },
    )
    site.add(
        "other",
        {"bench_b": benchmark("bench_b", {"train": {"epochs": 3}, "finetune": {"lr": 1e-3}})},
    )
    site.add("remote", {"remote": engine("remote")})
    site.add("faulty", {"faulty": "1 / 0"})
    return Registry.load()


def resolved(
    registry: Registry, file: Path | None = None, /, *sets: str, **layers: Any
) -> RunConfig:
    flags = {**CHOICE, **layers.get("flags", {})}
    return resolve(registry, file, flags, sets, layers.get("environ", {}))


def written(tmp_path: Path, text: str, name: str = "run.toml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_without_layers_everything_is_the_default(registry: Registry) -> None:
    config = resolve(registry, None, {"methods": "mine", "bench": "bench_b"}, [], {})
    default = RunConfig(methods=("mine",), bench=("bench_b",))
    expected = replace(
        default, train=replace(default.train, epochs=3), finetune=replace(default.finetune, lr=1e-3)
    )
    assert config == expected


def test_precedence_of_the_runs_own_fields(registry: Registry, tmp_path: Path) -> None:
    file = written(tmp_path, 'model = "file"\ndevice = "file"\ndata = "file"\nout = "file"')
    environ = {
        "SUITE_DEVICE": "environment",
        "SUITE_DATA": "environment",
        "SUITE_OUT": "environment",
    }
    config = resolved(
        registry, file, "out=set", environ=environ, flags={"data": "flag", "out": "flag"}
    )
    assert (config.model, config.device, config.data, config.out) == (
        "file",
        "environment",
        "flag",
        "set",
    )


def test_precedence_of_a_methods_training_settings(registry: Registry, tmp_path: Path) -> None:
    """Each line adds one layer, which decides lr from then on; what it does not set stays."""
    spec, user = "mine", written(tmp_path, "[train]\nlr = 4e-4\n")
    section = written(tmp_path, "[train]\nlr = 4e-4\n[mine]\nlr = 5e-4\n", "section.toml")

    def training(config: RunConfig, spec: str = spec, bench: str = "bench_a") -> TrainConfig:
        return method_settings(config, registry, spec, bench, "default")[1]

    paper = training(resolved(registry, flags={"bench": "bench_b"}), bench="bench_b")
    assert (paper.lr, paper.batch_size, paper.weight_decay, paper.epochs) == (3e-4, 8, 0.5, 3)
    protocol = training(resolved(registry))
    assert (protocol.lr, protocol.epochs, protocol.batch_size) == (2e-4, 7, 8)
    assert protocol.max_length == 99
    assert training(resolved(registry, user)).lr == 4e-4
    assert training(resolved(registry, section)).lr == 5e-4
    assert training(resolved(registry, section, environ={"SUITE_MINE__LR": "6e-4"})).lr == 6e-4
    assert (
        training(resolved(registry, section, "mine.lr=7e-4", environ={"SUITE_MINE__LR": "6e-4"})).lr
        == 7e-4
    )
    assert training(resolved(registry, section, "mine.lr=7e-4"), "mine:lr=8e-4").lr == 8e-4
    assert training(resolved(registry, section, "mine.lr=7e-4"), "plain").lr == 4e-4


def test_a_methods_own_settings_come_from_protocol_section_and_variant(registry: Registry) -> None:
    config = resolved(
        registry, None, "mine.words=x, y", flags={"methods": "mine,mine:strength=2:cap=none"}
    )
    base, _ = method_settings(config, registry, "mine", "bench_a", "default")
    variant, _ = method_settings(config, registry, "mine:strength=2:cap=none", "bench_a", "default")
    assert (base.strength, base.words, base.cap) == (5.0, ("x", "y"), 2.0)
    assert (variant.strength, variant.words, variant.cap) == (2.0, ("x", "y"), None)
    assert method_settings(config, registry, "mine", "bench_b", "default")[0].strength == 1.0


def test_start_models_and_benchmarks_have_their_own_settings(registry: Registry) -> None:
    config = resolved(registry, None, "finetune.lr=0.5", "bench_a.size=8", "train.epochs=2")
    assert finetune_settings(config, registry, "bench_a", "default") == TrainConfig(
        epochs=9, lr=0.5
    )
    assert benchmark_settings(config, registry, "bench_a").size == 8
    assert (config.finetune.epochs, config.finetune.lr, config.train.epochs) == (9, 0.5, 2)


def test_where_protocols_differ_the_run_keeps_the_default_and_each_benchmark_its_own(
    registry: Registry,
) -> None:
    config = resolved(registry, flags={"bench": "bench_a,bench_b"})
    assert (config.finetune.epochs, config.train.epochs) == (
        RunConfig().finetune.epochs,
        RunConfig().train.epochs,
    )
    assert [
        finetune_settings(config, registry, name, "default").epochs for name in config.bench
    ] == [9, 5]


def test_every_split_that_runs_has_its_own_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = benchmark("parted", {"finetune": {"epochs": 2, "lr": 1e-3}})
    source = source.replace('name = "parted"', 'name = "parted"\n        splits = ("a", "b", "c")')
    source = source.replace("'epochs': 2", "'epochs': {'a': 4, 'b': 5, 'c': 6}[split]")
    more = source.replace('"parted"', '"more"').replace(
        "        splits =", '        default_splits = ("a", "b")\n        splits ='
    )
    Site(tmp_path, monkeypatch).add(
        "acme", {"mine": method("mine"), "parted": source, "more": more}
    )
    registry = Registry.load()

    def epochs(bench: str, **flags: str) -> list[int]:
        config = resolved(registry, flags={"bench": bench, **flags})
        assert config.finetune.lr == 1e-3
        splits = chosen_splits(config, registry, bench)
        return [finetune_settings(config, registry, bench, split).epochs for split in splits]

    assert epochs("parted") == [4]
    assert epochs("more") == [4, 5]
    assert epochs("more", split="c,a") == [6, 4]
    with pytest.raises(UserError, match=r"^unknown split of parted 'd'"):
        epochs("parted", split="a,d")
    with pytest.raises(UserError, match=r"^split: 'a' is given twice$"):
        epochs("parted", split="a,a")


def test_a_list_may_be_written_with_commas_in_a_file_too(
    registry: Registry, tmp_path: Path
) -> None:
    assert resolved(registry, written(tmp_path, 'split = "default"\nseeds = "1, 2"')).split == (
        "default",
    )


@pytest.mark.parametrize("bench", ["bench_a", "bench_a,bench_b"])
def test_what_is_written_repeats_the_run(registry: Registry, tmp_path: Path, bench: str) -> None:
    flags = {"methods": "mine,plain,mine:strength=2:lr=1e-4", "bench": bench, "limit": "7"}
    first = resolved(
        registry, None, "train.weight_decay=0.25", "mine.cap=none", "bench_a.size=2", flags=flags
    )
    text = to_toml(first, registry)
    second = resolve(registry, written(tmp_path, text), {}, [], {})
    assert to_toml(second, registry) == text
    assert replace(first, sections={}) == replace(second, sections={})
    for name in first.bench:
        assert benchmark_settings(first, registry, name) == benchmark_settings(
            second, registry, name
        )
        starts = (
            finetune_settings(config, registry, name, "default") for config in (first, second)
        )
        assert len(set(starts)) == 1
        for spec in first.methods:
            assert method_settings(first, registry, spec, name, "default") == method_settings(
                second, registry, spec, name, "default"
            )


def test_what_is_written_shows_every_number_that_was_decided(registry: Registry) -> None:
    content = tomllib.loads(to_toml(resolved(registry), registry))
    assert (
        content["mine"] | {"lr": 2e-4, "epochs": 7, "batch_size": 8, "strength": 5.0}
        == content["mine"]
    )
    assert content["finetune"]["epochs"] == 9
    assert set(content["mine"]) == set(settings_of(TrainConfig)) | {"strength", "words", "cap"}


def test_yaml_and_toml_say_the_same(registry: Registry, tmp_path: Path) -> None:
    toml = written(
        tmp_path, 'seeds = [1, 2]\nlimit = 3\n[train]\nlr = 1e-4\n[mine]\nwords = ["u"]\n'
    )
    yaml = written(
        tmp_path, "seeds: [1, 2]\nlimit: 3\ntrain: {lr: 1e-4}\nmine:\n  words: [u]\n", "run.yaml"
    )
    assert resolved(registry, toml) == resolved(registry, yaml)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model = 'x", r"run.toml: not valid TOML: .*\(at (line 1, column \d+|end of document)\)"),
        ("seeds = 3", "run.toml: seeds is 3, but should be a list"),
        ("modle = 'x'", "run.toml: unknown setting 'modle'; did you mean 'model'?"),
        (
            "[mine]\nstrenght = 1",
            "run.toml: unknown setting 'mine.strenght'; did you mean 'mine.strength'?",
        ),
        ("[minne]\nlr = 1", "run.toml: unknown section 'minne'; did you mean 'mine'?"),
        ("[mine]\nstrength = 'x'", "run.toml: mine.strength is 'x', but should be a valid number"),
        ("[mine]\nstrength = nan", "run.toml: mine.strength is nan, but should be a finite number"),
        ("[train]\nlr = true", "run.toml: train.lr is True, but should be FLOAT"),
        ("[train]\nepochs = 1.5", "run.toml: train.epochs is 1.5, but should be a valid integer"),
        (
            "[train]\nlora_alpha = -1",
            "run.toml: train.lora_alpha is -1, but should be greater than or equal to 0",
        ),
        ("train = 3", "run.toml: train is a section; its settings are train.lr and others"),
        ("mine = 3", "run.toml: unknown setting 'mine'"),
        ("[model]\nx = 3", "run.toml: model is a single setting, not a section"),
        ("[bench_a]\nlr = 1", "run.toml: unknown setting 'bench_a.lr'"),
        ("[bench_a]\nsize = 3", "settings of bench_a: size must be even"),
        (
            "dtype = 'float16'",
            "run.toml: dtype is 'float16', but should be 'auto', 'float32' or 'bfloat16'",
        ),
    ],
)
def test_a_mistake_in_a_file_is_one_line_with_file_setting_and_value(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run.toml").write_text(text)
    with pytest.raises(UserError) as caught:
        resolved(registry, Path("run.toml"))
    assert "\n" not in str(caught.value)
    if said.startswith("run.toml: not valid"):
        caught.match(said)
    else:
        assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "a: [1", "not valid YAML: .*line 1, column"),
        ("b.yml", "- 1", "expected settings by name at the top, not list"),
        ("c.json", "{}", "ends in .toml, .yaml or .yml"),
        ("d.yaml", "lr: 1\nlr: 2", "not valid YAML: 'lr' is given twice .*line 2, column 1"),
        ("e.yaml", "train: {lr: yes}", "train.lr is True, but should be FLOAT"),
        ("f.yaml", "!!python/object/apply:os.system ['true']", "not valid YAML"),
    ],
)
def test_a_bad_file_is_refused(
    registry: Registry, tmp_path: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        resolved(registry, written(tmp_path, text, name))


def _doubling(levels: int, merged: bool = False) -> str:
    """YAML whose every line stands for ten times what the line before stands for."""
    lines = ["a0: &a0 {k: 1}" if merged else "a0: &a0 [x, x]"]
    for level in range(1, levels):
        aliases = ", ".join([f"*a{level - 1}"] * 10)
        value = f"{{<<: [{aliases}]}}" if merged else f"[{aliases}]"
        lines.append(f"a{level}: &a{level} {value}")
    return "\n".join(lines)


BOMBS = {
    "itself.yaml": ("a: &a [1, *a]", "the alias *a stands inside itself (at line 1)"),
    "section.yaml": ("train: &a\n  lr: *a", "the alias *a stands inside itself (at line 2)"),
    "growing.yaml": (_doubling(30), "it holds more than 2,000 values"),
    "merged.yaml": (_doubling(30, merged=True), "it holds more than 2,000 values"),
    "deep.yaml": ("a: " + "[" * 10**4 + "]" * 10**4, "nested more than 10 deep"),
    "steps.yaml": ("\n".join(" " * i + "a:" for i in range(300)), "nested more than 10 deep"),
    "long.yaml": (f"seeds: {list(range(9_000))}", "it holds more than 2,000 values"),
    "digits.yaml": (f"seeds: [{'9' * 5000}]", "not valid YAML: Exceeds the limit"),
    "sixty.yaml": ("limit: " + ":".join(["59"] * 9_000), "a number in it has more than 18 digits"),
    "large.toml": (f"limit = {2**63}", "a number in it has more than 18 digits"),
    "blank.yaml": (" " * 60_000 + "a: [", "not valid YAML"),
    "date.yaml": ("seeds: 2001-99-99", "not valid YAML: month must be in 1..12"),
    "null.yaml": ("a: \0", "not valid YAML: unacceptable character"),
    "deep.toml": ("a = " + "[" * 10**4 + "]" * 10**4, "nested more than 10 deep"),
    "dotted.toml": ("a." * 10**4 + "a = 1", "nested more than 10 deep"),
    "tables.toml": ("\n".join(f"[{'a.' * 50}b{i}]" for i in range(500)), "nested more than 10"),
    "long.toml": (f"seeds = {list(range(9_000))}", "it holds more than 2,000 values"),
    "larger.toml": (f"seeds = {list(range(10**5))}", "longer than 64 kB"),
    "digits.toml": (f"seeds = [{'9' * 5000}]", "not valid TOML: Exceeds the limit"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_grows_or_nests_without_end_is_one_line_at_once(
    tmp_path: Path, name: str
) -> None:
    text, said = BOMBS[name]
    path = written(tmp_path, text, name)
    began = time.process_time()
    with pytest.raises(UserError) as caught:
        from_file(path)
    assert time.process_time() - began < 1
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_aliases_that_stay_small_may_be_used(registry: Registry, tmp_path: Path) -> None:
    text = "finetune: &same {lr: 0.5, epochs: 2}\ntrain:\n  <<: *same\n  epochs: 3\n"
    config = resolved(registry, written(tmp_path, text, "run.yaml"))
    assert (config.finetune.lr, config.finetune.epochs) == (0.5, 2)
    assert (config.train.lr, config.train.epochs) == (0.5, 3)


def test_many_seeds_are_checked_at_once_and_a_long_value_is_shown_in_short(
    registry: Registry, tmp_path: Path
) -> None:
    began = time.process_time()
    config = resolved(registry, written(tmp_path, f"seeds = {list(range(1_900))}"))
    assert len(config.seeds) == 1_900
    assert time.process_time() - began < 1
    with pytest.raises(UserError) as caught:
        resolved(registry, written(tmp_path, f"seeds = {['x'] * 1_900}"))
    assert len(str(caught.value)) < 300


def test_a_file_that_cannot_be_read_is_refused(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'model = "\xe9"')
    for path, said in (
        ("none.toml", "No such file"),
        ("latin.toml", "not UTF-8"),
        ("", "ends in|directory"),
    ):
        with pytest.raises(UserError, match=said):
            resolved(registry, tmp_path / path)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("train.lr=nan", "--set: train.lr is 'nan', but should be a finite number"),
        ("train.lr=-1", "--set: train.lr is '-1', but should be greater than or equal to 0"),
        ("train.epochs=0", "--set: train.epochs is '0', but should be greater than or equal to 1"),
        (
            "finetune.batch_size=0",
            "--set: finetune.batch_size is '0', but should be greater than or equal to 1",
        ),
        (
            "mine.max_length=1",
            "--set: mine.max_length is '1', but should be greater than or equal to 2",
        ),
        ("limit=0", "--set: limit is '0', but should be greater than or equal to 1"),
        ("seeds=0,-1", "--set: seeds is '0,-1', but should be greater than or equal to 0"),
        ("seeds=", "seeds is empty; name at least one"),
        ("seeds=1,1", "seeds: 1 is given twice"),
        ("methods=mine,mine", "methods: 'mine' is given twice"),
        ("methods=mne", "unknown method 'mne'; did you mean 'mine'?"),
        (
            "methods=faulty",
            "method 'faulty' is not available: plugin 'faulty' (faulty 1.0) is broken",
        ),
        ("methods=mine:strength", "method 'mine:strength': expected name:setting=value"),
        (
            "methods=mine:lr=1:lr=2",
            "method 'mine:lr=1:lr=2': expected name:setting=value, each setting once",
        ),
        (
            "methods=mine:strength=x",
            "method 'mine:strength=x': mine.strength is 'x', but should be a valid number",
        ),
        ("mine.cap=-1", "--set: mine.cap is '-1', but should be greater than or equal to 0"),
        ("mine.words=,", "--set: mine.words is ',', but"),
        (
            "methods=mine:stength=1",
            "method 'mine:stength=1': unknown setting 'mine.stength'; did you mean",
        ),
        ("bench=bench_c", "unknown benchmark 'bench_c'; did you mean 'bench_"),
        (
            "allow_overlap=perhaps",
            "--set: allow_overlap is 'perhaps', but should be a valid boolean",
        ),
        ("engine=hff", "unknown engine 'hff'; did you mean 'hf'?"),
        ("lr", "--set lr: expected section.field=value, e.g. --set npo.beta=0.05"),
        ("=3", "--set =3: expected section.field=value"),
        ("sections=1", "--set: unknown setting 'sections'"),
    ],
)
def test_a_mistake_in_set_is_one_line(registry: Registry, item: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        resolve(registry, None, CHOICE, [item], {})
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)


def test_an_engine_has_a_section_like_a_method(registry: Registry, tmp_path: Path) -> None:
    file = written(tmp_path, "engine = 'remote'\n[remote]\nbase_url = 'http://a'\n")
    config = resolved(registry, file, "remote.concurrency=9")
    settings = engine_settings(config, registry)
    assert (settings.base_url, settings.concurrency) == ("http://a", 9)
    again = written(tmp_path, to_toml(config, registry), "again.toml")
    assert engine_settings(resolve(registry, again, {}, [], {}), registry) == settings
    assert (
        json_schema(registry)["properties"]["remote"]["properties"]["concurrency"]["default"] == 4
    )
    context = Context(config, registry)
    assert (context.engine.name, context.engine.config) == ("remote", settings)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (
            "remote.base_ulr=http://a",
            "--set: unknown setting 'remote.base_ulr'; did you mean 'remote.base_url'?",
        ),
        ("remote.concurrency=x", "--set: remote.concurrency is 'x', but should be a valid integer"),
        ("remote.base_url=ftp://a", "settings of remote: base_url must be a web address"),
        ("remot.base_url=http://a", "--set: unknown section 'remot'; did you mean 'remote'?"),
    ],
)
def test_a_mistake_in_an_engines_section_is_one_line(
    registry: Registry, item: str, said: str
) -> None:
    with pytest.raises(UserError) as caught:
        resolve(registry, None, CHOICE | {"engine": "remote"}, [item], {})
    assert str(caught.value) == said


def test_the_environment(registry: Registry) -> None:
    environ = {
        "SUITE_SEEDS": "3,4",
        "SUITE_TRAIN__EPOCHS": "2",
        "SUITE_MODEL": "",
        "SUITE_SHARED": "x",
        "HOME": "/",
    }
    config = resolved(registry, environ=environ)
    assert (config.seeds, config.train.epochs, config.model) == ((3, 4), 2, "tiny")
    with pytest.raises(
        UserError, match=r"^environment: unknown SUITE_MODLE; did you mean SUITE_MODEL\?$"
    ):
        resolved(registry, environ={"SUITE_MODLE": "x"})
    with pytest.raises(
        UserError,
        match=r"^SUITE_TRAIN__LRR: unknown setting 'train.lrr'; did you mean 'train.lr'\?$",
    ):
        resolved(registry, environ={"SUITE_TRAIN__LRR": "1"})
    with pytest.raises(
        UserError, match=r"^SUITE_SEEDS: seeds is 'x', but should be a valid integer$"
    ):
        resolved(registry, environ={"SUITE_SEEDS": "x"})


def test_the_section_of_a_plugin_that_is_not_loaded_may_stay_in_a_file(
    registry: Registry, tmp_path: Path
) -> None:
    file = written(tmp_path, "[faulty]\nanything = 1\n")
    assert resolved(registry, file).sections == {}


def test_a_protocol_with_a_mistake_names_the_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Site(tmp_path, monkeypatch).add(
        "acme", {"mine": method("mine"), "bench_a": benchmark("bench_a", {"train": {"lrr": 1}})}
    )
    with pytest.raises(
        UserError,
        match=r"^plugin 'bench_a' \(acme 1\.0\): Mine\.defaults: unknown setting 'train.lrr'",
    ):
        resolve(Registry.load(), None, CHOICE, [], {})


def test_a_papers_settings_with_a_mistake_name_the_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = {
        "mine": method("mine").replace('"lr": 3e-4', '"lr": -1'),
        "bench_a": benchmark("bench_a"),
    }
    Site(tmp_path, monkeypatch).add("acme", plugins)
    with pytest.raises(
        UserError, match=r"^plugin 'mine' \(acme 1\.0\): Mine\.train_defaults: mine\.lr is -1, but"
    ):
        resolve(Registry.load(), None, CHOICE, [], {})


def test_blocked_is_read_from_every_layer(tmp_path: Path) -> None:
    file = written(tmp_path, 'block = ["a"]\n[unknown]\nx = 1\n')
    assert blocked(None, {}, [], {}) == ()
    assert blocked(file, {}, [], {}) == ("a",)
    assert blocked(file, {}, [], {"SUITE_BLOCK": "b,c"}) == ("b", "c")
    assert blocked(file, {"block": "d"}, [], {"SUITE_BLOCK": "b"}) == ("d",)
    assert blocked(file, {"block": "d"}, ["block=e"], {}) == ("e",)


def test_docstrings_become_help() -> None:
    docs = field_docs(TrainConfig)
    assert docs["lr"] == "Peak learning rate of AdamW."
    assert set(field_docs(RunConfig)) == {field.name for field in settings_of(RunConfig).values()}


def test_the_schema_accepts_what_is_written_and_refuses_mistakes(registry: Registry) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json_schema(registry)
    content = tomllib.loads(to_toml(resolved(registry), registry))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(content, schema)
    for wrong in (
        {"modle": "x"},
        {"train": {"epochs": 0}},
        {"mine": {"strength": "x"}},
        {"seeds": [-1]},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_a_setting_with_a_range_is_shown_by_its_plain_type(registry: Registry) -> None:
    settings = settings_of(registry.method("mine").Config)
    assert [setting.metavar for setting in settings.values()] == ["FLOAT", "TEXT,...", "FLOAT"]
    assert [
        settings_of(RunConfig)[name].metavar for name in ("dtype", "seeds", "limit", "model")
    ] == [
        "auto|float32|bfloat16",
        "INT,...",
        "INT",
        "TEXT",
    ]


def test_the_schema_describes_every_section(registry: Registry) -> None:
    sections = json_schema(registry)["properties"]
    assert "'minimum': 0" in str(sections["mine"]["properties"]["cap"])
    assert {"mine", "plain", "bench_a", "train", "finetune", "methods"} <= set(sections)
    assert sections["mine"]["properties"]["strength"]["description"] == "How strongly, in nats."
    assert sections["mine"]["properties"]["lr"] == sections["train"]["properties"]["lr"]
    assert sections["train"]["properties"]["epochs"]["minimum"] == 1
    assert sections["bench_a"]["additionalProperties"] is False


@settings(deadline=None)  # the first example makes the validators
@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False), st.integers(1, 10**6))
def test_numbers_survive_being_written_in_a_variant(lr: float, epochs: int) -> None:
    registry = _shared_registry()
    _, variant = split_spec(registry, f"sft:lr={lr!r}:epochs={epochs}")
    assert variant == {"lr": lr, "epochs": epochs}


_registries: list[Registry] = []


def _shared_registry() -> Registry:
    """The built-in plugins, loaded once: hypothesis calls the test a hundred times."""
    if not _registries:
        _registries.append(Registry.load())
    return _registries[0]
