"""NOTIFY datagrams and the ICMP errors that quote them → rows of `notifications`, and anomalies.

A datagram that two captures show is one notification: the same bytes between the same addresses within COPY_NS. An
ICMP error belongs to the newest datagram before it that it can quote. A flood of odd datagrams makes one anomaly for
each pair of addresses and kind, with their number.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from analyzer.tables.builder import TableBuilder
from analyzer.tables.catalog import notifications
from analyzer.timeline.columns import NS
from dissectors.events import Anomaly, Datagram, Unreachable
from dissectors.notify import Notification, Oddity, read_datagram, read_notify
from dissectors.notify.oddity import TOO_MANY_NOTIFICATIONS

MAX_KEPT = 500_000  # notifications; further ones are counted
MAX_REFUSALS = 100_000
MAX_ANOMALIES = 10_000  # kinds and address pairs
COPY_NS = 2 * NS
LOOK_BACK = 100  # datagrams before an ICMP error that it can be about
WELL_KNOWN = 1023  # ports up to here are services: what comes from there is an answer, and not meant as a notification
REFUSED_WITHIN_NS = 10 * NS  # an ICMP error comes that soon, unless it was captured with another clock

Ends = tuple[str, int, str, int]  # source address and port, destination address and port
_Kind = tuple[str, str, str, int]  # code, source address, destination address and port


@dataclass(slots=True)
class Refusal:
    """One ICMP error."""

    time_ns: int
    frame: int
    capture: int
    by: str
    kind: str
    quote: bytes  # what it quotes of the payload
    ends: Ends


@dataclass(slots=True)
class Notified:
    """One NOTIFY, with all the captures that show it. Of what it says little is kept beside its bytes."""

    time_ns: int
    frame: int
    captures: tuple[int, ...]
    ends: Ends
    payload: bytes
    subscription_ids: tuple[str, ...]
    target_at: int  # where the URI stands in the payload
    target_end: int
    copy: bool = False  # of another one
    refusal: Refusal | None = None

    @property
    def target(self) -> str:
        """The URI as sent."""
        return self.payload[self.target_at : self.target_end].decode("latin-1")


class Notifications:
    """What was seen so far."""

    def __init__(self) -> None:
        self.found: list[Notified] = []
        self.refusals: list[Refusal] = []
        self._all_ends: dict[Ends, Ends] = {}  # each kept once, and so are:
        self._names: dict[str, str] = {}  # addresses
        self._captures: dict[int, tuple[int, ...]] = {}
        self._odd: dict[_Kind, tuple[Anomaly, int]] = {}  # the first of its kind, and the port it came from
        self._times: Counter[_Kind] = Counter()
        self._beyond = 0

    def __bool__(self) -> bool:
        return bool(self.found or self.refusals)

    def datagram(self, datagram: Datagram) -> None:
        said = read_datagram(datagram)
        if said is None:
            return
        if isinstance(said, Anomaly):
            if said.code != "notify_not" or datagram.source_port > WELL_KNOWN:
                self._note(said, datagram)
            return
        for odd in said.oddities:
            self._note(_anomaly(odd, datagram), datagram)
        if len(self.found) >= MAX_KEPT:
            self._beyond += 1
            return
        captures = self._captures.setdefault(datagram.capture, (datagram.capture,))
        self.found.append(
            _notified(datagram.time_ns, datagram.frame, captures, self._ends(datagram), datagram.payload, said)
        )

    def unreachable(self, error: Unreachable) -> None:
        """Kept only if it quotes a NOTIFY, or too little to tell."""
        quote = error.payload
        if error.protocol != "udp" or len(self.refusals) >= MAX_REFUSALS:
            return
        if b"NOTIFY".startswith(quote[:6].upper()):
            by = self._names.setdefault(error.reporter_ip, error.reporter_ip)
            ends = self._ends(error)
            self.refusals.append(Refusal(error.time_ns, error.frame, error.capture, by, error.kind, quote, ends))

    def anomalies(self, ports: Collection[int]) -> list[Anomaly]:
        """Odd datagrams, those of one kind between the same two counted. What does not begin like NOTIFY is not odd
        where it comes from one of these ports: it is somebody's answer."""
        found = []
        for kind, (first, source_port) in self._odd.items():
            code, source, destination, port = kind
            if code == "notify_not" and source_port in ports and port not in ports:
                continue
            more = f" ({self._times[kind]:,} times between these two)" if self._times[kind] > 1 else ""
            found.append(replace(first, detail=f"{first.detail}: {source} to {destination}:{port}{more}"))
        if self._beyond:
            code, words = TOO_MANY_NOTIFICATIONS
            detail = f"{words}: {self._beyond:,}, after {MAX_KEPT:,}"
            found.append(Anomaly(code=code, frame=None, time_ns=None, detail=detail))
        return found

    def settle(self) -> list[Refusal]:
        """Put all in order, mark copies, and give each ICMP error to its datagram. Returns those without datagram."""
        self.found.sort(key=lambda one: (one.time_ns, one.frame))
        self.refusals.sort(key=lambda one: (one.time_ns, one.frame))
        self._mark_copies()
        by_ends: dict[Ends, list[Notified]] = {}
        for one in self.found:
            if not one.copy:
                by_ends.setdefault(one.ends, []).append(one)
        left = [refusal for refusal in self.refusals if not _give(refusal, by_ends.get(refusal.ends, []))]
        return [refusal for refusal in left if refusal.quote[:6].upper() == b"NOTIFY"]

    def table(self, names: Sequence[str]) -> TableBuilder:
        builder = TableBuilder(notifications.TABLE)
        for one in self.found:
            refusal = one.refusal
            capture = one.captures[-1] if one.copy else one.captures[0]
            builder.append(
                (
                    one.time_ns,
                    one.frame,
                    one.ends[0],
                    one.ends[2],
                    one.ends[3],
                    list(one.subscription_ids),
                    one.target,
                    names[capture] if capture < len(names) else None,
                    refusal and refusal.by,
                    refusal and refusal.frame,
                )
            )
        return builder

    def _mark_copies(self) -> None:
        """What another capture has shown already. Each capture goes through the originals once, in their order."""
        if len({one.captures[0] for one in self.found}) < 2:
            return
        shown: dict[tuple[Ends, bytes], tuple[list[Notified], dict[int, int]]] = {}
        for one in self.found:
            originals, next_of = shown.setdefault((one.ends, one.payload), ([], {}))
            capture = one.captures[0]
            place = next_of.get(capture, 0)
            while place < len(originals) and (
                capture in originals[place].captures or one.time_ns - originals[place].time_ns > COPY_NS
            ):
                place += 1
            if place == len(originals):
                originals.append(one)
            else:
                one.copy = True
                originals[place].captures += one.captures
            next_of[capture] = place + 1

    def _ends(self, of: Datagram | Unreachable) -> Ends:
        ends = of.source_ip, of.source_port, of.destination_ip, of.destination_port
        known = self._all_ends.get(ends)
        if known is None:
            name = self._names.setdefault
            known = name(ends[0], ends[0]), ends[1], name(ends[2], ends[2]), ends[3]
            self._all_ends[known] = known
        return known

    def _note(self, anomaly: Anomaly, datagram: Datagram) -> None:
        kind = (anomaly.code, datagram.source_ip, datagram.destination_ip, datagram.destination_port)
        if kind in self._odd or len(self._odd) < MAX_ANOMALIES:
            self._odd.setdefault(kind, (anomaly, datagram.source_port))
            self._times[kind] += 1


def quoted(refusal: Refusal) -> Notified | None:
    """The notification that an ICMP error quotes, as far as it does."""
    said = read_notify(refusal.quote, complete=False)
    if not isinstance(said, Notification):
        return None
    return _notified(refusal.time_ns, refusal.frame, (refusal.capture,), refusal.ends, refusal.quote, said)


def _notified(
    time_ns: int, frame: int, captures: tuple[int, ...], ends: Ends, payload: bytes, said: Notification
) -> Notified:
    target = said.target.encode("latin-1")
    at = payload.index(target)
    return Notified(time_ns, frame, captures, ends, payload, said.subscription_ids, at, at + len(target))


def _give(refusal: Refusal, candidates: list[Notified]) -> bool:
    """To the newest datagram before it with the bytes that it quotes, and without an error of that capture yet."""
    place = bisect_right(candidates, refusal.time_ns, key=lambda one: one.time_ns)
    for one in reversed(candidates[max(0, place - LOOK_BACK) : place]):
        if refusal.time_ns - one.time_ns > REFUSED_WITHIN_NS:
            return False
        if not _same(one.payload, refusal.quote):
            continue
        if one.refusal is None:
            one.refusal = refusal
            return True
        if one.refusal.capture != refusal.capture:  # the same error at another capture point
            return True
    return False


def _same(payload: bytes, quote: bytes) -> bool:
    shorter = min(len(payload), len(quote))
    return payload[:shorter] == quote[:shorter]


def _anomaly(odd: Oddity, datagram: Datagram) -> Anomaly:
    return Anomaly(
        code=odd.code, frame=datagram.frame, time_ns=datagram.time_ns, detail=odd.detail, capture=datagram.capture
    )
