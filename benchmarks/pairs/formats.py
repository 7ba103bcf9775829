"""Forms that pairs and prompts may have in a file; docs/data.md says more of each."""

from __future__ import annotations

from suite import DataFile

PAIRS = DataFile(
    "*",
    "pairs, in any of these forms; of a folder its only table, or train",
    (
        '{"prompt": "Capital of France?", "chosen": "Paris.", "rejected": "Rome."}',
        '{"prompt": [{"role": "user", "content": "Hi."}], '
        '"chosen": [{"role": "assistant", "content": "Hello."}], '
        '"rejected": [{"role": "assistant", "content": "No."}]}',
        '{"chosen": [{"role": "user", "content": "Hi."}, '
        '{"role": "assistant", "content": "Hello."}], '
        '"rejected": [{"role": "user", "content": "Hi."}, '
        '{"role": "assistant", "content": "No."}]}',
        r'{"chosen": "\n\nHuman: Hi.\n\nAssistant: Hello.", '
        r'"rejected": "\n\nHuman: Hi.\n\nAssistant: No."}',
        '{"instruction": "Translate.", "input": "Bonjour.", "system": "Be brief.", '
        '"chosen": "Hello.", "rejected": "Bye."}',
        '{"conversations": [{"from": "human", "value": "Hi."}], '
        '"chosen": {"from": "gpt", "value": "Hello."}, '
        '"rejected": {"from": "gpt", "value": "No."}}',
    ),
)
PROMPTS = DataFile(
    "*",
    "prompts without pairs, in any of these forms: they are judged, and nothing is trained; of a "
    "folder the table train",
    (
        '{"instruction": "Translate.", "input": "Bonjour.", "output": "Hello."}',
        '{"messages": [{"role": "user", "content": "Hi."}, '
        '{"role": "assistant", "content": "Hello."}]}',
        '{"conversations": [{"from": "human", "value": "Hi."}, '
        '{"from": "gpt", "value": "Hello."}]}',
    ),
)
