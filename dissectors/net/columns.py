"""TCP connections, a block of packets at a time: the fast path. `plain.py` is its twin that does the same packet by
packet.

A block is grouped by connection (order of first appearance, packets of one connection in frame order), the facts of
`evidence.py` are computed for all packets at once and folded into the arrays of the open connections. Payload is handed
to a connection's stream: straight from the block where everything is in order, through `Reassembly` from the first
packet on that is not, and not at all once the stream has no use for it.

What comes out does not depend on where blocks are cut.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from dissectors.events import CLIENT, SERVER, Event
from dissectors.net.evidence import ACK, CLOSED_LIMIT_NS, IDLE_LIMIT_NS, SYN, Slots
from dissectors.net.facts import NEVER, Facts
from dissectors.net.handover import Handover, Stream
from dissectors.net.lives import Lives, closed
from dissectors.net.rows import Ints
from dissectors.net.segments import Segments, address_bytes, client_is_source

MAX_OPEN_CONNECTIONS = 200_000  # a row of Slots takes 1.7 KB

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
        self._key_of: dict[int, int] = {}
        self._facts = Facts(self._slots)
        self._handover = Handover(self._slots, new_stream)
        self._superseded: list[tuple[int, bool]] = []
        self.next_id = first_id
        self._now_ns = 0

    def block(self, segments: Segments) -> Iterator[Event]:
        """Takes the segments of one block and yields the events they bring, connection by connection: exhaust it."""
        if not len(segments):
            return
        group, slots = self._group(segments)
        rows = self._facts.sort(segments, group, slots)
        # of the last frame, not the latest time: after a clock was set back, that would end everything at once
        self._now_ns = int(segments.time_ns[np.argmax(segments.frame)])
        data = segments.data
        del segments, group  # a third of the memory that a block takes
        if len(rows):
            yield from self._handover.hand_on(rows, self._facts.fold(rows, slots), slots, data)
        events: list[Event] = []
        for slot, evicted in self._superseded:
            self._end(slot, events, evicted=evicted)
        self._superseded.clear()
        self._forget(events)
        yield from events

    def finish(self) -> list[Event]:
        """The capture is over: ends every open connection, in order of their ids."""
        events: list[Event] = []
        slots = np.fromiter(self._key_of, np.int64, len(self._key_of))
        if len(slots):
            evicted = self._given_up(slots, self._now_ns)
            for number in np.argsort(self._slots.one["connection_id"][slots]).tolist():
                self._end(int(slots[number]), events, evicted=bool(evicted[number]))
        return events

    # -- which connection -------------------------------------------------------------------------------------------

    def _group(self, segments: Segments) -> tuple[Ints, Ints]:
        """A group number for each segment and the slot of each group, groups in order of first appearance."""
        keys, first, inverse = np.unique(
            segments.source_key + segments.destination_key, return_index=True, return_inverse=True
        )
        order = np.argsort(segments.frame[first])
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        group = rank[inverse]
        first = first[order]
        key_list = keys[order].tolist()
        known = [self._by_key.get(key, -1) for key in key_list]
        slots = np.array(known, np.int64)
        segment_of_slot = list(known)
        for index in np.flatnonzero(slots < 0).tolist():
            segment_of_slot[index] = self._open(segments, int(first[index]), key_list[index])
        fresh = slots < 0
        slots = np.array(segment_of_slot, np.int64)
        opened = [(int(first[index]), segment_of_slot[index]) for index in np.flatnonzero(fresh).tolist()]
        group, slots = self._split(segments, group, slots, first, fresh, key_list, opened)
        for _, slot in sorted((int(segments.frame[index]), slot) for index, slot in opened):
            self._slots.one["connection_id"][slot] = self.next_id
            self.next_id += 1
        return group, slots

    def _open(self, segments: Segments, index: int, key: int) -> int:
        """A slot for the connection that begins with this segment."""
        slot = self._slots.take()
        flags = int(segments.flags[index])
        source, destination = int(segments.source_port[index]), int(segments.destination_port[index])
        version = int(segments.version[index])
        ends = [
            (address_bytes(version, segments.source[index]), source),
            (address_bytes(version, segments.destination[index]), destination),
        ]
        outward = client_is_source(flags, source, destination)
        client, server = ends if outward else ends[::-1]
        self._slots.addresses[slot] = (version, *client, *server)
        one = self._slots.one
        one["client_key"][slot] = (segments.source_key if outward else segments.destination_key)[index].view(np.int64)
        one["start_ns"][slot] = segments.time_ns[index]
        one["first_frame"][slot] = segments.frame[index]
        self._by_key[key] = slot
        self._key_of[slot] = key
        return slot

    def _split(
        self,
        segments: Segments,
        group: Ints,
        slots: Ints,
        first: Ints,
        fresh: Flags,
        keys: list[int],
        opened: list[tuple[int, int]],
    ) -> tuple[Ints, Ints]:
        """Finds where a port pair is used again (a new SYN, or a silence after which nothing is remembered) and gives
        that its own group.
        """
        one = self._slots.one
        plain_syn = np.flatnonzero(segments.flags & (SYN | ACK) == SYN)
        suspects = set(group[plain_syn[~(fresh[group[plain_syn]] & (first[group[plain_syn]] == plain_syn))]].tolist())
        silence = segments.time_ns[first] - np.where(fresh, segments.time_ns[first], one["captured_ns"][slots])
        suspects.update(np.flatnonzero(silence > CLOSED_LIMIT_NS).tolist())
        span = int(segments.time_ns.max()) - int(segments.time_ns.min())
        if span > CLOSED_LIMIT_NS:
            order = np.argsort(group, kind="stable")
            late = np.diff(segments.time_ns[order]) > CLOSED_LIMIT_NS
            same = np.diff(group[order]) == 0
            suspects.update(group[order[1:][late & same]].tolist())
        if not suspects:
            return group, slots
        slot_list = slots.tolist()
        for number in sorted(suspects):
            current = slot_list[number]
            lives = Lives(self._slots, current, bool(fresh[number]))
            group_now = number
            for index in np.flatnonzero(group == number).tolist():
                from_client = int(segments.source_key[index].view(np.int64)) == int(one["client_key"][current])
                if lives.begins_anew(segments, index, CLIENT if from_client else SERVER):
                    silent = lives.silent_at(segments, index)
                    self._superseded.append((current, silent > IDLE_LIMIT_NS and not bool(closed(lives.seen))))
                    del self._key_of[current]
                    current = self._open(segments, index, keys[number])
                    opened.append((index, current))
                    lives = Lives(self._slots, current, True)
                    group_now = len(slot_list)
                    slot_list.append(current)
                    from_client = int(segments.source_key[index].view(np.int64)) == int(one["client_key"][current])
                lives.saw(segments, index, CLIENT if from_client else SERVER)
                group[index] = group_now
        # groups again in order of first appearance
        first_again = np.full(len(slot_list), NEVER, np.int64)
        np.minimum.at(first_again, group, segments.frame)
        order = np.argsort(first_again, kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        return rank[group], np.array(slot_list, np.int64)[order]

    # -- endings

    def _end(self, slot: int, events: list[Event], *, evicted: bool) -> None:
        key = self._key_of.pop(slot, None)
        if key is not None and self._by_key.get(key) == slot:
            del self._by_key[key]
        upper, turns = self._handover.close(slot, events)
        events.append(self._slots.connection(slot, self._capture, upper, turns, evicted))
        self._slots.release(slot)

    def _given_up(self, slots: Ints, now_ns: int) -> Flags:
        """Connections that were silent for too long without having ended."""
        silence = now_ns - self._slots.one["captured_ns"][slots]
        given_up: Flags = (silence > IDLE_LIMIT_NS) & ~closed(self._slots.one["seen"][slots])
        return given_up

    def _forget(self, events: list[Event]) -> None:
        """Ends the connections that a later packet could no longer belong to, and the stalest ones when there are too
        many.
        """
        slots = np.fromiter(self._key_of, np.int64, len(self._key_of))
        silence = self._now_ns - self._slots.one["captured_ns"][slots]
        gone = (silence > IDLE_LIMIT_NS) | ((silence > CLOSED_LIMIT_NS) & closed(self._slots.one["seen"][slots]))
        room = len(slots) - int(gone.sum()) - self._max_open
        forced = np.zeros(len(slots), np.bool_)
        if room > 0:
            staying = np.flatnonzero(~gone)
            forced[staying[np.argsort(-silence[staying], kind="stable")[:room]]] = True
        ids = self._slots.one["connection_id"]
        evict = self._given_up(slots, self._now_ns)
        chosen = np.flatnonzero(gone | forced)
        for number in chosen[np.argsort(ids[slots[chosen]])].tolist():
            self._end(int(slots[number]), events, evicted=bool(evict[number] or forced[number]))
