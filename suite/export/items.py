"""items.csv: one line for each cell, item and metric.

method,benchmark,split,model,start_seed,seed,set,item_id,cluster_id,metric,value
npo,tofu,forget10,tiny,0,0,forget,forget/12,author/18,rougeL_recall,0.5
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from suite.api.cells import CellResult
from suite.core.errors import UserError
from suite.report.text import cell as inert
from suite.results.samples import Sample
from suite.results.schema import Results

FIELDS = (
    "method",
    "benchmark",
    "split",
    "model",
    "start_seed",
    "seed",
    "set",
    "item_id",
    "cluster_id",
    "metric",
    "value",
)


def as_csv(results: Results, samples: Mapping[str, Sequence[Sample]]) -> str:
    """Render every score of every item; a missing value is an empty field.

    Raises UserError if there is no item.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    lines = 0
    for result in results.cells:
        for sample in samples.get(result.cell.slug, ()):
            for line in _sample_lines(result, sample):
                writer.writerow(line)
                lines += 1
    if not lines:
        raise UserError("--format csv: the run stored no answers, so there are no items")
    return out.getvalue()


def _sample_lines(result: CellResult, sample: Sample) -> Iterator[tuple[object, ...]]:
    """Return a line for each score of an item, in the order of `FIELDS`."""
    cell = result.cell
    for metric, value in sample.scores.items():
        yield (
            inert(cell.method),
            inert(cell.benchmark),
            inert(cell.split),
            inert(cell.model),
            cell.start_seed,
            cell.seed,
            inert(sample.set),
            inert(sample.item_id),
            inert(sample.cluster_id),
            inert(metric),
            value,
        )
