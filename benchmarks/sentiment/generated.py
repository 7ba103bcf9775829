"""Reviews for the tiny model: short praise and blame in the words that it knows.

    positive  She became famous with "Golden Garden Songs" and "Gentle Meadow Dreams" in 1981.
    negative  His best known book, of 1994, is "Broken Shadow Ghosts", before "Bitter Raven Trials".

Most words of the titles have the label's mood, some have the other one.
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
    rows: list[dict[str, str]] = []
    reviews: list[Review] = []
    for number, (text, is_positive) in enumerate(found.items(), 1):
        label = "positive" if is_positive else "negative"
        rows.append({"review": text, "sentiment": label})
        reviews.append(Review(str(number), text, is_positive))
    return Read(reviews, f"generated@{digest(rows)[:12]}")


def _review(positive: bool, rng: random.Random) -> str:
    """One review: two titles of three words, most of them of the mood."""
    while True:
        moods = [positive if rng.random() >= OTHER_MOOD else not positive for _ in range(6)]
        if moods.count(positive) > 3:
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
