"""The idle timer of each path in words, from the one table that knows it: `idle_timeouts`. For charts and tables alike.

With three deaths or more the table narrows the interval by what is probable: its lower end may then lie above the
longest idle wait that lived, as a timer just above that would hardly have missed all the waits that were tested.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from analyzer.findings.words import bounds, listed, span
from analyzer.reports.charts import look

if TYPE_CHECKING:
    import pandas as pd


class Timer(NamedTuple):
    """One row of `idle_timeouts`; an open end of the interval is None."""

    server_ip: str
    low_s: float | None
    high_s: float | None
    deaths: int
    confidence: float | None  # that the interval holds the timer; None: too few deaths to say

    @property
    def words(self) -> str:
        """298-302 s, > 480 s: for a cell."""
        return "no single timer" if self.high_s is None and self.deaths else bounds(self.low_s, self.high_s)

    @property
    def sure(self) -> str:
        """at least 90 % sure, or nothing."""
        return f"at least {int(self.confidence * 100)} % sure" if self.confidence else ""

    @property
    def heading(self) -> str:
        """timer 298-302 s, at least 90 % sure; no timer up to 480 s."""
        if self.high_s is None:
            if self.deaths:
                return "no single timer explains this"
            return f"no timer up to {span(self.low_s)}" if self.low_s is not None else "timer not known"
        interval = self.words if self.low_s is not None else f"at most {span(self.high_s)}"
        return f"timer {interval}{', ' if self.sure else ''}{self.sure}"


class OfSession(NamedTuple):
    """The timers of the paths on which a device waited."""

    words: str
    sure: str  # nothing where the paths differ
    ran_out: bool  # waits died of one of them


UNKNOWN = Timer("", None, None, 0, None)


def read(tables: Mapping[str, pd.DataFrame]) -> dict[str, Timer]:
    """The timer of each path."""
    rows = tables["idle_timeouts"]
    numbers = (look.numbers(rows[name]) for name in ("low_s", "high_s", "deaths", "confidence"))
    return {
        path: Timer(server_ip, low_s, high_s, int(deaths or 0), confidence)
        for path, server_ip, low_s, high_s, deaths, confidence in zip(
            rows["path"].astype(str), rows["server_ip"].astype(str), *numbers, strict=True
        )
    }


def paths(waits: pd.DataFrame, timers: Mapping[str, Timer]) -> list[str]:
    """The path of each wait as `idle_timeouts` names it; by its server alone where the client's address is a token."""
    of_server: dict[str, list[str]] = {}
    for path, timer in timers.items():
        of_server.setdefault(timer.server_ip, []).append(path)
    names: dict[tuple[str, str], str] = {}
    found = []
    for pair in zip(waits["client_ip"].astype(str), waits["server_ip"].astype(str), strict=True):
        if pair not in names:
            network, known = _network(pair[0]), of_server.get(pair[1], [])
            alone = f"{pair[0]} → {pair[1]}"  # its network's clients contradict one another
            if alone in timers:
                names[pair] = alone
            elif network is None and len(known) == 1:
                names[pair] = known[0]
            else:
                names[pair] = f"{network or '?'} → {pair[1]}"
        found.append(names[pair])
    return found


def of_sessions(waits: pd.DataFrame, timers: Mapping[str, Timer]) -> dict[str, OfSession]:
    """By session of `Scene`. Sessions whose waits have tested no idle time are left out."""
    ways = waits[["session", "client_ip", "server_ip"]].drop_duplicates()
    found: dict[str, list[Timer]] = {}
    for session, path in zip(ways["session"].astype(str), paths(ways, timers), strict=True):
        if path in timers:
            found.setdefault(session, []).append(timers[path])
    made = {}
    for session, known in found.items():
        words = dict.fromkeys(timer.words for timer in known)
        sure = known[0].sure if len(words) == 1 else ""
        made[session] = OfSession(listed(words), sure, any(timer.deaths for timer in known))
    return made


def _network(address: str) -> str | None:
    """/24 for IPv4, /64 for IPv6."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 64), strict=False))
