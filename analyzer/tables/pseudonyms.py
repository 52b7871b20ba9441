"""Names of people, devices and hosts replaced by stable tokens: device-1, user-1, folder-3, client-2, host-1.

The same value gets the same token in every table of one run, so that rows can still be joined. Columns that the catalog
calls personal are replaced as a whole, or as far as they may name somebody (hosts keep their port, User-Agents their
products); in texts that mention values (details, filters, evidence) every occurrence of a replaced value is replaced
too. Such a filter no longer works in Wireshark. Addresses of servers stay, unless they are a client's too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from analyzer.tables.catalog import TABLES
from analyzer.tables.tokens import Tokens

if TYPE_CHECKING:
    import pandas as pd

_LABELS = {"root"}  # unless the whole world knows it
_LISTS = {"monitored_folders", "changed_folders"}  # of collection ids, which may be made of names
_HOST_LISTS = {("certificates", "names")}
_PATHS = {("transactions", "path")}  # what is behind its first part may name people; `idle_timeouts.path` is none
_SENTENCES = {"detail", "evidence", "problems"}
_STEMS = {"client_ip": "client", "folder_name": "folder", "path": "network"}
_NAMES = {  # columns each of whose values is a name, in part
    **dict.fromkeys(("server", "host", "sni", "server_name", "carrier_domain"), Tokens.host),
    **dict.fromkeys(("call_back", "issuer_url"), Tokens.url),
    **dict.fromkeys(("subject", "issuer"), Tokens.distinguished),
}
_TEXTS = {  # columns that may mention names
    **dict.fromkeys(("display_filter", "advice", "title", "capture"), Tokens.mentioned),
    **dict.fromkeys(("user_agent", "device_type"), Tokens.agent),
    **dict.fromkeys(_SENTENCES, Tokens.told),
}
_ADDRESSES = {"server_ip", "subscriber_ip", "source_ip", "destination_ip", "refused_by"}
_IN_PART = {*_NAMES, *_LABELS, *_TEXTS}


def pseudonymized(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Copies of the tables without personal values; the frames given are not changed."""
    tokens = Tokens()
    replaced = dict(tables)
    for table in TABLES:  # values first: texts that mention them may stand in any table
        frame = replaced.get(table.name)
        if frame is not None:
            personal = {c.name for c in table.columns if c.personal and c.kind == "text"} - _IN_PART
            replaced[table.name] = frame.assign(**_values(table.name, frame, personal, tokens))
    for name, frame in replaced.items():
        replaced[name] = frame.assign(**_texts(name, frame, tokens))
    return replaced


def _values(table: str, frame: pd.DataFrame, personal: set[str], tokens: Tokens) -> dict[str, pd.Series[Any]]:
    """Columns each of whose values is a name."""
    changed = {}
    for name in map(str, frame.columns):
        column = frame[name]
        if name in personal:
            stem = _STEMS.get(name, name.removesuffix("_id").removesuffix("_ip").removesuffix("_name"))
            changed[name] = _each(column, partial(tokens.token, stem=stem))
        elif name in _NAMES:
            changed[name] = _each(column, partial(_NAMES[name], tokens))
        elif name in _LABELS:
            hidden = _each(column, tokens.label).astype(object)
            changed[name] = hidden.where(frame["chain"] != "complete", column.astype(object)).astype("category")
        elif (table, name) in _HOST_LISTS:
            changed[name] = column.map(lambda names: [tokens.host(str(each)) for each in names], na_action="ignore")
        elif name in _LISTS:
            changed[name] = column.map(
                lambda ids: [tokens.token(str(each), "collection") for each in ids], na_action="ignore"
            )
    return changed


def _texts(table: str, frame: pd.DataFrame, tokens: Tokens) -> dict[str, pd.Series[Any]]:
    """Columns that may mention names."""
    changed = {}
    for name in map(str, frame.columns):
        column = frame[name]
        if name in _SENTENCES and column.dtype == object:
            changed[name] = column.map(lambda cell: _anywhere(cell, tokens), na_action="ignore")
        elif name in _TEXTS:
            changed[name] = _each(column, partial(_TEXTS[name], tokens))
        elif name in _ADDRESSES:
            changed[name] = _each(column, tokens.known)
        elif (table, name) in _PATHS:
            changed[name] = _each(column, tokens.path)
    return changed


def _each(column: pd.Series[Any], change: Callable[[str], str]) -> pd.Series[Any]:
    """Each distinct value changed once."""
    values = column.dropna().astype(object).unique()
    return column.astype(object).map({value: change(str(value)) for value in values}).astype("category")


def _anywhere(cell: Any, tokens: Tokens) -> Any:
    """Evidence: a list of dictionaries with texts, one level of each."""
    if isinstance(cell, str):
        return tokens.told(cell)
    if isinstance(cell, dict):
        return {key: tokens.told(value) if isinstance(value, str) else value for key, value in cell.items()}
    if isinstance(cell, list | tuple):
        return [_anywhere(item, tokens) if isinstance(item, str | dict) else item for item in cell]
    return cell
