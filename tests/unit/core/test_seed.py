"""Seeds that come from a seed."""

from tuner.core.seed import derived_seed


def test_a_seed_is_a_stable_function_of_what_it_is_for():
    assert derived_seed(3, "e") == derived_seed(3, "e") == 4284787205
    assert len({derived_seed(s, e, n) for s in range(5) for e in "ab" for n in range(5)}) == 50
    assert 0 <= derived_seed(-1, None) < 2**32
