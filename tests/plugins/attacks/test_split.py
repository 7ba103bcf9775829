"""What is learnt and what is asked share no fact, and together they are all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from suite_plugins.attacks.split import Split

from suite import Target, UserError


def parts(split: Split, target: Target) -> tuple[set[str], set[str]]:
    """Ids of the rows that are learnt, and of those that are asked about."""
    learnt = {row.id for row in split.learnt(target)}
    return learnt, {item["row"] for item in split.tested(target).sets["forget"]}


@pytest.mark.parametrize("seed", range(5))
def test_whole_authors_are_learnt_or_asked(target: Target, seed: int) -> None:
    learnt, asked = parts(Split("clusters", 0.5, seed), target)
    assert learnt | asked == {f"full/{number}" for number in range(12)}
    assert not learnt & asked
    authors = [{int(id[5:]) // 3 for id in part} for part in (learnt, asked)]
    assert not authors[0] & authors[1]
    assert [len(part) for part in authors] == [2, 2]


@pytest.mark.parametrize("seed", range(5))
def test_some_facts_of_every_author_are_learnt(target: Target, seed: int) -> None:
    learnt, asked = parts(Split("rows", 0.34, seed), target)
    assert learnt | asked == {f"full/{number}" for number in range(12)}
    assert not learnt & asked
    assert sorted(int(id[5:]) // 3 for id in learnt) == [0, 1, 2, 3]


def test_another_seed_draws_other_authors(target: Target) -> None:
    drawn = {frozenset(parts(Split("clusters", 0.5, seed), target)[0]) for seed in range(20)}
    assert len(drawn) > 3


def test_other_sets_are_asked_as_before(target: Target) -> None:
    assert Split("clusters", 0.5, 0).tested(target).sets["retain"] is target.data.sets["retain"]


def test_one_author_cannot_be_parted(target: Target) -> None:
    rows = [row for row in target.data.roles["forget"] if row.cluster == "author/0"]
    sets = {**target.data.sets, "forget": list(target.items)[:3]}
    one = replace(target, data=replace(target.data, roles={"forget": rows}, sets=sets))
    Split("rows", 0.5, 0).check(one, "it")
    with pytest.raises(UserError, match=r"it: 0\.5 of the forget clusters leaves nothing to ask"):
        Split("clusters", 0.5, 0).check(one, "it")
