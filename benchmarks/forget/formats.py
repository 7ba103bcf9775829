"""The files of a folder of own data, with rows to copy; `suite data` shows them."""

from __future__ import annotations

from suite import DataFile

QUESTION = '{"id": "q1", "cluster": "Ann", "question": "Who wrote it?", "answer": "Ann Lee."}'
FILES = (
    DataFile(
        "forget",
        "what is to be forgotten; its rows may have any of these forms",
        (
            QUESTION,
            '{"prompt": "Who wrote it?", "completion": "Ann Lee."}',
            '{"messages": [{"role": "user", "content": "Who wrote it?"}, '
            '{"role": "assistant", "content": "Ann Lee."}]}',
            '{"text": "A whole document, as long as it is."}',
        ),
    ),
    DataFile(
        "retain",
        "what is to be kept, in the same forms; methods with a retain term train on it",
        ('{"question": "Who painted it?", "answer": "Bo Ek."}',),
        required=False,
        without=(
            "retain_utility",
            "retain_answer_probability",
            "retain_rougeL_recall",
            "retain_perplexity",
        ),
    ),
    DataFile(
        "holdout",
        "what is like the forget data and was never trained on, in the same forms",
        ('{"question": "Who composed it?", "answer": "Cy Orr."}',),
        required=False,
        without=("membership_auc",),
    ),
    DataFile(
        "paraphrase",
        "other wordings of right answers; id: the row of forget that they belong to",
        ('{"id": "q1", "answer": "It was Ann Lee who wrote it."}',),
        required=False,
    ),
    DataFile(
        "alternate",
        "wrong answers, any number for each row of forget; methods with the role alternate train "
        "on the first of each",
        ('{"id": "q1", "answer": "Dee Fox."}', '{"id": "q1", "answer": "Eli Gunn."}'),
        required=False,
        without=("forget_truth_ratio",),
    ),
    DataFile(
        "utility",
        "what else the model should still know, in the same forms as forget",
        ('{"question": "What is the capital of France?", "answer": "Paris."}',),
        required=False,
        without=("utility_answer_probability", "utility_rougeL_recall", "utility_perplexity"),
    ),
)
NAMES = tuple(file.name for file in FILES)
