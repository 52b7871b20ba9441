"""Columns of a table as numpy arrays or lists, whether the table is a pandas frame already or not yet.

The verdict reads columns through here, so that it neither copies whole tables nor needs pandas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, Union, cast

import numpy as np

from analyzer.tables.builder import NAT, TableBuilder, as_list
from analyzer.tables.derived import DerivedTable
from analyzer.tables.lazy import LazyTables

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    Array: TypeAlias = npt.NDArray[Any]

Source: TypeAlias = Union[TableBuilder, DerivedTable, "pd.DataFrame"]
AT_A_TIME = 64  # rows in which some distinct texts are looked for

_UNMADE = (TableBuilder, DerivedTable)


def source(tables: Mapping[str, pd.DataFrame], name: str) -> Source:
    """The cheapest thing from which the table's columns can be read."""
    return tables.source(name) if isinstance(tables, LazyTables) else tables[name]


def ints(table: Source, name: str) -> Array:
    """Whole numbers that cannot be negative; -1 where absent."""
    if not isinstance(table, _UNMADE):
        return cast("Array", table[name].to_numpy(dtype=np.int64, na_value=-1))
    values, mask = table.column(name), table.mask(name)
    return np.where(mask, -1, values) if mask.any() else values


def floats(table: Source, name: str) -> npt.NDArray[np.float64]:
    """NaN where absent."""
    values = table.column(name) if isinstance(table, _UNMADE) else table[name].to_numpy(dtype=np.float64)
    return cast("npt.NDArray[np.float64]", values)


def bools(table: Source, name: str) -> npt.NDArray[np.bool_]:
    """False where absent."""
    if isinstance(table, _UNMADE):
        return table.column(name) > 0
    return table[name].to_numpy(dtype=bool, na_value=False)


def times(table: Source, name: str) -> npt.NDArray[np.int64]:
    """Nanoseconds since 1970 UTC; NAT where absent."""
    if isinstance(table, _UNMADE):
        return cast("npt.NDArray[np.int64]", table.column(name))
    return table[name].to_numpy(dtype="M8[ns]").view(np.int64)


def codes(table: Source, name: str) -> tuple[Array, list[Any]]:
    """Texts as places in a list of distinct ones; -1 where absent."""
    if isinstance(table, _UNMADE):
        return table.codes(name)
    import pandas as pd

    column = table[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), list(column.cat.categories)
    found, values = pd.factorize(column.astype(object))
    return found, list(values)


def among(table: Source, name: str, *wanted: str) -> npt.NDArray[np.bool_]:
    """True where the text is one of these."""
    found, values = codes(table, name)
    return np.array([value in wanted for value in values] + [False])[found]


def distinct(found: Array) -> Array:
    """Each value once, in order. `np.unique` does it, too, but loads numpy's masked arrays to ask for one: 7 ms."""
    ordered = np.sort(found)
    new = np.ones(len(ordered), dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return ordered[new]


def firsts(table: Source, name: str, wanted: Array, limit: int) -> list[Any]:
    """The first distinct texts of these rows. Of a builder no more rows are read, or made, than it takes."""
    if isinstance(table, TableBuilder):
        first: dict[Any, None] = {}
        for start in range(0, len(wanted), AT_A_TIME):
            first |= dict.fromkeys(table.some(name, wanted[start : start + AT_A_TIME]))
            first.pop(None, None)
            if len(first) >= limit:
                break
        return list(first)[:limit]
    found, texts = codes(table, name)
    some = dict.fromkeys(found[wanted][found[wanted] >= 0].tolist())
    return [texts[code] for code in list(some)[:limit]]


def rows(table: Source) -> list[dict[str, Any]]:
    """A small table as dictionaries, None where a value is absent. Times are integer nanoseconds."""
    names = [column.name for column in table.table.columns] if isinstance(table, _UNMADE) else list(table.columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*(values(table, name) for name in names), strict=True)]


def values(table: Source, name: str) -> list[Any]:
    """A column as Python values, None where absent; times are integer nanoseconds."""
    if isinstance(table, _UNMADE):
        return as_list(table.table, name, table.column(name), table.mask(name))
    column = table[name]
    if column.dtype.kind == "M":
        return [None if time == NAT else time for time in times(table, name).tolist()]
    found: list[Any] = column.astype(object).tolist()
    for row in np.flatnonzero(column.isna().to_numpy()).tolist():
        found[row] = None
    return found


def some(table: Source, name: str, wanted: Array) -> list[Any]:
    """The same of these rows only; -1 is a row in which everything is absent."""
    there = wanted >= 0
    rows = wanted[there]
    found = table.some(name, rows) if isinstance(table, _UNMADE) else values(table[[name]].take(rows), name)
    if len(found) == len(wanted):
        return found
    known = iter(found)
    return [next(known) if yes else None for yes in there.tolist()]
