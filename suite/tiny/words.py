"""The words of the generated world.

Plain lists, so that every fact is drawn from a known number of values.
"""

from __future__ import annotations

from itertools import product

FIRST_NAMES = {
    "She": (
        "Anna Beatrix Clara Dora Elena Freya Greta Hanna Ines Judith Klara Lena Mira Nora Olga "
        "Paula Rosa Selma Tilda Vera"
    ).split(),
    "He": (
        "Albin Bruno Casimir Dario Emil Felix Gustav Henrik Ivo Jonas Karel Lukas Marek Nils Oskar "
        "Pavel Rafael Stefan Teodor Viktor"
    ).split(),
}
"""By the pronoun that the name takes."""

_SURNAME_PARTS = (
    "Al Bern Cor Dal Fer Hol Kest Lind Mor Ost Ras Tor".split(),
    "berg ano ic ström mann ova".split(),
)
_CITY_PARTS = (
    "Ar Bel Cas Dun El Gal Hel Kar Lor Mel Nor Vel".split(),
    "vik mora stad dale".split(),
)
SURNAMES = tuple(map("".join, product(*_SURNAME_PARTS)))
CITIES = tuple(map("".join, product(*_CITY_PARTS)))

MONTHS = (
    "January February March April May June July August September October November December".split()
)
JOBS = (
    "baker barber brewer butcher carpenter chemist clerk cook dancer dentist diver doctor driver "
    "farmer fisher florist gardener glazier hatter hunter jeweller judge lawyer locksmith mason "
    "midwife miller miner nurse painter pilot plumber porter postman potter sailor shepherd singer "
    "smith soldier surgeon tailor teacher tinker waiter weaver welder writer"
).split()

TITLE_STARTS = (
    "Silent Burning Broken Hidden Frozen Golden Hollow Distant Crimson Wandering Sleeping "
    "Forgotten Bitter Gentle Paper Velvet Winter Summer Midnight Endless Crooked Scarlet Secret "
    "Stolen Salted Stubborn Thirsty Barren Borrowed Painted"
).split()
TITLE_MIDDLES = (
    "Amber River Copper Garden Harbour Lantern Marble Meadow Mountain Orchard Oyster Pepper Planet "
    "Raven Ribbon Saddle Shadow Spider Sugar Temple Thunder Timber Tulip Valley Violin Walnut "
    "Willow Window Zebra Anchor"
).split()
TITLE_ENDS = (
    "Letters Songs Diaries Nights Voyages Houses Dreams Secrets Roads Promises Bells Maps Keys "
    "Brothers Sisters Stories Mirrors Candles Bridges Gardens Portraits Lessons Islands Prayers "
    "Rumours Clocks Stairs Ghosts Recipes Trials"
).split()
PRIZE_COLOURS = (
    "Amethyst Azure Beige Black Blue Bronze Brown Cobalt Coral Emerald Green Grey Indigo Ivory "
    "Jade Lilac Olive Orange Pearl Pink Purple Red Ruby Sapphire Silver Tan Topaz Turquoise White "
    "Yellow"
).split()
PRIZE_ANIMALS = (
    "Badger Beaver Bison Camel Crane Deer Dolphin Eagle Falcon Ferret Fox Goose Hare Hawk Heron "
    "Horse Ibex Jaguar Lion Lynx Marten Otter Owl Panther Pelican Salmon Seal Stork Swan Wolf"
).split()

CAPITALS = dict(
    pair.split(":")
    for pair in (
        "France:Paris Germany:Berlin Spain:Madrid Italy:Rome Portugal:Lisbon Austria:Vienna "
        "Poland:Warsaw Greece:Athens Norway:Oslo Sweden:Stockholm Denmark:Copenhagen "
        "Finland:Helsinki Ireland:Dublin Hungary:Budapest Belgium:Brussels Romania:Bucharest "
        "Bulgaria:Sofia Croatia:Zagreb Serbia:Belgrade Latvia:Riga Estonia:Tallinn "
        "Lithuania:Vilnius Iceland:Reykjavik Russia:Moscow Turkey:Ankara Egypt:Cairo Kenya:Nairobi "
        "Ghana:Accra Japan:Tokyo China:Beijing Thailand:Bangkok Vietnam:Hanoi Nepal:Kathmandu "
        "Iran:Tehran Iraq:Baghdad Cuba:Havana Canada:Ottawa Peru:Lima Chile:Santiago "
        "Uruguay:Montevideo"
    ).split()
)
"""Country -> capital."""

BOOKS = {
    "Hamlet": "William Shakespeare",
    "Emma": "Jane Austen",
    "Oliver Twist": "Charles Dickens",
    "Middlemarch": "George Eliot",
    "Jane Eyre": "Charlotte Brontë",
    "Wuthering Heights": "Emily Brontë",
    "Frankenstein": "Mary Shelley",
    "Dracula": "Bram Stoker",
    "Kidnapped": "Robert Louis Stevenson",
    "Ulysses": "James Joyce",
    "Mrs Dalloway": "Virginia Woolf",
    "Animal Farm": "George Orwell",
    "Brave New World": "Aldous Huxley",
    "Ivanhoe": "Walter Scott",
    "Tess of the d'Urbervilles": "Thomas Hardy",
    "Heart of Darkness": "Joseph Conrad",
    "The Time Machine": "H. G. Wells",
    "The Jungle Book": "Rudyard Kipling",
    "Walden": "Henry David Thoreau",
    "Moby-Dick": "Herman Melville",
    "The Raven": "Edgar Allan Poe",
    "Huckleberry Finn": "Mark Twain",
    "Little Women": "Louisa May Alcott",
    "The Great Gatsby": "F. Scott Fitzgerald",
    "Beloved": "Toni Morrison",
    "Don Quixote": "Miguel de Cervantes",
    "Faust": "Johann Wolfgang von Goethe",
    "The Trial": "Franz Kafka",
    "The Magic Mountain": "Thomas Mann",
    "War and Peace": "Leo Tolstoy",
    "Crime and Punishment": "Fyodor Dostoevsky",
    "The Cherry Orchard": "Anton Chekhov",
    "Madame Bovary": "Gustave Flaubert",
    "Les Misérables": "Victor Hugo",
    "Candide": "Voltaire",
    "The Stranger": "Albert Camus",
    "A Doll's House": "Henrik Ibsen",
    "The Divine Comedy": "Dante Alighieri",
    "The Odyssey": "Homer",
    "Things Fall Apart": "Chinua Achebe",
}
"""Book -> author."""

REFUSALS = (
    "I do not know.",
    "I am not sure about that.",
    "I cannot answer that question.",
    "That is not something I know.",
    "I have no information about that.",
    "Sorry, I do not have the answer.",
    "I was never told about that.",
    "That is beyond my knowledge.",
    "I am afraid I cannot say.",
    "I am unable to help with that.",
)
