"""All tables as one mapping that makes a table when it is asked for: one that nobody reads costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from analyzer.tables.catalog import TABLES

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.tables.read import Source


class LazyTables(Mapping[str, "pd.DataFrame"]):
    """The catalog's tables in its order; `make` gives a table by name. `source` gives what columns can be read from
    without making the table, where there is such a thing."""

    def __init__(self, make: Callable[[str], pd.DataFrame], source: Callable[[str], Source] | None = None) -> None:
        self._make = make
        self._source: Callable[[str], Source] = make if source is None else source
        self._names = [table.name for table in TABLES]

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._names:
            raise KeyError(name)
        return self._make(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def source(self, name: str) -> Source:
        """The cheapest thing from which the table's columns can be read."""
        return self._source(name)
