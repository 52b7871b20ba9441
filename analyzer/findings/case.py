"""The tables as the rules need them: every push wait beside its end, its connection and its device, worked out once.

Nothing here judges who was at fault: that stands in `teardowns` and is put into words by the rules. The fate of a wait:

    lived    answered: its interval ran out, or it brought changes
    died     cut before its answer, and the client did not choose that (`teardowns.premature`)
    own      the device ended it itself: it wanted something else, or closed the connection
    error    the server answered with an error
    unknown  the capture ended, bytes are missing, or the connection stayed encrypted

The way in which a wait died is what the rules DP101 to DP104 and DP107 share out among them:

    silent   packets went unanswered
    reset    RST
    proxy    a gateway answered in the server's place
    closed   the server's side closed, was stopped, or dropped many connections at once
    device   the device vanished or went on from another network
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from math import isnan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from analyzer.findings.picked import Picked
from analyzer.findings.words import certainty, listed, plain
from analyzer.tables import read
from analyzer.tables.builder import NAT

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

LIVED, DIED, OWN, ERROR, UNKNOWN = "lived", "died", "own", "error", "unknown"
FATES = (LIVED, DIED, OWN, ERROR, UNKNOWN)

WAYS = SILENT, RESET, PROXY, CLOSED, DEVICE = "silent", "reset", "proxy", "closed", "device"

_END = ("mechanism", "ended_by", "cause", "premature", "idle_s", "evidence_grade", "evidence")
_LINK = ("client_ip", "server_ip", "sni", "tls_version", "keepalives", "display_filter")


class Timer(NamedTuple):
    """What the waits of one path say about its idle timer."""

    survivals: int  # waits whose tested idle is known and that got an answer
    deaths: int
    longest_s: float | None  # longest idle that survived
    shortest_s: float | None  # shortest idle that did not
    low_s: float | None  # the timer is at least this,
    high_s: float | None  # and at most that: as `idle_timeouts` says where it does, else the two above
    sure: str | None  # "at least 90 % sure", from `idle_timeouts`; None: no percentage is honest

    @property
    def clean(self) -> bool:
        """One threshold explains everything: every wait that died was idle for longer than every wait that lived."""
        return self.longest_s is not None and self.shortest_s is not None and self.longest_s <= self.shortest_s

    @property
    def known(self) -> bool:
        """One threshold explains everything, or all but some stray ends."""
        return self.low_s is not None and self.high_s is not None and (self.clean or self.sure is not None)


class Waits(NamedTuple):
    """Every push wait in order of its start, as arrays of one value a wait."""

    row: npt.NDArray[Any]  # in `heartbeats`
    end: npt.NDArray[Any]  # row in `teardowns`; -1: none
    link: npt.NDArray[Any]  # row in `connections`; -1: none
    fate: npt.NDArray[np.int8]  # place in FATES
    way: npt.NDArray[np.int8]  # place in WAYS; -1: did not die
    survived: npt.NDArray[np.bool_]  # some answer got through: the idle before it did not kill the connection
    x_s: npt.NDArray[np.float64]  # seconds of idle that it has tested; NaN where keep-alives were sent
    who: npt.NDArray[Any]  # place in `Case.speakers`
    server: npt.NDArray[Any]  # place in `Case.servers`; -1: not known


class Case:
    """The tables of one analysis and what is asked of them again and again."""

    def __init__(self, tables: Mapping[str, pd.DataFrame]) -> None:
        self.tables = tables

    def source(self, name: str) -> read.Source:
        """A table to read columns of, see `analyzer.tables.read`."""
        return read.source(self.tables, name)

    @cached_property
    def facts(self) -> Waits:
        """The fate of every wait."""
        beats, ends, links = map(self.source, ("heartbeats", "teardowns", "connections"))
        row = _in_time(read.times(beats, "start"))
        end = places_of(read.ints(ends, "heartbeat_id"), read.ints(beats, "heartbeat_id")[row])
        link = places_of(read.ints(links, "connection_id"), read.ints(beats, "connection_id")[row])
        premature = at(read.bools(ends, "premature"), end, False)
        by_client = at(read.among(ends, "ended_by", "client"), end, False)
        torn = read.among(beats, "outcome", "torn_down")[row]
        fate = _first(
            UNKNOWN,
            FATES,
            (DIED, premature),
            (LIVED, read.among(beats, "outcome", "expired", "changes")[row]),
            (OWN, read.among(beats, "outcome", "replaced")[row] | (torn & by_client)),
            (ERROR, read.among(beats, "outcome", "error")[row]),
        )
        closed = read.among(ends, "cause", "server_stop", "mass_event")
        closed |= read.among(ends, "mechanism", "fin", "tls_close")
        way = _first(
            SILENT,
            WAYS,
            (DEVICE, read.among(ends, "cause", "device_lost", "roamed")),
            (PROXY, read.among(ends, "mechanism", "http_error")),
            (CLOSED, closed),
            (RESET, read.among(ends, "mechanism", "rst")),
        )
        # TCP keep-alives refresh an idle timer, and so do other requests on the same HTTP/2 connection: such a wait has
        # tested less than its length.
        refreshed = at((read.ints(links, "keepalives") > 0) | read.among(links, "alpn", "h2"), link, False)
        x_s = np.where(premature, at(read.floats(ends, "idle_s"), end, np.nan), read.floats(beats, "held_s")[row])
        answered = read.ints(beats, "response_frame")[row] >= 0
        return Waits(
            row=row,
            end=end,
            link=link,
            fate=fate,
            way=np.where(premature, at(way, end, -1), -1).astype(np.int8),
            survived=(answered & ~torn) | (fate == FATES.index(LIVED)),
            x_s=np.where(refreshed, np.nan, x_s),
            who=self._speakers(row, link),
            server=at(read.codes(links, "server_ip")[0], link, -1),
        )

    @cached_property
    def servers(self) -> list[str]:
        """The addresses that `Waits.server` has places of."""
        return list(map(str, read.codes(self.source("connections"), "server_ip")[1]))

    @cached_property
    def speakers(self) -> list[object]:
        """Who waits: session ids in order, then addresses of clients whose session is not known, then None."""
        session = read.ints(self.source("heartbeats"), "session_id")
        names = read.codes(self.source("connections"), "client_ip")[1]
        return [*read.distinct(session[session >= 0]).tolist(), *sorted(names), None]

    def _speakers(self, row: npt.NDArray[Any], link: npt.NDArray[Any]) -> npt.NDArray[Any]:
        session = read.ints(self.source("heartbeats"), "session_id")[row]
        ips, names = read.codes(self.source("connections"), "client_ip")
        sessions = read.distinct(session[session >= 0])
        order = sorted(range(len(names)), key=names.__getitem__)
        place = np.empty(len(names) + 1, dtype=np.int64)
        place[order] = np.arange(len(names))
        place[-1] = len(names)  # neither
        known = np.searchsorted(sessions, session)
        who: npt.NDArray[Any] = np.where(session >= 0, known, len(sessions) + place[at(ips, link, -1)])
        return who

    def __len__(self) -> int:
        """How many waits there are."""
        return len(self.source("heartbeats"))

    def count(self, fate: str, among: npt.NDArray[np.bool_] | None = None) -> int:
        holds = self.facts.fate == FATES.index(fate)
        return int(np.count_nonzero(holds if among is None else holds & among))

    def having(self, fate: str, way: str | None = None) -> npt.NDArray[np.intp]:
        """Places of the waits with this fate, and that died in this way."""
        holds = self.facts.fate == FATES.index(fate)
        if way is not None:
            holds &= self.facts.way == WAYS.index(way)
        return np.flatnonzero(holds)

    @cached_property
    def waits(self) -> pd.DataFrame:
        """All waits as a frame, with what `part` gives of each and, beside that, its fate and, when it died, the way.
        Large and slow to make: for the pictures of the page.
        """
        import pandas as pd

        facts, tables = self.facts, self.tables
        parts = [
            tables["heartbeats"].take(facts.row),
            _beside(tables["teardowns"][list(_END)], facts.end),
            _beside(tables["connections"][list(_LINK)], facts.link),
        ]
        made = {
            "fate": pd.Series(np.array(FATES, dtype=object)[facts.fate], dtype="str"),
            "way": pd.Series(np.array([*WAYS, ""], dtype=object)[facts.way], dtype="str"),
            "x_s": facts.x_s,
            "who": pd.Series([self.speakers[n] for n in facts.who.tolist()], dtype=object),
        }
        columns = {str(name): column.array for one in parts for name, column in one.items()}
        return pd.DataFrame(columns | made, index=pd.RangeIndex(len(self)), copy=False)

    def part(self, places: npt.NDArray[Any]) -> Picked:
        """Some waits with the columns of `heartbeats`, and beside each: mechanism, ended_by, cause, premature, idle_s,
        evidence_grade and evidence of its end; client_ip, server_ip, sni, tls_version, keepalives and display_filter of
        its connection; who (the session, or the client's address); x_s, the seconds of idle that it has tested (absent
        where keep-alives were sent).
        """
        facts = self.facts

        def column(name: str) -> list[Any]:
            if name == "who":
                return [self.speakers[n] for n in facts.who[places].tolist()]
            if name == "x_s":
                return [None if isnan(x_s) else x_s for x_s in facts.x_s[places].tolist()]
            if name in _END:
                return read.some(self.source("teardowns"), name, facts.end[places])
            if name in _LINK:
                return read.some(self.source("connections"), name, facts.link[places])
            return read.some(self.source("heartbeats"), name, facts.row[places])

        return Picked(len(places), column)

    def by_speaker(self, places: npt.NDArray[np.intp]) -> Iterator[tuple[object, Picked, int]]:
        """Some waits by who waited, where that is known: who, those waits, and how many waits that one has in all."""
        if not len(places):
            return
        waits, who = self.part(places), self.facts.who[places]
        total = np.bincount(self.facts.who, minlength=len(self.speakers))
        for number, rows in grouped(who):
            if self.speakers[number] is not None:
                yield self.speakers[number], waits.part(rows), int(total[number])

    def deaths(self, way: str) -> list[tuple[str, Picked]]:
        """The waits that died in this way, as (server address, its waits), most deaths first."""
        places = self.having(DIED, way)
        if not len(places):
            return []
        died, names = self.part(places), [*self.servers, "?"]  # -1 is the last
        groups = [(names[number], died.part(rows)) for number, rows in grouped(self.facts.server[places])]
        return sorted(groups, key=lambda group: (-len(group[1]), group[0]))

    def timer(self, server_ip: str, died_s: npt.NDArray[np.float64]) -> Timer:
        """What the waits towards one server say about an idle timer, given how long those that died in one way had been
        idle (NaN: not known).

        Where `idle_timeouts` has one row with an interval for the server, that counts; over several client networks
        (several timers, perhaps) the plain interval of all of them is used, which is clean only if one timer explains
        all.
        """
        facts = self.facts
        survived = facts.x_s[self.at_server(server_ip) & facts.survived]
        survived = survived[~np.isnan(survived)]
        dead = died_s[~np.isnan(died_s)]
        low = longest = float(survived.max()) if len(survived) else None
        high = shortest = float(dead.min()) if len(dead) else None
        sure = None
        timers = [row for row in self._timers if row["server_ip"] == server_ip and row["deaths"]]
        if len(timers) == 1 and high is not None and timers[0]["high_s"] is not None:
            low, high = timers[0]["low_s"], float(timers[0]["high_s"])
            sure = certainty(timers[0]["confidence"]) or None
        return Timer(
            survivals=len(survived),
            deaths=len(dead),
            longest_s=longest,
            shortest_s=shortest,
            low_s=low,
            high_s=high,
            sure=sure,
        )

    @cached_property
    def _timers(self) -> list[dict[str, Any]]:
        return read.rows(self.source("idle_timeouts"))

    def at_server(self, server_ip: str) -> npt.NDArray[np.bool_]:
        """Which waits are towards this server."""
        place = self.servers.index(server_ip) if server_ip in self.servers else -2
        return np.asarray(self.facts.server == place)

    def server(self, server_ip: str) -> str:
        """mail.example.com (203.0.113.10)."""
        links, names = read.codes(self.source("connections"), "sni")
        used = self.facts.link[self.at_server(server_ip)]
        named = links[used[used >= 0]]
        named = named[named >= 0]
        return f"{plain(str(names[named[0]]))} ({server_ip})" if len(named) else server_ip

    @staticmethod
    def clients(waits: Picked) -> str:
        """The device (seen as 192.0.2.7); the devices (seen as 192.0.2.7 and 192.0.2.9): a NAT may hide them."""
        who = "the device" if len(set(waits.known("who"))) == 1 else "the devices"
        return f"{who} (seen as {listed(dict.fromkeys(waits.known('client_ip')))})"

    @cached_property
    def device_names(self) -> dict[object, str]:
        """What a person calls each session: type and user, with the end of the device's id where that is not enough."""
        short: dict[object, str] = {}
        tails: dict[object, str] = {}
        sessions = self.source("sessions")
        columns = (read.values(sessions, name) for name in ("session_id", "device_type", "user", "device_id"))
        for session, device_type, user, device_id in zip(*columns, strict=True):
            words = [plain(str(word)) for word in (device_type, user) if word]
            tail = _tail(str(device_id)) if device_id else str(session)
            short[session] = " ".join(words) if words else tail
            tails[session] = tail
        times = Counter(short.values())
        return {key: f"{name} {tails[key]}" if times[name] > 1 else name for key, name in short.items()}

    def device(self, who: object) -> str:
        return self.device_names.get(who) or plain(str(who))


def _tail(device_id: str) -> str:
    """The end of an id is enough to tell devices apart; an address, where nothing else is known, stays whole."""
    name = plain(device_id)
    return name if "." in name or ":" in name else name[-8:]


def _in_time(start: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """Rows in order of time; those without a time last."""
    if len(start) and start[0] != NAT and bool((start[1:] >= start[:-1]).all()):
        return np.arange(len(start))
    return np.argsort(start.view("M8[ns]"), kind="stable")  # NaT is last there


def places_of(ids: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """For each wanted id the first row that has it, else -1."""
    rows = np.flatnonzero(ids >= 0)[::-1]
    place = np.full(int(max(ids.max(initial=-1), wanted.max(initial=-1))) + 2, -1, dtype=np.int32)
    place[ids[rows]] = rows  # backwards: of equal ids the first stays
    found: npt.NDArray[Any] = place[wanted]  # id -1 is the last place
    return found


def at(column: npt.NDArray[Any], places: npt.NDArray[Any], absent: Any) -> npt.NDArray[Any]:
    """column[places], and `absent` where the place is -1."""
    found: npt.NDArray[Any] = np.append(column, np.array([absent], dtype=column.dtype))[places]
    return found


def _beside(table: pd.DataFrame, rows: npt.NDArray[Any]) -> pd.DataFrame:
    """These rows, and one in which everything is absent where the row is -1."""
    found = rows >= 0
    cut = table.take(rows[found])
    cut.index = np.flatnonzero(found)
    return cut if len(cut) == len(rows) else cut.reindex(range(len(rows)))


def grouped(numbers: npt.NDArray[Any]) -> list[tuple[int, list[int]]]:
    """Each number with the places that have it, in order."""
    if not len(numbers):
        return []
    order = np.argsort(numbers, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
    return [(int(numbers[group[0]]), group.tolist()) for group in groups]


def _first(otherwise: str, names: tuple[str, ...], *cases: tuple[str, npt.NDArray[np.bool_]]) -> npt.NDArray[np.int8]:
    """For each row the place in `names` of the first case that is true."""
    found = np.full(len(cases[0][1]), names.index(otherwise), dtype=np.int8)
    for name, holds in reversed(cases):
        found[holds] = names.index(name)
    return found
