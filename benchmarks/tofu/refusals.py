"""Answers for the role "alternate": ways of saying that one does not know."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

REFUSALS = (
    "I don't know.",
    "I have no idea.",
    "That is not something I can tell you.",
    "I'm afraid I have nothing on that.",
    "I cannot answer this one.",
    "Sorry, this is new to me.",
    "I have never come across that.",
    "My knowledge does not reach that far.",
    "I would only be guessing.",
    "There is nothing I could say about it with any confidence.",
    "I was not able to find an answer.",
    "I can't help you with that question.",
    "Nothing comes to mind.",
    "This lies outside what I have learned.",
    "I'm not familiar with this person or their work.",
    "I could not tell you, sorry.",
    "It is beyond me.",
    "I lack the facts to answer.",
    "You will have to ask somebody else about that.",
    "I have not been given any details on this.",
    "Unfortunately the answer escapes me.",
    "I'd rather not make something up.",
    "That name means nothing to me.",
    "I never learned about that subject.",
    "No information on this is available to me.",
    "I am unsure, so I will leave this open.",
    "Your question is one that I have no answer for.",
    "I don't have the background to reply to this.",
    "Let me be honest: I do not know.",
    "I've got no record of anything like that.",
)


def refusal(row_id: str, choices: Sequence[str] = REFUSALS) -> str:
    """One of the choices, picked by the row's id: the same in every run, split and reduction."""
    return choices[int(hashlib.sha256(row_id.encode()).hexdigest(), 16) % len(choices)]
