"""The figures: a table and each picture, under names that are safe and never the same."""

from __future__ import annotations

from suite.report.figures import files
from suite.report.pictures.draw import draw_pictures
from suite.report.table import tables
from suite.results.schema import Results


def test_each_picture_is_an_svg_and_a_pdf(results: Results) -> None:
    (table,) = tables(results)
    drawn = draw_pictures(table, "t1", {})
    # Two tables of one name: nothing may be written over.
    found = files([table, table], [drawn, drawn])
    stems = {path.rpartition(".")[0] for path in found}
    assert len(found) == 2 + 4 * len(drawn) and len(stems) == 2 + 2 * len(drawn)
    assert all(path.startswith("figures/tofu-forget05-tiny") for path in found)
    for path, content in found.items():
        if path.endswith(".pdf"):
            assert isinstance(content, bytes) and content.startswith(b"%PDF")
    # What a page shows on pointing at a mark is not in the file.
    paper = found["figures/tofu-forget05-tiny-tradeoff.svg"]
    assert isinstance(paper, bytes)
    assert b'id="mark-' in paper and b'id="path-' not in paper
    assert 'class="path' in drawn[0].svg
