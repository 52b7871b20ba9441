"""TCP connections, a block of packets at a time: the fast path. `plain.py` is its twin that does the same packet by
packet.

A block is grouped by connection (order of first appearance, packets of one connection in frame order). Then, a piece of
whole connections at a time, the facts of `evidence.py` are computed for all packets at once and folded into the arrays
of the open connections, and payload is handed to each connection's stream: straight from the block where everything is
in order, through `Reassembly` from the first packet on that is not, and not at all once the stream has no use for it.

What comes out does not depend on where blocks are cut, unless a clock was set back for long or there are too many open
connections: what may be forgotten is asked once a block.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dissectors import native
from dissectors.events import CLIENT, SERVER, Event
from dissectors.net.evidence import ACK, ADDRESSES, CLOSED_LIMIT_NS, IDLE_LIMIT_NS, SYN, Slots
from dissectors.net.facts import Facts
from dissectors.net.handover import Handover, Stream
from dissectors.net.lives import Lives, closed
from dissectors.net.rows import Ints, starts
from dissectors.net.segments import Segments, client_is_source, clients_are_sources

MAX_OPEN_CONNECTIONS = 200_000  # a row of Slots takes 1.8 KB
ENDED_TOGETHER = 256  # connections
PIECE = 16_384  # packets, more or less: some dozen columns of so many fit the processor's cache

Flags = NDArray[np.bool_]


class Connections:
    """All TCP connections of one capture."""

    def __init__(
        self,
        new_stream: Callable[[int], Stream],
        capture: int = 0,
        first_id: int = 1,
        max_open: int = MAX_OPEN_CONNECTIONS,
    ) -> None:
        self._capture = capture
        self._max_open = max_open
        self._slots = Slots()
        self._by_key: dict[int, int] = {}
        self._key_of: dict[int, int] = {}  # of every open connection, by slot
        self._facts = Facts(self._slots)
        self._handover = Handover(self._slots, new_stream)
        self._superseded: list[tuple[int, bool]] = []
        self.next_id = first_id
        self._now_ns = 0

    def block(self, segments: Segments) -> Iterator[Event]:
        """Takes the segments of one block and yields the events they bring, connection by connection: exhaust it."""
        if not len(segments):
            return
        order, counts, slots = self._group(segments)
        # of the last frame, not the latest time: after a clock was set back, that would end everything at once
        self._now_ns = int(segments.time_ns[np.argmax(segments.frame)])
        ends = np.cumsum(counts)
        first = low = 0
        while first < len(counts):
            after = max(first + 1, int(np.searchsorted(ends, low + PIECE, side="right")))
            high = int(ends[after - 1])
            seen = self._facts.take(segments, order[low:high], counts[first:after], slots[first:after])
            if seen is not None:
                yield from self._handover.hand_on(seen, segments.data)
            first, low = after, high
        over, self._superseded = self._superseded, []
        yield from self._end([slot for slot, _ in over], [evicted for _, evicted in over])
        yield from self._forget()

    def finish(self) -> Iterator[Event]:
        """The capture is over: ends every open connection, in order of their ids."""
        slots = self._by_id()
        return self._end(slots.tolist(), self._given_up(slots, self._now_ns).tolist())

    def _by_id(self) -> Ints:
        """The slots of the open connections, in order of their ids."""
        slots = np.fromiter(self._key_of, np.int64, len(self._key_of))
        by_id: Ints = slots[np.argsort(self._slots.one["connection_id"][slots])]
        return by_id

    # -- which connection -------------------------------------------------------------------------------------------

    def _group(self, segments: Segments) -> tuple[Ints, Ints, Ints]:
        """Puts the segments in order, connection by connection; returns that order, how many segments each connection
        has, and its slot. Connections are in order of first appearance.
        """
        keys = segments.source_key + segments.destination_key
        order, begins = _grouped(keys)
        first = order[begins]
        key_list: list[int] = keys[first].tolist()
        slots = np.array([self._by_key.get(key, -1) for key in key_list], np.int64)
        fresh = slots < 0
        slots[fresh] = self._open(segments, first[fresh], [key_list[index] for index in np.flatnonzero(fresh).tolist()])
        opened, opened_slots = first[fresh], slots[fresh]
        suspects = self._suspects(segments, order, begins, slots, fresh)
        if len(suspects):
            suspects = suspects[np.argsort(segments.frame[first[suspects]])]
            begins, slots, more = self._split(segments, order, begins, slots, fresh, suspects.tolist(), key_list)
            opened, opened_slots = np.append(opened, more[:, 0]), np.append(opened_slots, more[:, 1])
        by_frame = np.argsort(segments.frame[opened])
        self._slots.one["connection_id"][opened_slots[by_frame]] = self.next_id + np.arange(len(opened))
        self.next_id += len(opened)
        # connection by connection as they appeared
        counts = np.diff(begins, append=len(order))
        rank = np.argsort(segments.frame[order[begins]])
        begins, counts, slots = begins[rank], counts[rank], slots[rank]
        shift = np.repeat(begins - (np.cumsum(counts) - counts), counts)
        return order[np.arange(len(order)) + shift], counts, slots

    def _open(self, segments: Segments, at: Ints, keys: list[int]) -> Ints:
        """Slots for the connections that begin with the segments at `at`."""
        slots = self._slots.take(len(at))
        one = self._slots.one
        outward = clients_are_sources(segments.flags[at], segments.source_port[at], segments.destination_port[at])
        source, destination = segments.source[at].view(np.int64), segments.destination[at].view(np.int64)
        ends: tuple[tuple[NDArray[Any], NDArray[Any]], ...] = (
            (source[:, 0], destination[:, 0]),
            (source[:, 1], destination[:, 1]),
            (segments.source_port[at], segments.destination_port[at]),
        )
        client = [np.where(outward, near, far) for near, far in ends]
        server = [np.where(outward, far, near) for near, far in ends]
        for name, column in zip(ADDRESSES, (segments.version[at], *client, *server), strict=True):
            one[name][slots] = column
        key = np.where(outward, segments.source_key[at], segments.destination_key[at])
        one["client_key"][slots] = key.view(np.int64)
        one["start_ns"][slots], one["first_frame"][slots] = segments.time_ns[at], segments.frame[at]
        slot_list = slots.tolist()
        self._by_key.update(zip(keys, slot_list, strict=True))
        self._key_of.update(zip(slot_list, keys, strict=True))
        return slots

    def _suspects(self, segments: Segments, order: Ints, begins: Ints, slots: Ints, fresh: Flags) -> Ints:
        """The groups in which a port pair may be used again: a SYN that does not come first, or a long silence."""
        first = order[begins]
        flags = segments.flags[order]
        later = np.flatnonzero(flags & (SYN | ACK) == SYN)
        later_group = np.searchsorted(begins, later, side="right") - 1
        found = [later_group[~(fresh[later_group] & (begins[later_group] == later))]]
        silence = segments.time_ns[first] - self._slots.one["captured_ns"][slots]
        found.append(np.flatnonzero(~fresh & (silence > CLOSED_LIMIT_NS)))
        if int(segments.time_ns.max()) - int(segments.time_ns.min()) > CLOSED_LIMIT_NS:
            silence = np.diff(segments.time_ns[order], prepend=0)
            silence[begins] = 0
            found.append(np.searchsorted(begins, np.flatnonzero(silence > CLOSED_LIMIT_NS), side="right") - 1)
        # `np.unique` would load numpy's masked arrays to ask for one, which takes 7 ms
        return np.array(sorted(set(np.concatenate(found).tolist())), np.int64)

    def _split(
        self,
        segments: Segments,
        order: Ints,
        begins: Ints,
        slots: Ints,
        fresh: Flags,
        suspects: list[int],
        keys: list[int],
    ) -> tuple[Ints, Ints, Ints]:
        """Finds where a port pair is used again (a new SYN, or a silence after which nothing is remembered) and gives
        that its own group. Returns where the groups begin then, their slots, and what was opened: segment and slot.
        """
        client_keys = self._slots.one["client_key"]
        bounds = [*begins.tolist(), len(order)]
        anew: list[int] = []  # where in the order
        life_of: list[int] = []  # the group that each of these is in
        over: list[tuple[int, bool]] = []  # superseded: a slot, or ~ the place in anew; given up before
        for number in suspects:
            current = int(slots[number])
            client_key = int(client_keys[current])
            lives = Lives(self._slots, None if fresh[number] else current)
            for place in range(bounds[number], bounds[number + 1]):
                index = int(order[place])
                side = CLIENT if int(segments.source_key[index].view(np.int64)) == client_key else SERVER
                if lives.begins_anew(segments, index, side):
                    silent = lives.silent_at(segments, index)
                    over.append((current, silent > IDLE_LIMIT_NS and not bool(closed(lives.seen))))
                    current = ~len(anew)
                    anew.append(place)
                    life_of.append(number)
                    lives = Lives(self._slots, None)
                    side = (
                        CLIENT
                        if client_is_source(
                            int(segments.flags[index]),
                            int(segments.source_port[index]),
                            int(segments.destination_port[index]),
                        )
                        else SERVER
                    )
                    key = segments.source_key[index] if side == CLIENT else segments.destination_key[index]
                    client_key = int(key.view(np.int64))
                lives.saw(segments, index, side)
        where = np.array(anew, np.int64)
        opened = self._open(segments, order[where], [keys[number] for number in life_of])
        for slot, evicted in over:
            ended = slot if slot >= 0 else int(opened[~slot])
            del self._key_of[ended]
            self._superseded.append((ended, evicted))
        stays = ~np.isin(begins, where)  # not all of the group is a new life
        starts, owners = np.append(begins[stays], where), np.append(slots[stays], opened)
        rank = np.argsort(starts)
        return starts[rank], owners[rank], np.stack([order[where], opened], axis=1)

    # -- endings

    def _end(self, slots: list[int], evicted: list[bool]) -> Iterator[Event]:
        """What the streams of some connections still bring, each followed by its Connection."""
        for low in range(0, len(slots), ENDED_TOGETHER):
            part = slots[low : low + ENDED_TOGETHER]
            last = []
            for slot in part:
                key = self._key_of.pop(slot, None)
                if key is not None and self._by_key.get(key) == slot:
                    del self._by_key[key]
                last.append(self._handover.close(slot))
            ended = self._slots.connections(
                part,
                self._capture,
                [upper for upper, _, _ in last],
                [turns for _, turns, _ in last],
                evicted[low : low + ENDED_TOGETHER],
            )
            for (_, _, events), connection in zip(last, ended, strict=True):
                yield from events
                yield connection
            self._slots.release(part)

    def _given_up(self, slots: Ints, now_ns: int) -> Flags:
        """Connections that were silent for too long without having ended."""
        silence = now_ns - self._slots.one["captured_ns"][slots]
        given_up: Flags = (silence > IDLE_LIMIT_NS) & ~closed(self._slots.one["seen"][slots])
        return given_up

    def _forget(self) -> Iterator[Event]:
        """Ends the connections that a later packet could no longer belong to, and the stalest ones when there are too
        many.
        """
        slots = self._by_id()
        silence = self._now_ns - self._slots.one["captured_ns"][slots]
        gone = (silence > IDLE_LIMIT_NS) | ((silence > CLOSED_LIMIT_NS) & closed(self._slots.one["seen"][slots]))
        room = len(slots) - int(gone.sum()) - self._max_open
        forced = np.zeros(len(slots), np.bool_)
        if room > 0:
            staying = np.flatnonzero(~gone)
            forced[staying[np.argsort(-silence[staying], kind="stable")[:room]]] = True
        chosen = np.flatnonzero(gone | forced)
        evicted = self._given_up(slots[chosen], self._now_ns) | forced[chosen]
        return self._end(slots[chosen].tolist(), evicted.tolist())


def _grouped(keys: NDArray[np.uint64]) -> tuple[Ints, Ints]:
    """The places of equal keys together, each key's in ascending order, and where each key begins.

    Sorted are the high bits of a key with the place in the low ones: numbers sort ten times faster than keys can be
    sorted with their places. Should two keys have equal high bits, they are sorted the slow way.
    """
    if native.enabled:
        return native.facts.grouped(keys)
    bits = np.uint64(len(keys).bit_length())
    places = (np.uint64(1) << bits) - np.uint64(1)
    mixed = (keys & ~places) | np.arange(len(keys), dtype=np.uint64)
    mixed.sort()
    order = (mixed & places).view(np.int64)
    begins = starts(keys[order])
    if len(begins) != len(starts(mixed & ~places)):
        order = np.argsort(keys, kind="stable")
        begins = starts(keys[order])
    return order, begins
