"""What dead waits cost: time without push, new connections, bytes.

The time is an interval. A death that was seen to happen (reset, close, error page) costs from then to the device's next
wait. Of a silent death only bounds are known: push was gone at the latest when the answer was due and did not come, and
at the earliest when the wait had been idle for as long as the longest that survived. A death without a later wait of
the same device costs what the capture does not show: it is left out.

The bytes are those of the dead waits themselves, and what the new connections carried beside their HTTP transactions:
TLS handshakes and alerts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analyzer.findings.case import DIED, SILENT, WAYS, Case
from analyzer.findings.words import counted, size, span
from analyzer.tables import read

if TYPE_CHECKING:
    import numpy.typing as npt


class Cost(NamedTuple):
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
    facts, beats = case.facts, case.source("heartbeats")
    died = case.having(DIED)
    after = _next_of_same(facts.who)[died]
    followed, after = died[after >= 0], after[after >= 0]
    low_s, high_s = _without_push(case, followed, after)
    connection = read.ints(beats, "connection_id")[facts.row]
    moved = connection[after[connection[after] != connection[followed]]]
    links = case.source("connections")
    new = np.flatnonzero(np.isin(read.ints(links, "connection_id"), moved))
    return Cost(
        deaths=len(died),
        counted_deaths=len(followed),
        without_push_low_s=low_s,
        without_push_high_s=high_s,
        new_connections=len(new),
        handshakes=int((read.codes(links, "tls_version")[0][new] >= 0).sum()),
        extra_bytes=_overhead(case, new)
        + _wire_bytes(case, "transaction_id", read.ints(beats, "transaction_id")[facts.row[died]]),
        devices=len(read.distinct(facts.who[died][[case.speakers[n] is not None for n in facts.who[died].tolist()]])),
    )


def words(case: Case) -> list[str]:
    """It cost 2 h 41 min without push, 31 new TLS handshakes and 1.9 MB on 3 devices in 6.2 hours."""
    if not case.count(DIED):
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


def _next_of_same(who: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """For each wait the next one in time of the same device, else -1."""
    order = np.argsort(who, kind="stable")
    after = np.full(len(who), -1, dtype=np.intp)
    same = who[order[1:]] == who[order[:-1]]
    after[order[:-1][same]] = order[1:][same]
    return after


def _without_push(case: Case, dead: npt.NDArray[Any], after: npt.NDArray[Any]) -> tuple[float, float]:
    """Seconds at least and at most between the loss of push and the device's next wait, summed. `after`: that wait."""
    facts, beats = case.facts, case.source("heartbeats")
    start = read.times(beats, "start")
    from_start = (start[facts.row[after]] - start[facts.row[dead]]) / 1e9
    held, requested = (read.floats(beats, name)[facts.row[dead]] for name in ("held_s", "requested_s"))
    silent = facts.way[dead] == WAYS.index(SILENT)
    latest = np.where(silent, np.fmin(held, requested), held)
    earliest = latest.copy()
    for place in read.distinct(facts.server[dead]).tolist():
        rows = silent & (facts.server[dead] == place)
        if place >= 0 and rows.any():
            survived = case.timer(case.servers[place], facts.x_s[dead[rows]]).low_s or 0.0
            earliest[rows] = np.fmin(earliest[rows], survived)
    low = np.clip(from_start - latest, 0, None)
    high = np.clip(from_start - earliest, 0, None)
    return float(np.nansum(low)), float(np.nansum(high))


def _overhead(case: Case, links: npt.NDArray[Any]) -> int:
    """Payload of these connections that belongs to no HTTP transaction."""
    connections = case.source("connections")
    carried = sum(int(read.ints(connections, name)[links].clip(0).sum()) for name in ("bytes_client", "bytes_server"))
    return max(0, carried - _wire_bytes(case, "connection_id", read.ints(connections, "connection_id")[links]))


def _wire_bytes(case: Case, column: str, wanted: npt.NDArray[Any]) -> int:
    transactions = case.source("transactions")
    rows = np.flatnonzero(np.isin(read.ints(transactions, column), wanted[wanted >= 0]))
    names = ("request_wire_bytes", "response_wire_bytes")
    return sum(int(read.ints(transactions, name)[rows].clip(0).sum()) for name in names)
