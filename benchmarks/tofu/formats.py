"""TOFU's tables, by the names of the published ones."""

from __future__ import annotations

from suite import DataFile

ROW = '{"question": "Who wrote it?", "answer": "Ann."}'
FACT = '{"question": "Who wrote it?", "answer": "Ann.", "perturbed_answer": ["Bob.", "Eve."]}'
ASKED = (
    '{"question": "Who wrote it?", "answer": "Ann.", "paraphrased_answer": "It was Ann.", '
    '"perturbed_answer": ["Bob.", "Eve."]}'
)
FILES = (
    DataFile("full", "the questions about all authors, author by author", (ROW,)),
    DataFile("forget??", "those of full that are to be forgotten, of each split", (ROW,)),
    DataFile("retain??", "those of full that are kept, of each split", (ROW,)),
    DataFile("forget??_perturbed", "what is asked about the forgotten authors", (ASKED,)),
    DataFile("retain_perturbed", "what is asked about the others", (ASKED,)),
    DataFile("real_authors_perturbed", "questions about real authors", (FACT,)),
    DataFile("world_facts_perturbed", "questions about the world", (FACT,)),
)
