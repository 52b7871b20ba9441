"""What the answers of a family meant, and which interval was in force: learned from what the device did next.

An answer upon which the device at once sends the same request again says that the time ran out; one upon which it
sends another says that something changed. The lengths of the answers so labelled label the others: in an AEAD cipher an
answer that names a changed folder is longer. Where the two lengths are the same, as often under CBC, only the label
itself counts. A family whose waits are never followed by another request waits with Sync itself: its shortest answers
ran out, longer ones bring the changes with them.

A device that syncs after every answer labels nothing: then only answers at odd times are changes.

What has neither label nor length of its own, such as a proxy's error page, stays unknown. How long waits lasted that
ran out is the interval: the shortest of each group of equal ones, since servers answer after it, not before.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from analyzer.keyless.family import NEAR_BYTES, Family, Held, alike, widened
from analyzer.keyless.strangers import SILENCE_S
from analyzer.timeline.reading import CHANGES, EXPIRED, UNKNOWN

SCATTERED = 6  # so many waits that ran out, and most of them unlike any other: no interval is claimed
STEADY = 3  # equal waits that ran out, and none other, from which on the interval of every wait is taken to be known
SHORT_SHARE = 0.5  # of the requests of a length that must be held, for the others of that length to be waits, too


class Meaning(NamedTuple):
    """One wait."""

    place: int  # of its exchange
    outcome: int  # EXPIRED, CHANGES or UNKNOWN
    requested_s: float | None
    brought_bytes: int  # what the server sent between this answer and the next wait; -1: not known


class Meanings:
    """The waits of an accepted family, by connection."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self._learn()
        found = _by_member([held for held in family.held if self._is_wait(held)])
        waits = [self._with_short(some) for some in found]
        outcomes = [[self._outcome(held) for held in some] for some in waits]
        times = [
            held.exchange.held_s
            for some, said in zip(waits, outcomes, strict=True)
            for held, outcome in zip(some, said, strict=True)
            if outcome == EXPIRED
        ]
        groups = alike(times)
        intervals: dict[float, float | None] = {time: float(round(group[0])) for group in groups for time in group}
        if len(times) >= SCATTERED and 2 * sum(len(group) for group in groups if len(group) > 1) < len(times):
            intervals = dict.fromkeys(times)  # they pile up nowhere: whatever it is, it is no interval
        self.longest_s: float | None = max(times, default=None)  # of those that ran out
        steady = len(times) >= STEADY and len(set(intervals.values())) == 1
        usual = intervals[times[0]] if steady else None
        self.of: dict[int, list[Meaning]] = {}  # by connection_id
        for some, said in zip(waits, outcomes, strict=True):
            heard, listed = some[0].heard, []
            nexts = [held.place for held in some[1:]] + [len(heard.exchanges)]
            for held, outcome, after in zip(some, said, nexts, strict=True):
                requested = intervals[held.exchange.held_s] if outcome == EXPIRED else usual
                between = heard.exchanges[held.place + 1 : after] if outcome == CHANGES else ()
                brought = sum(e.answer_bytes for e in between) if outcome == CHANGES else -1
                listed.append(Meaning(held.place, outcome, requested, brought))
            self.of[heard.connection.connection_id] = listed

    def _learn(self) -> None:
        """Lengths of answers that said that the time ran out, and of those that said that something changed."""
        again, other = Counter[int](), set[int]()
        followed = [held for held in self.family.held if held.followed is not None]
        for held in followed:
            e, after = held.exchange, held.followed
            if after is None or e.request_bytes not in self.family.lengths:
                continue
            if self.family.asks_same(after):
                again[e.answer_bytes] += 1
            else:
                other.add(e.answer_bytes)
        with_changes = [size for size in again if size - min(again) > NEAR_BYTES]
        self.hanging = not other and len(with_changes) >= 2  # one length alone may be an error page
        self.unclear = not again and _pile_up(followed)
        usual = min(again, key=lambda size: (0 if self.hanging else -again[size], size), default=None)
        self._shortest = usual
        self._expired = set() if usual is None else widened([usual], self.family.slack)
        self._changed = widened(other, self.family.slack) - self._expired

    def _names_folders(self, size: int) -> bool:
        """So long is an answer that names changed folders: each adds a few bytes to one that names none."""
        if size in self._changed:
            return True
        if self._shortest is None or self.family.block or size in self._expired:
            return False
        return 0 < size - self._shortest <= NEAR_BYTES

    def _is_wait(self, held: Held) -> bool:
        """Its request is repeated, or its answer is one of the usual ones."""
        e = held.exchange
        if self.family.asks_same(e):
            return True
        after = held.followed
        usual = e.answer_bytes in self._expired or self._names_folders(e.answer_bytes)
        return e.answer_ns >= 0 and usual and not self.family.block and (after is None or self.family.asks_same(after))

    def _with_short(self, waits: list[Held]) -> list[Held]:
        """The waits of one connection, and the same requests that were answered, or cut off, soon."""
        family, heard = self.family, waits[0].heard
        if family.block:
            return waits
        known = {held.place for held in waits}
        sizes = Counter(held.exchange.request_bytes for held in waits)
        after = min(known)
        short = [
            Held(heard, place)
            for place, e in enumerate(heard.exchanges)
            if place not in known and not e.bursts and not e.interrupted and family.asks_same(e)
        ]
        later = Counter(held.exchange.request_bytes for held in short if held.place > after)
        found = []
        for held in short:
            e = held.exchange
            if e.answer_ns < 0:  # cut off soon after it had begun
                found.append(held)
                continue
            mostly = sizes[e.request_bytes] >= SHORT_SHARE * (sizes[e.request_bytes] + later[e.request_bytes])
            if self.hanging:
                fits = held.place > after - 2 and (mostly or sizes[e.request_bytes] == 0)
            else:
                fits = mostly and sizes[e.request_bytes] > 0 and self._names_folders(e.answer_bytes)
            if fits:
                found.append(held)
        return sorted([*waits, *found], key=lambda held: held.place)

    def _outcome(self, held: Held) -> int:
        e, after = held.exchange, held.next
        if e.answer_ns < 0:
            return UNKNOWN
        expired, changed = e.answer_bytes in self._expired, self._names_folders(e.answer_bytes)
        if self.hanging:
            return CHANGES if not expired else EXPIRED if e.held_s >= SILENCE_S else UNKNOWN
        if after is not None and not self.family.asks_same(after):
            if self.unclear:
                return UNKNOWN
            return EXPIRED if expired and not changed and not self.family.block else CHANGES
        if after is not None:
            learned = e.answer_bytes in self._changed  # a longer answer alone may be an error page
            return EXPIRED if expired else CHANGES if learned else UNKNOWN
        if expired == changed or self.family.block:
            return UNKNOWN
        return EXPIRED if expired else CHANGES


def _pile_up(waits: list[Held]) -> bool:
    """At least half of the waits lasted equally long, as those do that run out: this device syncs after these, too."""
    most = max(map(len, alike([held.exchange.held_s for held in waits])), default=0)
    return most >= 2 and 2 * most >= len(waits)


def _by_member(waits: list[Held]) -> list[list[Held]]:
    found: dict[int, list[Held]] = {}
    for held in waits:
        found.setdefault(id(held.heard), []).append(held)
    return list(found.values())
