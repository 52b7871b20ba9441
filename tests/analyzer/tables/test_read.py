"""A table reads the same whether it is a builder, derived from shared arrays, or pandas already."""

import random
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analyzer.tables import read
from analyzer.tables.builder import NAT, TableBuilder
from analyzer.tables.derived import DerivedTable, Made
from analyzer.tables.lazy import LazyTables
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
ROWS: list[tuple[object, ...]] = [
    (1, 0.5, True, 7, "x", "b", [1]),
    (None, None, None, None, None, None, None),
    (3, -2.0, False, 10**18, "y", "a", ["k", {"n": 1}]),
    (0, 4.0, True, 0, "x", "b", []),
]


def built() -> TableBuilder:
    builder = TableBuilder(TABLE)
    for row in ROWS:
        builder.append(row)
    return builder


def derived() -> DerivedTable:
    builder = built()
    recipes = {}
    for column in TABLE.columns:
        if column.kind in ("text", "enum", "json"):
            codes, values = builder.codes(column.name)
            made = Made(codes, None, values)
        else:
            made = Made(builder.column(column.name), builder.mask(column.name) if column.kind == "int" else None)
        recipes[column.name] = lambda made=made: made
    return DerivedTable(TABLE, len(ROWS), recipes)


def framed() -> pd.DataFrame:
    return built().frame()


KINDS_OF_TABLE = pytest.mark.parametrize("table", [built, derived, framed], ids=lambda make: make.__name__)


@KINDS_OF_TABLE
def test_columns_read_the_same(table: Callable[[], read.Source]) -> None:
    made = table()
    assert read.ints(made, "int").tolist() == [1, -1, 3, 0]
    assert read.floats(made, "float").tolist()[::2] == [0.5, -2.0]
    assert np.isnan(read.floats(made, "float")[1])
    assert read.bools(made, "bool").tolist() == [True, False, False, True]
    assert read.times(made, "time").tolist() == [7, NAT, 10**18, 0]
    for name, expected in (("text", ["x", None, "y", "x"]), ("enum", ["b", None, "a", "b"])):
        codes, values = read.codes(made, name)
        assert [values[code] if code >= 0 else None for code in codes.tolist()] == expected
    assert read.among(made, "text", "x").tolist() == [True, False, False, True]
    assert read.among(made, "text").tolist() == [False] * 4
    assert read.firsts(made, "text", np.array([1, 2, 3, 0]), 5) == ["y", "x"]
    assert read.firsts(made, "text", np.array([1, 2, 3, 0]), 1) == ["y"]


@KINDS_OF_TABLE
def test_rows_come_back_as_they_were_put_in(table: Callable[[], read.Source]) -> None:
    assert read.rows(table()) == [dict(zip(KINDS, row, strict=True)) for row in ROWS]


@KINDS_OF_TABLE
def test_some_rows_are_those_asked_for_and_minus_one_is_absent(table: Callable[[], read.Source]) -> None:
    made, chance = table(), random.Random(7)
    for number, name in enumerate(KINDS):
        column = [row[number] for row in ROWS] + [None]
        for length in (0, 1, 3, 6):
            wanted = [chance.randint(-1, 3) for _ in range(length)]
            found = read.some(made, name, np.array(wanted, dtype=int))
            assert list(map(repr, found)) == [repr(column[row]) for row in wanted]  # True is not 1 here
        assert read.some(made, name, np.array([-1, -1])) == [None, None]


@pytest.mark.parametrize(
    "table",
    [TableBuilder(TABLE), DerivedTable(TABLE, 0, {"text": lambda: Made(np.array([], dtype=int), None, [])})],
    ids=["built", "derived"],
)
def test_of_a_table_without_rows_everything_is_absent(table: read.Source) -> None:
    assert read.some(table, "text", np.array([-1, -1])) == [None, None]


@KINDS_OF_TABLE
def test_types_are_those_of_the_catalog(table: Callable[[], read.Source]) -> None:
    made = table()
    frame = made if isinstance(made, pd.DataFrame) else made.frame()
    assert [str(dtype) for dtype in frame.dtypes] == [
        "Int64", "float64", "boolean", "datetime64[ns, UTC]", "category", "category", "object",
    ]  # fmt: skip
    assert list(frame["enum"].cat.categories) == ["a", "b"]


def test_a_derived_table_says_what_is_absent_like_a_builder() -> None:
    for name in KINDS:
        assert derived().mask(name).tolist() == built().mask(name).tolist()
        assert derived().column(name).tolist()[2:] == built().column(name).tolist()[2:]


def test_texts_that_become_equal_when_cleaned_are_one_category() -> None:
    builder = TableBuilder(TABLE)
    for text in ("a?b", "a\ud800b", "c"):
        builder.append((1, 0.0, True, 1, text, "a", None))
    assert list(builder.frame()["text"]) == ["a?b", "a?b", "c"]


def test_lazy_tables_are_read_without_being_made() -> None:
    made: list[str] = []

    def make(name: str) -> pd.DataFrame:
        made.append(name)
        return framed()

    source = built()
    tables = LazyTables(make, lambda name: source)
    assert read.source(tables, "sessions") is source
    assert made == []
    assert len(tables["sessions"]) == len(ROWS)
    assert made == ["sessions"]
    assert isinstance(read.source(LazyTables(make), "captures"), pd.DataFrame)
