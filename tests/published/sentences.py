"""What reports/README.md says of each page: every sentence is computed from results.json, and what
it claims is asserted here first.

    python -m tests.published.sentences     prints the section, to be pasted into the file
"""

from __future__ import annotations

from collections.abc import Callable

from tests.published.chosen import merit
from tests.published.page import Page

Sentences = list[str]


def bandit(page: Page) -> Sentences:
    """Psi-PO's bandits."""
    ipo, dpo = (page.mean(method, "gap_to_ipo_optimum") for method in ("ipo", "dpo"))
    limit = page.mean("dpo", "gap_to_dpo_limit")
    assert ipo < 0.02 < limit < dpo
    temperatures = [
        metric.name.partition("/gap")[0]
        for metric in page.cells("psipo")[0].metrics
        if metric.name.endswith("/gap_to_ipo_optimum") and not metric.name.startswith("D3'")
    ]
    psi = max(page.mean("psipo", f"{name}/gap_to_ipo_optimum") for name in temperatures)
    assert psi < 0.01
    return [
        f"IPO ends within {ipo:.3f} of its closed-form optimum on every bandit and temperature, "
        "Psi-PO "
        f"within {psi:.4f} on all but D3'.",
        f"DPO ends up to {dpo:.2f} away from that optimum, and up to {limit:.2f} from its own "
        "limit, for "
        "which 18,000 steps are too few where tau is large.",
    ]


def logistic_theorem(page: Page) -> Sentences:
    """NPO's theorem."""
    ga, npo = page.mean("ga", "linear_r2"), page.mean("npo", "log_r2")
    slopes = page.mean("ga", "linear_slope_ratio"), page.mean("npo", "log_slope_ratio")
    assert min(ga, npo) > 0.99 and all(0.9 < slope < 1.1 for slope in slopes)
    far = page.mean("ga", "distance") / page.mean("npo", "distance")
    assert far > 10
    return [
        f"The distance from the start grows linearly in t under gradient ascent (R2 {ga:.4f}) and "
        f"logarithmically under NPO (R2 {npo:.4f}); the slopes are {slopes[0]:.2f} and "
        f"{slopes[1]:.2f} "
        "times those of the theorem.",
        f"At the end gradient ascent is {far:.0f} times as far from the start as NPO.",
    ]


def logistic_synthetic(page: Page) -> Sentences:
    """The synthetic set-up with unlike inputs."""
    forget = {method: page.mean(method, "forget_distance") for method in page.methods()}
    retain = {method: page.mean(method, "retain_distance") for method in page.methods()}
    assert max(forget["npo"], forget["npo_rt"]) < min(forget["ga"], forget["idk_sft"])
    assert retain["npo_rt"] < retain["npo"] < retain["ga"] == max(retain.values())
    return [
        f"NPO with a retain loss ends at a KL of {forget['npo_rt']:.3f} nats from the retrained "
        "model on "
        f"forget inputs and {retain['npo_rt']:.3f} on retain inputs; gradient ascent at "
        f"{forget['ga']:.3f} and {retain['ga']:.2f}.",
        f"Fine-tuning on refusals (idk_sft) keeps retain inputs ({retain['idk_sft']:.3f}) and "
        "hardly "
        f"forgets ({forget['idk_sft']:.2f}).",
        "These are medians over five problems of three seeds; no test parts medians, so no method "
        "ranks below another.",
    ]


def logistic_synthetic_alpha0(page: Page) -> Sentences:
    """The synthetic set-up where inputs are drawn alike."""
    volume = {method: page.mean(method, "hypervolume") for method in page.methods()}
    order = sorted(volume, key=lambda method: -volume[method])
    assert order[:3] == ["npo_rt", "idk_dpo", "npo"] and page.mean("ga", "forgotten") == 0
    return [
        "Where forget and retain inputs are drawn alike, NPO with a retain loss dominates "
        f"{volume['npo_rt']:.2f} "
        f"of the square, idk_dpo {volume['idk_dpo']:.2f}, NPO {volume['npo']:.2f}; gradient ascent "
        f"{volume['ga']:.2f}.",
        "Gradient ascent, grad_diff and idk_sft end farther from retraining on forget inputs than "
        "they "
        "began, in all fifteen problems.",
    ]


def tofu(page: Page) -> Sentences:
    """Every unlearning method on the generated world."""
    quality = {method: page.mean(method, "forget_quality_D") for method in page.methods()}
    utility = {method: page.mean(method, "model_utility") for method in page.methods()}
    target, ceiling = (page.mean(row, "forget_quality_D") for row in ("target", "retrain"))
    near = sorted(method for method in quality if quality[method] <= ceiling)
    assert "kl_min" in near and max(quality.values()) < target
    assert not any(page.real(a, b) for a in quality for b in quality if a != b)
    kept = {method: utility[method] for method in near}
    most = max(kept, key=lambda method: kept[method])
    return [
        f"One retrain model has a KS distance of {ceiling:.3f} from the others, the target "
        f"{target:.3f}. {len(near)} of {len(quality)} rows are no farther than that: "
        f"{', '.join(near)}. Of these, {most} keeps most model utility, {kept[most]:.2f}; the "
        "retrain "
        f"models have {page.mean('retrain', 'model_utility'):.2f}.",
        "No test parts two methods: three start models are few.",
        f"At the benchmark's own rate gradient ascent ends at {quality['ga:lr=4e-4']:.3f} and "
        "keeps a "
        f"model utility of {utility['ga:lr=4e-4']:.2f}, NPO at "
        f"{quality['npo:beta=0.1:lr=4e-4']:.3f} "
        f"and {utility['npo:beta=0.1:lr=4e-4']:.2f}. With the best of its six candidates gradient "
        f"ascent keeps {utility['ga']:.2f} at {quality['ga']:.3f}.",
    ]


def tofu_validation(page: Page) -> Sentences:
    """What the settings were chosen among."""
    merits = {label: merit(page, label) for label in page.methods()}
    best = max(merits, key=lambda label: merits[label])
    return [
        f"Of {len(merits)} candidates the best product of model utility and 1 - D has {best} "
        f"({merits[best]:.2f}); the target has {merit(page, 'target'):.2f}, the retrain model "
        f"{merit(page, 'retrain'):.2f}. These authors and this start model are in no other page.",
    ]


DISTANCES = {"low": "one digit differs", "high": "all differs"}
DOSES = {"short": "16 steps", "long": "64 steps"}


def edit_distance(page: Page) -> Sentences:
    """Preference losses at two edit distances by two doses of training, on tiny."""
    runs = page.cells("dpo", "low_long")
    assert len({run.cell.start_seed for run in runs}) == 3
    lines = []
    for distance, what in DISTANCES.items():
        for dose, steps in DOSES.items():
            changes = changed(page, f"{distance}_{dose}")
            lines.append(f"{distance}, {dose} ({what}, {steps}): {changes}.")
    return [
        "Change of the log-probability of the tokens after the edit, nats per token, over three "
        "start models [95 % interval over questions and start models]:",
        *lines,
        *distance_at_one_dose(page),
    ]


def changed(page: Page, split: str) -> str:
    """The change by every method, with its interval."""
    changes = []
    for method in ("dpo", "ipo", "slic", "dpop"):
        change = page.from_baseline(method, "after_edit_logp", split)
        limits = f"[{change.ci_low:+.3f}, {change.ci_high:+.3f}]"
        changes.append(f"{method} {change.value:+.3f} {limits}")
    return ", ".join(changes)


def distance_at_one_dose(page: Page) -> Sentences:
    """What the cross of distance and dose says."""
    for method in ("dpo", "ipo"):
        low = page.from_baseline(method, "after_edit_logp", "low_long")
        high = page.from_baseline(method, "after_edit_logp", "high_long")
        assert low.ci_high is not None and high.ci_low is not None
        assert low.ci_high < min(0, high.ci_low)
    for split in ("low_short", "high_short"):
        for method in page.methods():
            change = page.from_baseline(method, "after_edit_logp", split)
            assert change.ci_low is not None and change.ci_high is not None
            assert change.ci_low < 0 < change.ci_high
    dpop = max(abs(page.from_baseline("dpop", "after_edit_logp", s).value) for s in SPLITS)
    assert dpop < 0.005
    shares = []
    for method in ("dpo", "ipo"):
        low, high = (page.mean(method, "displaced", split) for split in ("low_long", "high_long"))
        assert low > high
        shares.append(f"{method} {low:.0%} and {high:.0%}")
    return [
        "At the short dose no change is beyond chance. At the long one distance matters: the "
        "intervals of dpo and of ipo at low lie below zero and below those at high. Of the chosen "
        f"answers {', '.join(shares)} become less likely, at low and at high. (The reference of "
        "high was trained on both answers of each pair.)",
        f"Dpop changes the tokens after the edit by at most {dpop:.3f} anywhere.",
    ]


SPLITS = [f"{distance}_{dose}" for distance in DISTANCES for dose in DOSES]


def preferences(page: Page) -> Sentences:
    """Preference losses on the embedded pairs."""
    displaced = {method: page.mean(method, "displaced") for method in page.methods()}
    kl = {method: page.mean(method, "sequence_kl") for method in page.methods()}
    assert displaced["dpop"] < displaced["dpo"] and kl["dpop"] < kl["dpo"]
    pairs = [(a, b) for a in displaced for b in displaced if a != b]
    assert not any(page.real(a, b) for a, b in pairs)
    return [
        f"DPO makes {displaced['dpo']:.0%} of the held-out chosen answers less likely than before "
        f"and ends {kl['dpo']:.2f} nats from the reference; DPOP {displaced['dpop']:.0%} and "
        f"{kl['dpop']:.2f}. These are means over three start models.",
        "No test parts two methods: three start models are few.",
    ]


def tofu_smollm2_reduced(page: Page) -> Sentences:
    """Part of real TOFU on SmolLM2-135M."""
    quality = {row: page.mean(row, "forget_quality") for row in ("target", *page.methods())}
    assert quality["target"] > 0.05
    return [
        "It is partial: 6 of 198 retain authors, 20 questions of each set, one seed, one start "
        "model.",
        "With 20 questions forget quality has little power: even the target's p is "
        f"{quality['target']:.3f}.",
        f"Model utility is {page.mean('target', 'model_utility'):.2f} for the target and "
        f"{page.mean('retrain', 'model_utility'):.2f} for the retrain model, so there is little to "
        "lose.",
    ]


def sentiment_smollm2(page: Page) -> Sentences:
    """Controlled sentiment on SmolLM2-135M."""
    gains = {method: page.from_baseline(method, "reward") for method in page.methods()}
    assert all(gain.ci_low is not None and gain.ci_low > 0 for gain in gains.values())
    first = {}
    for method in ("dpo", "ppo_gt", "ppo"):
        first[method] = page.cells(method)[0].trajectory[0].metrics["reward"]
    assert first["dpo"] == max(first.values())
    most = max(gains, key=lambda method: gains[method].value)
    least = min(gains, key=lambda method: gains[method].value)
    return [
        f"Every method ends above the reference's reward by more than chance over prefixes: {most} "
        "by "
        f"{gains[most].value:.3f} [{gains[most].ci_low:.3f}, {gains[most].ci_high:.3f}], {least}, "
        "the least, by "
        f"{gains[least].value:.3f} [{gains[least].ci_low:.3f}, {gains[least].ci_high:.3f}]. It is "
        "one seed.",
        f"After one pass DPO is ahead of PPO with the true reward and of PPO ({first['dpo']:.3f}, "
        f"{first['ppo_gt']:.3f}, {first['ppo']:.3f}); at the end the two are above it, unlike "
        "published.",
    ]


def edit_distance_smollm2(page: Page) -> Sentences:
    """Pairs that differ in one digit, on SmolLM2-135M."""
    start = page.mean("reference", "after_edit_logp")
    ends = {method: page.mean(method, "after_edit_logp") for method in page.methods()}
    displaced = {method: page.mean(method, "displaced") for method in page.methods()}
    assert ends["dpo"] < start - 0.1 < start <= ends["dpop"]
    return [
        f"The log-probability of the tokens after the edit is {start:.2f} nats per token for the "
        "reference, "
        f"{ends['dpo']:.2f} after DPO, {ends['ipo']:.2f} after IPO, {ends['slic']:.3f} after SLiC, "
        f"{ends['dpop']:.3f} after DPOP, after eight steps, one seed. Published, on larger models: "
        "-.37, DPO "
        "-1.82, DPOP -.26.",
        f"DPO makes {displaced['dpo']:.0%} of the correct derivations less likely, DPOP "
        f"{displaced['dpop']:.0%}.",
    ]


PAGES: dict[str, Callable[[Page], Sentences]] = {
    function.__name__: function
    for function in (
        tofu,
        tofu_validation,
        preferences,
        edit_distance,
        bandit,
        logistic_theorem,
        logistic_synthetic,
        logistic_synthetic_alpha0,
        tofu_smollm2_reduced,
        sentiment_smollm2,
        edit_distance_smollm2,
    )
}
"""Page -> what is said of it."""


def section() -> str:
    """The section "What they show" of reports/README.md."""
    lines = ["## What they show", ""]
    for name, sentences in PAGES.items():
        lines += [f"**{name}**", ""]
        lines += [f"- {sentence}" for sentence in sentences(Page.read(name))]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(section())
