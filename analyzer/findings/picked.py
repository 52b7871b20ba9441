"""Some of the waits as plain Python lists.

Rules that have a finding for each device look at very many small groups; pandas takes milliseconds for what a list does
in microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analyzer.tables import read

if TYPE_CHECKING:
    import pandas as pd


class Picked:
    """Rows of a frame that `Case.part` gave; all parts of it share the lists that were made."""

    __slots__ = ("_frame", "_lists", "_rows")

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self._lists: dict[str, list[Any]] = {}
        self._rows: Sequence[int] | None = None

    def part(self, rows: Sequence[int]) -> Picked:
        """Some of all the rows."""
        part = Picked(self._frame)
        part._lists, part._rows = self._lists, rows
        return part

    def __len__(self) -> int:
        return len(self._frame if self._rows is None else self._rows)

    def __getitem__(self, name: str) -> list[Any]:
        """A column, None where a value is absent; times are integer nanoseconds."""
        column = self._lists.get(name)
        if column is None:
            column = self._lists[name] = read.values(self._frame, name)
        return column if self._rows is None else [column[row] for row in self._rows]

    def known(self, name: str) -> list[Any]:
        """The values of a column that are not absent."""
        return [value for value in self[name] if value is not None]


def picked(waits: pd.DataFrame | Picked) -> Picked:
    return waits if isinstance(waits, Picked) else Picked(waits)
