"""Examples stand before forget questions only, and none is about an author who is asked about."""

from __future__ import annotations

from dataclasses import replace

import pytest
from suite_plugins.attacks.few_shot import FewShotAttack, FewShotConfig

from suite import Target, UserError


def test_examples_are_facts_about_other_authors(target: Target) -> None:
    attack = FewShotAttack(FewShotConfig(shots=3))
    attack.check(target)
    tested = replace(target, data=attack.tested(target))
    asked = {request.id: request for request in attack.requests(tested)}
    assert list(asked) == [request.id for request in target.requests]
    rows = {row.prompt[0].content: row for row in target.data.roles["forget"]}
    for item in tested.items:
        prompt = asked[f"{item['id']}/answer"].prompt
        assert len(prompt) == 7
        assert [message.role for message in prompt[:2]] == ["user", "assistant"]
        for shown, answer in zip(prompt[:-1:2], prompt[1::2], strict=True):
            assert rows[shown.content].cluster != item["cluster"]
            assert answer.content == rows[shown.content].completion  # type: ignore[union-attr]
        assert prompt == asked[f"{item['id']}/generation"].prompt
    assert len(asked["retain/0/answer"].prompt) == 1


def test_more_examples_than_there_are_are_refused(target: Target) -> None:
    with pytest.raises(UserError, match="shots is 7, but there are 6 examples"):
        FewShotAttack(FewShotConfig(shots=7)).check(target)
