"""What goes in as tuples comes out as columns and as pandas, whatever the number of rows and chunks."""

import random
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.tables import builder as module
from analyzer.tables import read
from analyzer.tables.builder import NAT, TableBuilder
from analyzer.tables.schema import Column, Table

KINDS = ("int", "float", "bool", "time", "text", "enum", "json")
TABLE = Table(
    name="made",
    grain="one row",
    key=("int",),
    meaning="for tests",
    columns=tuple(
        Column(name=kind, kind=kind, meaning="m", values=(("a", "first"), ("b", "second")) if kind == "enum" else ())
        for kind in KINDS
    ),
)
ROW = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False),
    st.none() | st.booleans(),
    st.none() | st.integers(0, 2**62),
    st.none() | st.text(max_size=5),
    st.none() | st.sampled_from(["a", "b"]),
    st.none() | st.lists(st.integers() | st.booleans() | st.text(max_size=3), max_size=3),
)


def built(rows: list[tuple[object, ...]]) -> TableBuilder:
    builder = TableBuilder(TABLE)
    for row in rows:
        builder.append(row)
    return builder


def cells(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    """A frame as plain Python values, None for absent."""
    columns = []
    for name in KINDS:
        column = frame[name]
        if name == "time":
            numbers = column.to_numpy(dtype="M8[ns]").astype(np.int64).tolist()
            columns.append([None if number == NAT else number for number in numbers])
        elif name == "json":
            columns.append(list(column))
        else:
            columns.append([None if pd.isna(value) else value for value in column.astype(object)])
    return list(zip(*columns, strict=True))


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=40), st.integers(1, 9))
def test_frame_holds_what_was_appended_whatever_the_chunk_size(rows: list[tuple[object, ...]], flush: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FLUSH_ROWS", flush)
        patch.setattr(module, "DIVERSE_AFTER_ROWS", 10)  # so that text columns change to Arrow strings in some examples
        assert cells(built(rows).frame()) == rows


@settings(max_examples=30, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=30), st.randoms())
def test_reorder_puts_rows_in_order_and_drops_those_left_out(
    rows: list[tuple[object, ...]], chance: random.Random
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "FLUSH_ROWS", 4)
        patch.setattr(module, "DIVERSE_AFTER_ROWS", 10)
        builder = built(rows)
        order = chance.sample(range(len(rows)), chance.randint(0, len(rows)))
        builder.reorder(order)
        assert len(builder) == len(order)
        assert cells(builder.frame()) == [rows[number] for number in order]


def test_dtypes_are_those_of_the_catalog_even_without_rows() -> None:
    for rows in ([], [(None,) * len(KINDS)]):
        dtypes = [str(dtype) for dtype in built(rows).frame().dtypes]
        assert dtypes == ["Int64", "float64", "boolean", "datetime64[ns, UTC]", "category", "category", "object"]


def test_enum_categories_are_in_the_catalogs_order_whatever_came_first() -> None:
    frame = built([(1, 1.0, True, 1, "x", value, None) for value in ("b", "other", "a")]).frame()
    assert list(frame["enum"].cat.categories) == ["a", "b", "other"]
    assert list(frame["enum"]) == ["b", "other", "a"]


def test_text_of_which_most_values_differ_becomes_strings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSH_ROWS", 10)
    monkeypatch.setattr(module, "DIVERSE_AFTER_ROWS", 20)
    frame = built([(n, 0.0, False, n, f"text {n}", "a", None) for n in range(50)]).frame()
    assert str(frame["text"].dtype) == "str"
    assert list(frame["text"]) == [f"text {n}" for n in range(50)]


def test_columns_can_be_read_replaced_and_read_again() -> None:
    builder = built([(1, 0.5, True, 7, "x", "a", [1]), (None, None, None, None, None, None, None)])
    assert builder.column("int").tolist() == [1, 0]
    assert builder.mask("int").tolist() == [False, True]
    assert builder.column("time").tolist() == [7, NAT]
    assert builder.column("text").tolist() == ["x", None]
    assert builder.column("bool").tolist() == [1, -1]
    builder.replace("int", np.array([5, 6]), np.array([True, False]))
    builder.replace("text", [None, "new"])
    builder.replace("float", np.array([1.5, np.nan]))
    builder.replace("json", [None, {"k": [1]}])
    builder.append((9, 9.0, False, 9, "y", "b", []))
    assert cells(builder.frame()) == [
        (None, 1.5, True, 7, None, "a", None),
        (6, None, None, None, "new", None, {"k": [1]}),
        (9, 9.0, False, 9, "y", "b", []),
    ]


def test_a_column_that_is_replaced_later_is_made_once_and_from_the_rows_as_they_stand() -> None:
    builder = built([(1, 0.5, True, 7, None, "a", []), (2, 0.5, True, 7, None, "a", [])])
    made: list[str] = []

    def texts(rows: npt.NDArray[Any]) -> list[str]:
        texts = [str(number) for number in builder.column("int")[rows].tolist()]
        made.extend(texts)
        return texts

    builder.replace_later("text", texts)
    builder.reorder([1, 0])
    assert not made
    assert builder.column("text").tolist() == ["2", "1"]
    assert cells(builder.frame())[0][4] == "2"
    assert made == ["2", "1"]


def test_of_a_column_that_is_replaced_later_only_the_rows_are_made_that_are_asked_for() -> None:
    builder = built([(number, 0.5, True, 7, None, "a", []) for number in range(1000)])
    made: list[int] = []

    def texts(rows: npt.NDArray[Any]) -> list[str]:
        made.extend(rows.tolist())
        return [f"t{row // 2}" for row in rows.tolist()]

    builder.replace_later("text", texts)
    assert builder.some("text", np.array([3, 900])) == ["t1", "t450"]
    assert read.some(builder, "text", np.array([5, -1, 4])) == ["t2", None, "t2"]
    assert made == [3, 900, 5, 4]
    assert read.firsts(builder, "text", np.arange(1000), 3) == ["t0", "t1", "t2"]
    assert len(made) < 100
    assert builder.some("int", np.array([7])) == [7]
    assert builder.column("text").tolist()[-1] == "t499"
    assert read.firsts(builder, "text", np.arange(999, -1, -1), 2) == ["t499", "t498"]
    assert list(builder.frame()["text"])[:3] == ["t0", "t0", "t1"]


def test_a_frame_has_the_columns_that_were_to_be_replaced_later() -> None:
    builder = built([(1, 0.5, True, 7, None, "a", [])])
    builder.replace_later("int", lambda rows: [5])
    builder.replace_later("text", lambda rows: ["b"])
    builder.replace("int", [6])
    assert cells(builder.frame()) == [(6, 0.5, True, 7, "b", "a", [])]


def test_codes_give_a_text_column_as_numbers_into_its_values() -> None:
    codes, values = built([(1, 0.0, True, 1, text, "a", None) for text in ("x", "y", None, "x")]).codes("text")
    assert (codes.tolist(), values) == ([0, 1, -1, 0], ["x", "y"])


def test_equal_structures_are_one_object_and_unequal_ones_are_not() -> None:
    lists = list(built([(1, 0.0, True, 1, "x", "a", value) for value in ([1], [1], [True], (1,))]).frame()["json"])
    assert lists[0] is lists[1]
    assert [repr(value) for value in lists] == ["[1]", "[1]", "[True]", "(1,)"]


def test_lone_surrogates_become_question_marks() -> None:
    assert list(built([(1, 0.0, True, 1, "a\ud800b", "a", None)]).frame()["text"]) == ["a?b"]


def test_replace_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="1 values for 2 rows"):
        built([(1, 0.0, True, 1, "x", "a", None)] * 2).replace("int", [1])


def test_nothing_can_be_added_after_the_frame_was_taken() -> None:
    builder = built([(1, 0.0, True, 1, "x", "a", None)])
    builder.frame()
    with pytest.raises(RuntimeError, match="handed over"):
        builder.column("int")


def test_a_row_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        built([(1, 2.0)]).frame()
