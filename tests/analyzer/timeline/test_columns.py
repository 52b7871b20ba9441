"""Forward fill and ranks, against the plain loop."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analyzer.timeline.columns import last_known, ranks


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=40))
def test_last_known_is_the_newest_earlier_one_of_the_same_group(items: list[tuple[int, bool]]) -> None:
    items.sort(key=lambda item: item[0])
    group = np.array([g for g, _ in items], dtype=np.int64)
    known = np.array([k for _, k in items], dtype=bool)
    expected = [
        max((j for j in range(i) if items[j][0] == items[i][0] and items[j][1]), default=-1) for i in range(len(items))
    ]
    assert last_known(group, known).tolist() == expected


@given(st.permutations(range(8)))
def test_ranks_invert_an_order(order: list[int]) -> None:
    places = ranks(np.array(order))
    assert [order[place] for place in places.tolist()] == list(range(8))
