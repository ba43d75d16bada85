"""Components against a plain search of the graph."""

from hypothesis import given
from hypothesis import strategies as st

from stages.score.components import Components


@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=20))
def test_roots_are_the_lowest_reachable_item(pairs):
    components = Components(15)
    reachable = {item: {item} for item in range(15)}
    for first, second in pairs:
        components.join(first, second)
        joined = reachable[first] | reachable[second]
        for item in joined:
            reachable[item] = joined
    assert components.roots() == [min(reachable[item]) for item in range(15)]


def test_equal_keys_join():
    components = Components(5)
    components.join_equal(["a", "b", "a", "c", "b"])
    assert components.roots() == [0, 1, 0, 3, 1]
