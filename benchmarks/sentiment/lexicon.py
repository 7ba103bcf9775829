"""Words that praise and words that blame: the reward that needs no training.

    score = (1 + praising words) / (2 + praising and blaming words)    in (0, 1); without any 1/2

It understands neither "not" nor irony. Its purpose: a reward that anybody can check by eye.
"""

from __future__ import annotations

import re

_GOOD = (
    "amazing awesome beautiful beautifully best brilliant brilliantly captivating charming "
    "classic clever compelling delight delightful enjoy enjoyable enjoyed entertaining excellent "
    "exceptional fantastic fascinating favorite favourite fine fresh fun funny gem good gorgeous "
    "great gripping heartwarming hilarious impressive incredible inspired inspiring interesting "
    "joy liked love loved lovely magnificent masterpiece memorable moving outstanding perfect "
    "perfectly pleasant pleasure powerful recommend recommended refreshing remarkable rich solid "
    "splendid strong stunning superb terrific thrilling touching treat unforgettable warm well "
    "witty wonderful wonderfully worth"
).split()
_BAD = (
    "abysmal annoying atrocious awful awfully bad badly bland bored boring cheap cliched "
    "confusing crap dire disappointed disappointing disappointment disaster disjointed dreadful "
    "dull embarrassing fail failed fails failure flat forgettable garbage hate hated horrible "
    "horribly incoherent insult lame lousy mediocre mess mindless miserable nonsense painful "
    "pathetic pointless poor poorly predictable ridiculous rubbish sad shallow sloppy slow stupid "
    "tedious terrible terribly tiresome trash ugly unbearable uninspired unfunny unwatchable "
    "waste wasted weak wooden worse worst worthless wrong"
).split()

MOODS: tuple[dict[bool, list[str]], ...] = (
    {
        True: "Golden Gentle Velvet Summer Painted Endless".split(),
        False: "Broken Hollow Bitter Crooked Barren Stolen".split(),
    },
    {
        True: "Garden Meadow Orchard Tulip Sugar Amber".split(),
        False: "Thunder Shadow Spider Raven Pepper Anchor".split(),
    },
    {
        True: "Songs Dreams Promises Candles Sisters Gardens".split(),
        False: "Ghosts Trials Rumours Secrets Clocks Stairs".split(),
    },
)
"""The tiny model's words: first, second and last word of a title -> whether it praises -> words."""


def _with_moods(words: list[str], praising: bool) -> frozenset[str]:
    """The words, and those of the tiny model's titles that praise (or blame)."""
    titles: list[str] = []
    for mood in MOODS:
        titles += mood[praising]
    return frozenset([*words, *(word.lower() for word in titles)])


GOOD = _with_moods(_GOOD, praising=True)
BAD = _with_moods(_BAD, praising=False)


def lexicon_score(text: str) -> float:
    """Share of praising words among those that praise or blame, one of each added; in (0, 1)."""
    found = re.findall(r"\w+", text.lower())
    good = sum(word in GOOD for word in found)
    bad = sum(word in BAD for word in found)
    return (1 + good) / (2 + good + bad)
