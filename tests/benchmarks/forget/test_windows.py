"""Plain texts cut into windows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from suite_benchmarks.forget.windows import Windows, spans


class Letters:
    context = 60

    def ends(self, text):
        return range(1, len(text) + 1)


@given(st.integers(2, 300), st.integers(1, 40), st.integers(1, 50))
def test_windows_hold_each_token_behind_the_prefix_once(length, prefix, window):
    text = "".join(chr(0x4E00 + i) for i in range(length))
    pieces = Windows(prefix, window, continues=True).cut(text, Letters(), "here")
    first = min(prefix, length // 2)
    assert "".join(piece.completion for piece in pieces) == text[first:]
    assert max(len(piece.completion) for piece in pieces) <= window
    end = first
    for piece in pieces:
        (before,) = piece.prompt
        assert before.content == text[max(0, end - prefix) : end]
        end += len(piece.completion)


def test_windows_are_the_fewest_and_of_nearly_equal_length():
    assert spans(2, 8, 3) == [(2, 5), (5, 8)]
    assert [end - start for start, end in spans(0, 10, 4)] == [3, 3, 4]
