"""Only some devices: the tables cut down to the sessions that were asked for, and what belongs to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def sessions_of(sessions: pd.DataFrame, wanted: Sequence[str]) -> list[int]:
    """The session ids whose device id (or its beginning), user name or session number is one of `wanted`."""
    found = []
    for row in sessions[["session_id", "device_id", "user"]].astype(object).itertuples(index=False):
        device, user, number = (str(value).lower() for value in (row.device_id, row.user, row.session_id))
        if any(word and (device.startswith(word) or word in (user, number)) for word in map(str.lower, wanted)):
            found.append(int(number))
    return found


def only_sessions(tables: Mapping[str, pd.DataFrame], session_ids: Sequence[int]) -> dict[str, pd.DataFrame]:
    """The tables with only the rows of these sessions; tables without a session go by connection, captures stay."""
    requests = tables["transactions"]
    links = set(requests["connection_id"][requests["session_id"].isin(session_ids)].dropna())
    kept = {}
    for name, frame in tables.items():
        if name != "captures" and "session_id" in frame.columns:
            rows = frame["session_id"].isin(session_ids)
            if name == "teardowns":  # an end that names no session may still be that of the device's connection
                rows |= frame["session_id"].isna() & frame["connection_id"].isin(links)
            frame = frame[rows.fillna(False).to_numpy(dtype=bool)].reset_index(drop=True)
        elif name != "captures" and "connection_id" in frame.columns:
            frame = frame[frame["connection_id"].isin(links).fillna(False).to_numpy(dtype=bool)].reset_index(drop=True)
        kept[name] = frame
    return kept
