"""Which tables a declared file means."""

from suite import DataFile


def test_a_name_may_hold_wildcards():
    file = DataFile("forget??_perturbed", "questions", ())
    assert file.is_called("forget10_perturbed")
    assert not file.is_called("forget10")
    assert not file.is_called("Forget10_perturbed")
