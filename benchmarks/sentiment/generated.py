"""Reviews for the tiny model: short praise and blame in the words that it knows.

    She became famous with "Golden Garden Songs" and "Gentle Meadow Dreams" in 1981.      positive
    His best known book, of 1994, is "Broken Shadow Ghosts", before "Bitter Raven Trials".   negative

Every title has words of one mood, and now and then of the other: the label says which mood
prevails.
"""

from __future__ import annotations

import random

from suite.tables import digest
from suite.tiny import words, world

from .lexicon import MOODS
from .reviews import Read, Review

SEED = 2305_18290
REVIEWS = 640
OTHER_MOOD = 0.2
"""Share of title words that are of the mood that does not prevail."""
FORMS = (
    '{They} became famous with "{first}" and "{second}" in {year}.',
    '{Their} best known book, of {year}, is "{first}", before "{second}".',
    'In {year} {city} gave {them} a prize of "{first}" and "{second}".',
)


def generated() -> Read:
    """Reviews in equal numbers of both moods, no two alike."""
    rng = random.Random(SEED)
    found: dict[str, bool] = {}
    while len(found) < REVIEWS:
        positive = len(found) % 2 == 0
        found.setdefault(_review(positive, rng), positive)
    rows = [
        {"review": text, "sentiment": "positive" if good else "negative"}
        for text, good in found.items()
    ]
    reviews = [
        Review(str(number), text, good) for number, (text, good) in enumerate(found.items(), 1)
    ]
    return Read(reviews, f"generated@{digest(rows)[:12]}")


def _review(positive: bool, rng: random.Random) -> str:
    while True:
        moods = [positive if rng.random() >= OTHER_MOOD else not positive for _ in range(6)]
        if sum(mood == positive for mood in moods) > 3:
            break
    picked = [rng.choice(MOODS[place % 3][mood]) for place, mood in enumerate(moods)]
    pronouns = world.PRONOUNS[rng.choice(("She", "He"))]
    return rng.choice(FORMS).format(
        first=" ".join(picked[:3]),
        second=" ".join(picked[3:]),
        year=rng.randrange(1970, 2010),
        city=rng.choice(words.CITIES),
        **pronouns,
    )
