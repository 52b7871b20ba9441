"""What dead waits cost: time without push, new connections, bytes.

The time is an interval. A death that was seen to happen (reset, close, error page) costs from then to the device's next
wait. Of a silent death only bounds are known: push was gone at the latest when the answer was due and did not come, and
at the earliest when the wait had been idle for as long as the longest that survived. A death without a later wait of
the same device costs what the capture does not show: it is left out.

The bytes are those of the dead waits themselves, and what the new connections carried beside their HTTP transactions:
TLS handshakes and alerts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analyzer.findings.case import DIED, SILENT, Case
from analyzer.findings.words import counted, size, span

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the deaths of one capture cost, or of one device."""

    deaths: int
    counted_deaths: int  # those after which the device waited again in the capture
    without_push_low_s: float
    without_push_high_s: float
    new_connections: int  # the next wait was on another connection
    handshakes: int  # of these, with TLS
    extra_bytes: int
    devices: int


def of(case: Case) -> Cost:
    """The cost of all deaths."""
    waits = case.waits
    again = waits.groupby("who", dropna=False)[["start", "connection_id"]].shift(-1)
    dead = waits.assign(next_start=again["start"], next_connection=again["connection_id"])[waits["fate"] == DIED]
    followed = dead[dead["next_start"].notna()]
    low_s, high_s = _without_push(case, followed)
    moved = followed[followed["next_connection"] != followed["connection_id"]]
    links = case.tables["connections"].set_index("connection_id")
    new = links.loc[links.index.isin(moved["next_connection"])]
    return Cost(
        deaths=len(dead),
        counted_deaths=len(followed),
        without_push_low_s=low_s,
        without_push_high_s=high_s,
        new_connections=len(new),
        handshakes=int(new["tls_version"].notna().sum()),
        extra_bytes=_overhead(case, new) + _wire_bytes(case, "transaction_id", dead["transaction_id"]),
        devices=dead["who"].nunique(),
    )


def words(case: Case) -> list[str]:
    """It cost 2 h 41 min without push, 31 new TLS handshakes and 1.9 MB on 3 devices in 6.2 hours."""
    if not len(case.died):
        return []
    cost = of(case)
    low, high = span(cost.without_push_low_s), span(cost.without_push_high_s)
    time = f"{low} without push" if low == high else f"between {low} and {high} without push"
    again = (
        counted(cost.handshakes, "new TLS handshake")
        if cost.handshakes == cost.new_connections
        else counted(cost.new_connections, "new connection")
    )
    where = counted(cost.devices, "device")
    if not cost.counted_deaths:
        return [f"What it cost is not in the capture: no wait followed on {where}."]
    sentence = f"It cost {time}, {again} and {size(cost.extra_bytes)} on {where}."
    left_out = cost.deaths - cost.counted_deaths
    if left_out:
        sentence += (
            f" {left_out:,} of the {counted(cost.deaths, 'death')} had no later wait in the capture to count to."
        )
    return [sentence]


def _without_push(case: Case, dead: pd.DataFrame) -> tuple[float, float]:
    """Seconds at least and at most between the loss of push and the device's next wait, summed."""
    from_start = (dead["next_start"] - dead["start"]).dt.total_seconds().to_numpy(dtype=np.float64)
    held = dead["held_s"].to_numpy(dtype=np.float64)
    silent = (dead["way"] == SILENT).to_numpy()
    latest = np.where(silent, np.fmin(held, dead["requested_s"].to_numpy(dtype=np.float64)), held)
    earliest = latest.copy()
    for server_ip in dead["server_ip"].dropna().astype(object).unique():
        rows = silent & (dead["server_ip"].astype(object) == server_ip).to_numpy()
        survived = case.timer(str(server_ip), dead[rows]).low_s or 0.0
        earliest[rows] = np.fmin(earliest[rows], survived)
    low = np.clip(from_start - latest, 0, None)
    high = np.clip(from_start - earliest, 0, None)
    return float(np.nansum(low)), float(np.nansum(high))


def _overhead(case: Case, connections: pd.DataFrame) -> int:
    """Payload of these connections that belongs to no HTTP transaction."""
    carried = int(connections[["bytes_client", "bytes_server"]].fillna(0).to_numpy(dtype=np.int64).sum())
    return max(0, carried - _wire_bytes(case, "connection_id", connections.index))


def _wire_bytes(case: Case, column: str, wanted: pd.Series | pd.Index) -> int:
    transactions = case.tables["transactions"]
    rows = transactions[transactions[column].isin(wanted.dropna())]
    sizes = rows[["request_wire_bytes", "response_wire_bytes"]].fillna(0).to_numpy(dtype=np.int64)
    return int(sizes.sum())
