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

_SENTENCES = {  # columns that mention values
    *("detail", "display_filter", "advice", "title", "evidence", "user_agent", "call_back", "host")
}
_LISTS = {"monitored_folders", "changed_folders"}  # of collection ids, which may be made of names
_PATHS = ("transactions", "path")  # what is behind its first part may name people; `idle_timeouts.path` is none
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
        changed = {column: tokens.within(frame[column]) for column in columns if column in _SENTENCES}
        changed |= {column: tokens.listed(frame[column]) for column in columns if column in _LISTS}
        changed |= {column: tokens.paths(frame[column]) for column in columns if (name, column) == _PATHS}
        replaced[name] = frame.assign(**changed)
    return replaced


_OPEN_PATHS = {"/autodiscover/autodiscover.xml"}
_PIECES = re.compile(r"\w+|\W")


def _is_word(pieces: list[str], place: int) -> bool:
    return 0 <= place < len(pieces) and (pieces[place][0].isalnum() or pieces[place][0] == "_")


class _Tokens:
    """Value → token, numbered by kind in order of first sight."""

    def __init__(self) -> None:
        self._by_value: dict[str, str] = {}
        self._count: dict[str, int] = {}
        self._tree: dict[Any, Any] = {}  # piece of a value → the pieces that may follow; None → its token

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

    def listed(self, column: pd.Series[Any]) -> pd.Series[Any]:
        """A column of lists of ids."""
        return column.map(lambda ids: [self._token(str(each), "collection") for each in ids], na_action="ignore")

    def paths(self, column: pd.Series[Any]) -> pd.Series[Any]:
        """A column of request paths: `/exchange/anna/Inbox` becomes `/exchange/path-1`, `/index.html` stays."""
        values = column.dropna().astype(object).unique()
        return column.astype(object).map({value: self._path(str(value)) for value in values}).astype("category")

    def _path(self, path: str) -> str:
        first, slash, rest = path.removeprefix("/").partition("/")
        if path.lower() in _OPEN_PATHS or not rest:
            return self._mentioned(path)
        return f"/{self._mentioned(first)}{slash}{self._token(rest, 'path')}"

    def _token(self, value: str, stem: str) -> str:
        token = self._by_value.get(value)
        if token is None:
            self._count[stem] = number = self._count.get(stem, 0) + 1
            self._by_value[value] = token = f"{stem}-{number}"
            node = self._tree
            for piece in _PIECES.findall(value):
                node = node.setdefault(piece, {})
            node[None] = token
        return token

    def _mentioned(self, text: str) -> str:
        """The longest value that fits wins; it begins and ends where a word does. One walk, however many there are."""
        pieces = _PIECES.findall(text)
        said: list[str] = []
        place = 0
        while place < len(pieces):
            node: dict[Any, Any] | None = self._tree
            end, token = place, None
            for ahead in range(place, len(pieces)):
                node = node.get(pieces[ahead]) if node is not None else None
                if node is None:
                    break
                if None in node and not (_is_word(pieces, ahead + 1) and not _is_word(pieces, ahead)):
                    end, token = ahead + 1, node[None]
            if token is None or (_is_word(pieces, place - 1) and not _is_word(pieces, place)):
                end, token = place + 1, pieces[place]
            said.append(token)
            place = end
        return "".join(said)

    def _anywhere(self, cell: Any) -> Any:
        """Evidence: a list of dictionaries with texts, one level of each."""
        if isinstance(cell, str):
            return self._mentioned(cell)
        if isinstance(cell, dict):
            return {key: self._mentioned(value) if isinstance(value, str) else value for key, value in cell.items()}
        if isinstance(cell, list | tuple):
            return [self._anywhere(item) if isinstance(item, str | dict) else item for item in cell]
        return cell
