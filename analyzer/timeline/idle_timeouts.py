"""The idle timer of each path, from the waits that lived and those that were cut → rows of `idle_timeouts`.

A path is a client network (/24, /64) and a server address; where the clients of one network contradict one another,
each stands alone (they may have a timer of their own behind that network). What is said of a timer is worked out in
`analyzer.timers.estimate`; whether it is an idle timer at all in `attribution.together`.

An answer that came after an idle time x shows that the timer is longer than x. A wait that died of idleness shows that
it is at most the idle time up to the death; where the death was not seen to happen (silence, or RST only in reply to a
packet), up to the first packet that was seen to fail.

Left out, and counted: waits on connections with TCP keep-alives or HTTP/2, whose other packets keep the timer from
running, so that the wait's length says nothing. Left out: endings with another known cause, and capture ends.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

import numpy as np
import numpy.typing as npt

from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import idle_timeouts
from analyzer.timeline.attribution import together
from analyzer.timeline.attribution.silence import answered_probes
from analyzer.timeline.attribution.together import Death, End
from analyzer.timeline.columns import NS, Bools, Floats, Ints
from analyzer.timeline.known_timers import candidates
from analyzer.timers.estimate import FEW, NOTHING, Estimate, estimate, identified, observed
from dissectors.events import Connection

_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"((?:{_BYTE}\.){{3}}){_BYTE}").fullmatch

ADVISED_S = 1800.0  # Microsoft and Apple both advise firewalls to keep idle connections for 30 minutes
_BEHAVIOUR = {"rst": "reset", "fin": "fin", "tls_close": "fin", "silent": "silent", "http_error": "proxy_error"}


@dataclass(slots=True)
class Path:
    """What was seen between some clients and a server."""

    name: str
    server_ip: str
    legs: list[int] = field(default_factory=list)  # one a client address
    deaths: list[Death] = field(default_factory=list)
    survivals: int = 0
    longest_s: float | None = None
    refreshed: int = 0  # waits and ends that say nothing, because other packets kept the connection busy
    timer: Estimate = NOTHING


class Paths:
    """Which connection runs over which path. Only connections that carried Exchange ActiveSync are told."""

    def __init__(self) -> None:
        self._legs: dict[tuple[str, str], int] = {}  # client and server address
        self._of_connection: dict[int, tuple[int, int]] = {}  # leg and start
        self._refreshed: set[int] = set()
        self.found: list[Path] = []
        self._leg_of: Ints = np.full(1, -1, dtype=np.int64)  # by connection_id; the last place: unknown connections

    def add(self, c: Connection, *, streams: bool = False) -> None:
        """`streams`: HTTP/2, where other requests share the connection."""
        leg = self._legs.setdefault((c.client.ip, c.server.ip), len(self._legs))
        self._of_connection[c.connection_id] = (leg, c.start_ns)
        if c.client.keepalives + c.server.keepalives or streams:
            self._refreshed.add(c.connection_id)

    def measure(
        self, connection: Ints, idle_s: Floats, answer_ns: Ints, ends: Sequence[End], joined: Sequence[int]
    ) -> None:
        """Work out the timers, and what they and other patterns say of the ends.

        `connection`, `idle_s`, `answer_ns`: of every wait that was answered. `joined`: provisional → joined session.
        """
        together.same_stranger(ends)
        together.same_moment(ends, joined)
        dead: dict[int, list[Death]] = {}
        refreshed: Counter[int] = Counter()
        for death in together.deaths(ends):
            number = death.connection.connection_id
            leg, _ = self._of_connection[number]
            if number in self._refreshed and _was_refreshed(death):
                refreshed[leg] += 1
            else:
                dead.setdefault(leg, []).append(death)
        top = max(self._of_connection, default=0)
        leg_of, start_of = np.full(top + 2, -1, dtype=np.int64), np.zeros(top + 2, dtype=np.int64)
        for number, (leg, start_ns) in self._of_connection.items():
            leg_of[number], start_of[number] = leg, start_ns
        place = np.where(connection <= top, connection, top + 1)  # the last place: unknown connections
        self._leg_of = leg_of
        legs = leg_of[place]
        busy = np.zeros(top + 2, dtype=np.bool_)
        busy[list(self._refreshed)] = True
        refreshed.update(legs[busy[place] & (legs >= 0)].tolist())
        legs = np.where(busy[place], -1, legs)
        counts = np.bincount(legs[legs >= 0], minlength=len(self._legs))
        longest = np.full(len(self._legs), -np.inf)
        np.maximum.at(longest, legs[legs >= 0], idle_s[legs >= 0])

        self.found = self._grouped(dead, longest)
        answered = self.of_connections(np.where(busy[place], -1, connection)) if dead else np.full(len(legs), -1)
        by_path = np.argsort(answered, kind="stable")
        bounds = np.searchsorted(answered[by_path], np.arange(len(self.found) + 1)).tolist()
        for number, path in enumerate(self.found):
            path.deaths = [death for leg in path.legs for death in dead.get(leg, ())]
            path.survivals = int(counts[path.legs].sum())
            path.longest_s = float(longest[path.legs].max()) if path.survivals else None
            path.refreshed = sum(refreshed[leg] for leg in path.legs)
            if path.deaths:
                lived = by_path[bounds[number] : bounds[number + 1]]
                ages = (answer_ns[lived] - start_of[place[lived]]) / NS
                self._judge(path, idle_s[lived], ages, place[lived])
            else:
                path.timer = Estimate(low_s=path.longest_s, high_s=None, confidence=None, gain=0.0)
        together.own_timer(ends)
        together.left_over(ends)

    @staticmethod
    def _judge(path: Path, survived_s: Floats, ages_s: Floats, connections: Ints) -> None:
        """The timer of one path, and what it says of the path's ends."""
        tested = [death.idle_s for death in path.deaths if not death.ending.timed]
        timed = [death.idle_s for death in path.deaths if death.ending.timed]
        seen = observed(survived_s, tested, timed)
        path.timer = estimate(seen)
        oldest = _oldest(connections, ages_s) if len(timed) >= FEW else ages_s[:0]
        if not together.clocks(path.deaths, survived_s, oldest, path.timer):
            path.deaths = [death for death in path.deaths if death.ending.cause in together.IDLENESS]
            path.timer = identified(observed(survived_s, timed=[death.idle_s for death in path.deaths]))
        together.too_short(path.deaths, path.longest_s)

    def _grouped(self, dead: dict[int, list[Death]], longest: Floats) -> list[Path]:
        """The paths in order of their names."""
        groups: dict[tuple[str, str], list[int]] = {}
        clients: dict[int, str] = {}
        for (client_ip, server_ip), leg in self._legs.items():
            groups.setdefault((network(client_ip), server_ip), []).append(leg)
            clients[leg] = client_ip
        paths = []
        for (name, server_ip), legs in groups.items():
            if _contradict(legs, dead, longest):
                paths += [Path(f"{clients[leg]} → {server_ip}", server_ip, [leg]) for leg in legs]
            else:
                paths.append(Path(f"{name} → {server_ip}", server_ip, legs))
        return sorted(paths, key=lambda path: path.name)

    def of_connections(self, connection: Ints) -> Ints:
        """The place in `found` of the path of each connection; -1: not known."""
        return placed(self.lookup(), connection)

    def lookup(self) -> Ints:
        """For `placed`: the place in `found` by connection_id; the last one is for unknown connections."""
        of_leg = np.full(len(self._legs) + 1, -1, dtype=np.int64)
        for number, path in enumerate(self.found):
            of_leg[path.legs] = number
        return of_leg[self._leg_of]

    def finish(self) -> TableBuilder:
        """Make the rows."""
        builder = TableBuilder(idle_timeouts.TABLE)
        for path in self.found:
            if path.survivals or path.deaths:
                builder.append(_row(path))
        return builder


def placed(lookup: Ints, connection: npt.NDArray[Any]) -> Ints:
    """What `lookup` says of each connection."""
    top = len(lookup) - 1
    return lookup[np.where((connection >= 0) & (connection < top), connection, top)]


def network(ip: str) -> str:
    """The client network that an address is taken to belong to."""
    usual = _IPV4(ip)
    if usual:  # `ipaddress` takes ten times as long
        return f"{usual[1]}0/24"
    try:
        return str(ip_network((ip, 64 if ip_address(ip).version == 6 else 24), strict=False))
    except ValueError:  # an engine that gives names
        return ip


def _was_refreshed(death: Death) -> bool:
    """Keep-alives may have been answered after the last data; when all packets since then are known, one can see."""
    c, since_ns = death.connection, death.ending.idle_since_ns or 0
    if not c.client.keepalives + c.server.keepalives or not c.last_packets or c.last_packets[0].time_ns > since_ns:
        return True
    return answered_probes(c, since_ns) is not None


def _oldest(connections: Ints, ages_s: Floats) -> Floats:
    """The greatest age that each connection is known to have lived through."""
    order = np.lexsort((ages_s, connections))
    last: Bools = (
        np.append(connections[order][1:] != connections[order][:-1], True) if len(order) else np.zeros(0, bool)
    )
    oldest: Floats = ages_s[order][last]
    return oldest


def _contradict(legs: list[int], dead: dict[int, list[Death]], longest: Floats) -> bool:
    """Each client is in itself consistent, but no timer fits two of them."""
    if len(legs) < 2 or not any(leg in dead for leg in legs):
        return False
    spans = []
    for leg in legs:
        high = min((death.idle_s for death in dead.get(leg, ())), default=np.inf)
        if len(dead.get(leg, ())) >= FEW and longest[leg] < high:
            spans.append((float(longest[leg]), float(high)))
        elif leg not in dead:
            spans.append((float(longest[leg]), np.inf))
    return bool(spans) and min(high for _, high in spans) <= max(low for low, _ in spans)


def _row(path: Path) -> tuple[object, ...]:
    shortest_s = min((death.idle_s for death in path.deaths), default=None)
    ways = Counter(_BEHAVIOUR[death.ending.mechanism] for death in path.deaths)
    behaviour = min(ways, key=lambda way: (-ways[way], way), default=None)
    timer = path.timer
    unexplained = bool(path.deaths) and timer.high_s is None
    return (
        path.name,
        len(path.legs),
        path.server_ip,
        timer.low_s,
        timer.high_s,
        behaviour,
        len(path.deaths),
        path.survivals,
        path.longest_s,
        shortest_s,
        timer.confidence,
        candidates(timer.low_s, timer.high_s, behaviour),
        _unexplained(path) if unexplained else _advice(timer, behaviour),
        path.refreshed,
    )


def _unexplained(path: Path) -> str:
    longest_s = path.longest_s or 0.0
    shorter = sum(death.idle_s <= longest_s for death in path.deaths)
    return (
        f"No single idle timer explains this: {shorter} of {len(path.deaths)} waits died after no more than "
        f"{longest_s:.0f} s of idleness, which other waits survived. Look at the endings one by one."
    )


def _advice(timer: Estimate, behaviour: str | None) -> str | None:
    if timer.high_s is None or timer.high_s >= ADVISED_S:
        return None
    until = f"keep heartbeats below {timer.low_s:.0f} s" if timer.low_s else "shorten the heartbeats"
    what = "the proxy's read timeout" if behaviour == "proxy_error" else "the idle timer on this path"
    return f"Raise {what} to {ADVISED_S / 60:.0f} min; until then, {until}."
