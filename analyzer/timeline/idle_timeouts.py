"""The idle timer of each path, as the interval that survived and cut waits leave → rows of `idle_timeouts`.

A path is a client network (/24, /64) and a server address. An answer that came after an idle time x shows that the
timer is longer than x. A wait that died of idleness shows that it is at most the idle time up to the death; in a
silent death, up to the first packet that was seen to fail. So the timer lies in (longest survived, shortest death]:
this and no more is said, without a percentage. When a death is shorter than a survival, one fixed timer does not
explain both, and no interval is given.

Left out: waits on connections with TCP keep-alives (they keep the timer from running, so the wait's length says
nothing), endings with another known cause, and capture ends. Statistics over many waits are a later step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

import numpy as np

from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import idle_timeouts
from analyzer.timeline.columns import Floats, Ints
from analyzer.timeline.known_timers import candidates
from analyzer.timeline.teardowns import Death
from dissectors.events import Connection

ADVISED_S = 1800.0  # Microsoft and Apple both advise firewalls to keep idle connections for 30 minutes
_BEHAVIOUR = {"rst": "reset", "fin": "fin", "tls_close": "fin", "silent": "silent", "http_error": "proxy_error"}


@dataclass(slots=True)
class _Path:
    name: str
    server_ip: str
    clients: set[str] = field(default_factory=set)
    deaths: list[Death] = field(default_factory=list)


class Paths:
    """Which connection runs over which path. Only connections that carried Exchange ActiveSync are told."""

    def __init__(self) -> None:
        self._paths: dict[tuple[str, str], _Path] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._of_connection: dict[int, int] = {}  # left out: connections with keep-alives

    def add(self, c: Connection) -> None:
        key = (network(c.client.ip), c.server.ip)
        if key not in self._paths:
            self._numbers[key] = len(self._paths)
            self._paths[key] = _Path(f"{key[0]} → {key[1]}", c.server.ip)
        self._paths[key].clients.add(c.client.ip)
        if not c.client.keepalives + c.server.keepalives:
            self._of_connection[c.connection_id] = self._numbers[key]

    def finish(self, survived_connection: Ints, survived_s: Floats, deaths: list[Death]) -> TableBuilder:
        """Make the rows. `survived_*`: connection and idle time of every wait that was answered."""
        paths = list(self._paths.values())
        for death in deaths:
            number = self._of_connection.get(death.connection_id)
            if number is not None:
                paths[number].deaths.append(death)
        survivals = self._by_path(survived_connection, survived_s, len(paths))
        builder = TableBuilder(idle_timeouts.TABLE)
        for number in sorted(range(len(paths)), key=lambda n: paths[n].name):
            path, (count, longest) = paths[number], survivals[number]
            if count or path.deaths:
                builder.append(_row(path, count, longest))
        return builder

    def _by_path(self, connection: Ints, idle_s: Floats, paths: int) -> list[tuple[int, float | None]]:
        """Number and length of the longest of the survived idle times of each path."""
        top = max(self._of_connection, default=0)
        number_of = np.full(top + 2, -1, dtype=np.int64)  # the last place: unknown connections
        for connection_id, number in self._of_connection.items():
            number_of[connection_id] = number
        path = number_of[np.where(connection <= top, connection, top + 1)]
        longest = np.full(paths, -np.inf)
        on_path = path >= 0
        np.maximum.at(longest, path[on_path], idle_s[on_path])
        counts = np.bincount(path[on_path], minlength=paths)
        return [(int(n), float(x) if n else None) for n, x in zip(counts, longest, strict=True)]


def network(ip: str) -> str:
    """The client network that an address is taken to belong to."""
    try:
        return str(ip_network((ip, 64 if ip_address(ip).version == 6 else 24), strict=False))
    except ValueError:  # an engine that gives names
        return ip


def _row(path: _Path, survivals: int, longest_s: float | None) -> tuple[object, ...]:
    shortest_s = min((death.idle_s for death in path.deaths), default=None)
    ways = Counter(_BEHAVIOUR[death.mechanism] for death in path.deaths)
    behaviour = min(ways, key=lambda way: (-ways[way], way), default=None)
    low_s, high_s, advice = longest_s, shortest_s, None
    if shortest_s is not None and longest_s is not None and shortest_s <= longest_s:
        low_s = high_s = None
        shorter = sum(death.idle_s <= longest_s for death in path.deaths)
        advice = (
            f"No single idle timer explains this: {shorter} of {len(path.deaths)} waits died after no more than "
            f"{longest_s:.0f} s of idleness, which other waits survived. Look at the endings one by one."
        )
    elif shortest_s is not None and shortest_s < ADVISED_S:
        until = f"keep heartbeats below {longest_s:.0f} s" if longest_s else "shorten the heartbeats"
        what = "the proxy's read timeout" if behaviour == "proxy_error" else "the idle timer on this path"
        advice = f"Raise {what} to {ADVISED_S / 60:.0f} min; until then, {until}."
    return (
        path.name,
        len(path.clients),
        path.server_ip,
        low_s,
        high_s,
        behaviour,
        len(path.deaths),
        survivals,
        longest_s,
        shortest_s,
        None,
        candidates(low_s, high_s, behaviour),
        advice,
    )
