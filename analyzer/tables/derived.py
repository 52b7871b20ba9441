"""A table whose columns are worked out when they are asked for, from arrays that other tables share.

For the tables with a row for each transaction: their columns are selections of a few packed arrays, and most analyses
never look at most of them. Nothing is kept here but the recipes. Read with the same words as a `TableBuilder`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from analyzer.tables.builder import NAT, as_list
from analyzer.tables.schema import Table
from analyzer.tables.to_pandas import as_pandas, objects

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    Array: TypeAlias = npt.NDArray[Any]
    Bools: TypeAlias = npt.NDArray[np.bool_]


class Made(NamedTuple):
    """One column: numbers in the form `TableBuilder.column` gives, or codes into distinct values."""

    array: Array
    mask: Bools | None = None  # of ints: True where absent
    values: Sequence[Any] | None = None  # text, enum and json: what the codes stand for; -1 = absent


Recipe: TypeAlias = Callable[[], Made]


class DerivedTable:
    """Recipes for all columns of a table."""

    __slots__ = ("_length", "_newest", "_recipes", "table")

    def __init__(self, table: Table, length: int, recipes: Mapping[str, Recipe]) -> None:
        self.table = table
        self._length = length
        self._recipes = recipes
        self._newest: tuple[str, Made] | None = None  # whose mask is mostly asked for next

    def __len__(self) -> int:
        return self._length

    def column(self, name: str) -> Array:
        """As `TableBuilder.column`, but integers may be narrower."""
        made = self._recipes[name]()
        if made.values is not None:
            return objects(made.array, made.values)
        if made.mask is None:
            return made.array
        self._newest = name, made
        return np.where(made.mask, 0, made.array)

    def mask(self, name: str) -> Bools:
        """True where the column's value is absent."""
        known, self._newest = self._newest, None
        return self._absent(name, known[1] if known is not None and known[0] == name else self._recipes[name]())

    def codes(self, name: str) -> tuple[Array, list[Any]]:
        """A text, enum or json column as (code of each row, distinct values); absent = -1."""
        made = self._recipes[name]()
        if made.values is None:
            raise ValueError(f"{self.table.name}.{name} has no codes")
        return made.array, list(made.values)

    def some(self, name: str, rows: Array) -> list[Any]:
        """The values of some rows, absent None."""
        made = self._recipes[name]()
        cut = Made(made.array[rows], None if made.mask is None else made.mask[rows], made.values)
        array = cut.array if cut.values is None else objects(cut.array, cut.values)
        return as_list(self.table, name, array, self._absent(name, cut))

    def _absent(self, name: str, made: Made) -> Bools:
        """True where one of these values of a column is absent."""
        if made.values is not None:
            return made.array < 0
        if made.mask is not None:
            return made.mask
        if made.array.dtype.kind == "f":
            return np.isnan(made.array)
        kind = next(column.kind for column in self.table.columns if column.name == name)
        absent = {"bool": -1, "time": NAT}.get(kind)
        return np.zeros(len(made.array), dtype=bool) if absent is None else made.array == absent

    def frame(self) -> pd.DataFrame:
        """The table as pandas, with the types of `TableBuilder.frame`. The recipes are let go."""
        import pandas as pd

        arrays = {}
        for column in self.table.columns:
            made = self._recipes[column.name]()
            arrays[column.name] = as_pandas(column, made.array, made.mask, made.values)
            del made
        self._recipes = {}
        return pd.DataFrame(arrays, index=pd.RangeIndex(self._length), columns=list(arrays), copy=False)
