"""Some rows of tables as plain Python lists.

Rules look at few columns of few waits, and those that have a finding for each device at very many small groups; pandas
takes milliseconds for what a list does in microseconds, and a fifth of a second to load.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from analyzer.tables import read

if TYPE_CHECKING:
    import numpy.typing as npt


class Picked:
    """Rows whose columns are read when they are first asked for; all parts share the lists that were read."""

    __slots__ = ("_length", "_lists", "_read", "_rows")

    def __init__(self, length: int, column: Callable[[str], list[Any]]) -> None:
        """`column` reads one of them, with `length` values."""
        self._length = length
        self._read = column
        self._lists: dict[str, list[Any]] = {}
        self._rows: Sequence[int] | None = None

    def part(self, rows: Sequence[int]) -> Picked:
        """Some of all the rows."""
        part = Picked(len(rows), self._read)
        part._lists, part._rows = self._lists, rows
        return part

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, name: str) -> list[Any]:
        """A column, None where a value is absent; times are integer nanoseconds."""
        column = self._lists.get(name)
        if column is None:
            column = self._lists[name] = self._read(name)
        return column if self._rows is None else [column[row] for row in self._rows]

    def known(self, name: str) -> list[Any]:
        """The values of a column that are not absent."""
        return [value for value in self[name] if value is not None]

    def each(self, *names: str) -> Iterator[tuple[Any, ...]]:
        """Row by row, the values of these columns."""
        return zip(*(self[name] for name in names), strict=True)


def picked(table: read.Source, rows: npt.NDArray[Any]) -> Picked:
    """Rows of one table."""
    return Picked(len(rows), partial(read.some, table, wanted=rows))
