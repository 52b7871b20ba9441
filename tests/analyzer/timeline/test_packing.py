"""Rows of integers come out as they went in, from the buffer and from the chunks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.timeline import packing
from analyzer.timeline.packing import PackedRows

FIELDS: dict[str, str | None] = {"start": None, "end": "start", "whole": None, "part": "whole", "core": "part"}
EDGES = [-1, 0, 1, 255, 256, 65_535, 65_536, (1 << 32) - 1, 1 << 32, -(1 << 63), (1 << 63) - 1]

numbers = st.sampled_from(EDGES) | st.integers(-(1 << 63), (1 << 63) - 1)
rows = st.lists(st.tuples(*[numbers] * len(FIELDS)), max_size=30)


@given(rows, st.sampled_from([1, 3, 8, 4096]))
def test_every_number_comes_out_as_it_went_in_whatever_the_chunk_size(
    values: list[tuple[int, ...]], chunk: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "CHUNK_ROWS", chunk)
        packed = PackedRows(FIELDS)
        assert [packed.append(*row) for row in values] == list(range(len(values)))
        assert len(packed) == len(values)
        for place, name in enumerate(FIELDS):
            assert packed[name].tolist() == [row[place] for row in values]
        for number, row in enumerate(values):
            assert packed.row(number) == dict(zip(FIELDS, row, strict=True))


def test_a_field_is_a_fresh_array_each_time() -> None:
    packed = PackedRows(FIELDS)
    packed.append(1, 2, 3, 4, 5)
    packed["start"][0] = 7
    assert packed["start"].tolist() == [1]
