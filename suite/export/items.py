"""items.csv: one line for each cell, item and metric.

method,benchmark,split,model,seed,set,item_id,cluster_id,metric,value
npo,tofu,forget10,tiny,0,forget,forget/12,author/18,rougeL_recall,0.5
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

from suite.core.errors import UserError
from suite.report.text import cell as inert
from suite.results.samples import Sample
from suite.results.schema import Results

FIELDS = (
    "method",
    "benchmark",
    "split",
    "model",
    "seed",
    "set",
    "item_id",
    "cluster_id",
    "metric",
    "value",
)


def as_csv(results: Results, samples: Mapping[str, Sequence[Sample]]) -> str:
    """Every score of every item; a missing value is an empty field. Raises UserError if there is no item."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    lines = 0
    for result in results.cells:
        cell = result.cell
        who = (
            inert(cell.method),
            inert(cell.benchmark),
            inert(cell.split),
            inert(cell.model),
            cell.seed,
        )
        for sample in samples.get(cell.slug, ()):
            item = (inert(sample.set), inert(sample.item_id), inert(sample.cluster_id))
            for metric, value in sample.scores.items():
                writer.writerow((*who, *item, inert(metric), value))
                lines += 1
    if not lines:
        raise UserError("--format csv: the run keeps no answers, so there are no items")
    return out.getvalue()
