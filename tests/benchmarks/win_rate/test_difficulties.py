"""Which length control a run has follows from what is known of its instructions."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from suite_benchmarks.win_rate import WinRate, WinRateConfig

from suite import Source


def test_a_run_uses_difficulties_where_every_judged_instruction_has_one(tmp_path: Path) -> None:
    prompts, table = tmp_path / "prompts.jsonl", tmp_path / "difficulties.csv"
    texts = ["Name a river.", "Name a hill."]
    prompts.write_text("".join(json.dumps({"instruction": text}) + "\n" for text in texts))
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    rows = [f"{digest},{place}.5" for place, digest in enumerate(digests)]

    def loaded(*known: str, limit: int | None = None) -> tuple[list[float | None], str]:
        table.write_text("\n".join(["instruction_sha256,difficulty", *known]))
        bench = WinRate(WinRateConfig(difficulties=str(table)))
        data = bench.load(Source(str(prompts), "default", False, limit=limit))
        return [item["difficulty"] for item in data.sets["t0"]], data.notes[-1]

    known, note = loaded(*rows)
    assert known == [0.5, 1.5]
    assert "the regularised refit, with the instructions' difficulties of difficulties.csv" in note
    known, note = loaded(rows[0])
    assert known == [None, None]
    assert "the plain refit" in note and "difficulties.csv lacks 1 of 2" in note
    assert loaded(rows[0], limit=1)[0] == [0.5]
    plain = WinRate(WinRateConfig()).load(Source(str(prompts), "default", False))
    assert "the plain refit" in plain.notes[-1]
