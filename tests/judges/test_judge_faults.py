"""Judge `openai` and what an endpoint may do instead of answering: the table, on real sockets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from suite import UserError
from suite.api.verdicts import Judged
from suite.judges.openai import OpenAIJudge, OpenAIJudgeConfig
from suite.stages.context import Context
from tests.judges.test_openai import Rule
from tests.servers.fault_table import CASES, RETRIES, SECRET, Case, strained
from tests.servers.openai_server import Fault, OpenAIServer

Run = Callable[..., dict[str, Judged]]
TEXTS = {number: "e" * (number + 2) for number in range(3)}


def new_judge(server: OpenAIServer, context: Context) -> OpenAIJudge:
    config = OpenAIJudgeConfig(
        base_url=server.url, model=server.name, retries=RETRIES, concurrency=1
    )
    return OpenAIJudge(config, context)


@pytest.mark.parametrize("name", CASES)
def test_the_judge_stops_with_one_line_or_has_no_verdict(
    judged: Run,
    context: Context,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    case: Case = CASES[name]
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with OpenAIServer(Rule(), key=SECRET) as server:
        server.faults, server.rest = [Fault()] * 2, case.fault
        if case.garbled or case.judge_takes_it:
            found = judged(new_judge(server, context), TEXTS, "e")
            choices = [verdict.choice for each in found.values() for verdict in each.verdicts]
            assert choices.count(None) == (4 if case.garbled else 0)
            tries = 4 if case.garbled else 0
        else:
            with pytest.raises(UserError, match=case.says) as caught:
                judged(new_judge(server, context), TEXTS, "e")
            said = str(caught.value)
            assert said.startswith("judge openai: ") and said.endswith(
                "; the verdicts so far are kept"
            )
            assert "\n" not in said and len(said) < 400 and SECRET not in said
            tries = case.tries
        requests = [strained(body) for path, _, body in server.seen if path != "/v1/models"]
        server.rest = Fault()
        judged(new_judge(server, context), TEXTS, "e")
        asked = Counter(strained(b) for path, _, b in server.seen if path != "/v1/models")
    assert [asked[each] for each in requests[:2]] == [1, 1]
    assert asked.total() == 6 + tries
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files and not [path for path in files if SECRET.encode() in path.read_bytes()]
    assert SECRET not in "".join(capfd.readouterr())
