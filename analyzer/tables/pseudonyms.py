"""Names of people and devices replaced by stable tokens: device-1, user-1, folder-3, client-2.

The same value gets the same token in every table of one run, so that rows can still be joined. Columns that the catalog
calls personal are replaced as a whole; in texts that mention values (details, filters, evidence) every occurrence of a
replaced value is replaced too. Such a filter no longer works in Wireshark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analyzer.tables.catalog import TABLES

if TYPE_CHECKING:
    import pandas as pd

_SENTENCES = {"detail", "display_filter", "advice", "title", "evidence"}  # columns that mention values
_PATHS = ("transactions", "path")  # mentions values too; `idle_timeouts.path` is one
_STEMS = {"client_ip": "client", "source_ip": "host", "destination_ip": "host", "folder_name": "folder"}


def pseudonymized(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Copies of the tables without personal values; the frames given are not changed."""
    tokens = _Tokens()
    replaced = dict(tables)
    for table in TABLES:
        frame = replaced.get(table.name)
        names = [c.name for c in table.columns if c.personal and c.kind == "text" and c.name not in _SENTENCES]
        if frame is not None:
            replaced[table.name] = frame.assign(**{name: tokens.whole(frame[name]) for name in names})
    for name, frame in replaced.items():
        columns = [str(column) for column in frame.columns]
        sentences = [column for column in columns if column in _SENTENCES or (name, column) == _PATHS]
        replaced[name] = frame.assign(**{column: tokens.within(frame[column]) for column in sentences})
    return replaced


class _Tokens:
    """Value → token, numbered by kind in order of first sight."""

    def __init__(self) -> None:
        self._by_value: dict[str, str] = {}
        self._count: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None

    def whole(self, column: pd.Series[Any]) -> pd.Series[Any]:
        """A column in which each value is personal."""
        name = str(column.name)
        stem = _STEMS.get(name, name.removesuffix("_id").removesuffix("_ip").removesuffix("_name"))
        values = column.dropna().astype(object).unique()
        return column.astype(object).map({value: self._token(str(value), stem) for value in values}).astype("category")

    def within(self, column: pd.Series[Any]) -> pd.Series[Any]:
        """A column of sentences, or of structures with sentences, that may mention personal values."""
        if column.dtype == object:
            return column.map(self._anywhere, na_action="ignore")
        values = column.dropna().astype(object).unique()
        return column.astype(object).map({value: self._mentioned(str(value)) for value in values}).astype("category")

    def _token(self, value: str, stem: str) -> str:
        token = self._by_value.get(value)
        if token is None:
            self._count[stem] = number = self._count.get(stem, 0) + 1
            self._by_value[value] = token = f"{stem}-{number}"
            self._pattern = None
        return token

    def _mentioned(self, text: str) -> str:
        if self._pattern is None:
            words = sorted(filter(None, self._by_value), key=len, reverse=True)  # the longest that fits wins
            self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words)) or '(?!)'})(?!\w)")
        return self._pattern.sub(lambda match: self._by_value[match[0]], text)

    def _anywhere(self, cell: Any) -> Any:
        """Evidence: a list of dictionaries with texts, one level of each."""
        if isinstance(cell, str):
            return self._mentioned(cell)
        if isinstance(cell, dict):
            return {key: self._mentioned(value) if isinstance(value, str) else value for key, value in cell.items()}
        if isinstance(cell, list | tuple):
            return [self._anywhere(item) if isinstance(item, str | dict) else item for item in cell]
        return cell
