"""Gives each connection's payload to what reads it: straight from the block where it is in order, through `Reassembly`
where it is not.
"""

from collections.abc import Callable
from itertools import accumulate, pairwise
from typing import Protocol

import numpy as np

from dissectors.events import CLIENT, SERVER, Event
from dissectors.net.evidence import Slots, Upper
from dissectors.net.facts import Folded
from dissectors.net.reassembly import Reassembly, Sink
from dissectors.net.rows import Bytes, Ints, starts
from dissectors.net.turns import Noted, turns_of

NEW, IN_ORDER, CAREFUL, SKIPPED = 0, 1, 2, 3  # how a connection's payload is treated
FIRST_LOOK = 4  # segments of a new connection, after which its stream nearly always knows whether it wants more


class Stream(Sink, Protocol):
    """What reads a connection's bytes (`dissectors.stream`)."""

    wanted: bool  # False: no use for more bytes
    by_segment: bool  # True: ask `unused` before each segment

    def feed_one(self, side: int, data: bytes, frame: int, time_ns: int) -> None:
        """`feed` for one segment."""

    @property
    def unread(self) -> bool:
        """Nothing of it could be read so far, and it may be TLS: who spoke when is noted."""

    def unused(self, side: int) -> int:
        """How many of the next bytes of a side are of no use but to be counted."""

    def pass_over(self, side: int, count: int, frame: int, time_ns: int) -> None:
        """Counts bytes that are `unused`; the last of them came in `frame`."""

    def take_events(self) -> list[Event]:
        """Events since the last call."""

    def close(self, end_ns: int, ended: tuple[bool, bool]) -> Upper:
        """The connection has ended (`ended`: which sides sent a FIN); the last events can be taken afterwards."""


class Handover:
    """The streams of the open connections."""

    def __init__(self, slots: Slots, new_stream: Callable[[int], Stream]) -> None:
        self._slots = slots
        self._new_stream = new_stream
        self._streams: dict[int, Stream] = {}
        self._reassemblies: dict[int, Reassembly] = {}
        self._read: set[int] = set()  # slots whose stream is no longer unread
        self._noted = Noted()

    def hand_on(self, folded: Folded, data_of_block: Bytes) -> list[Event]:
        """Gives each connection's stream its new bytes; returns what comes of them."""
        events: list[Event] = []
        begins, ends = folded.group_start[:-1], folded.group_start[1:]
        counts = ends - begins
        modes, slots = self._slots.one["mode"], folded.slots
        mode = modes[slots]
        fresh = folded.new > 0  # what is not was delivered before
        careful_from = ends.copy()
        broken = np.flatnonzero(~folded.in_order)[::-1]
        careful_from[folded.group[broken]] = broken
        nothing_new = np.logical_or.reduceat(folded.data, begins) & ~np.logical_or.reduceat(fresh, begins)
        all_careful = (mode == CAREFUL) | ((mode == NEW) & nothing_new)
        careful_from[all_careful] = begins[all_careful]
        payload = np.flatnonzero(fresh & np.repeat(mode != SKIPPED, counts))
        payload = payload[payload < careful_from[folded.group[payload]]]
        late = np.repeat(mode == NEW, counts)[payload]
        late &= _rank(folded.group[payload]) >= FIRST_LOOK
        if late.any():  # most connections are nothing of ours, as their first bytes show
            self._feed(folded, payload[~late], data_of_block, events)
            payload = payload[late & np.repeat(modes[slots] != SKIPPED, counts)[payload]]
        self._feed(folded, payload, data_of_block, events)
        self._mend(folded, careful_from, data_of_block, events)
        self._note_turns(folded, data_of_block)
        return events

    def _mend(self, folded: Folded, careful_from: Ints, data_of_block: Bytes, events: list[Event]) -> None:
        """Takes the connections whose order is broken through their Reassembly, each until it is in order again."""
        slots, fresh = folded.slots, folded.new > 0
        ends = folded.group_start[1:]
        calm = folded.group_start[:-1].copy()  # behind the last packet that breaks the order
        broken = np.flatnonzero(~folded.in_order)
        calm[folded.group[broken]] = broken + 1
        in_order_again: list[Ints] = []
        for number in np.flatnonzero((careful_from < ends) & (self._slots.one["mode"][slots] != SKIPPED)).tolist():
            slot, first, end = int(slots[number]), int(careful_from[number]), int(ends[number])
            stream = self._stream(slot)
            first = self._carefully(slot, folded, range(first, end), int(calm[number]), data_of_block.data)
            rest = first + np.flatnonzero(fresh[first:end])
            if self._continues(slot, folded.side[rest], folded.begin[rest]):
                in_order_again.append(rest)
            else:
                self._carefully(slot, folded, range(first, end), end, data_of_block.data)
            self._leave(slot, stream, events)
        if in_order_again:
            self._feed(folded, np.concatenate(in_order_again), data_of_block, events)

    def _continues(self, slot: int, side: Ints, begin: Ints) -> bool:
        """Whether the new payload, which is in order in itself, begins where what was delivered ends."""
        delivered = self._slots.two["delivered"][slot]
        return all((begin[side == which][:1] == delivered[which]).all() for which in (CLIENT, SERVER))

    def _feed(self, folded: Folded, payload: Ints, data_of_block: Bytes, events: list[Event]) -> None:
        """Gives payload that is in order to its streams, chunk by chunk: neighbouring segments of one side."""
        if not len(payload):
            return
        both = folded.group[payload] * 2 + folded.side[payload]
        opening = starts(both)
        bounds = [*opening.tolist(), len(payload)]
        chunk_slots, sides = folded.slots[both[opening] >> 1], both[opening] & 1
        # the last packet of each chunk; a later chunk of the same side overwrites the earlier one
        last = payload[np.array(bounds[1:], np.int64) - 1]
        self._slots.two["delivered"][chunk_slots, sides] = folded.begin[last] + folded.length[last]
        places, lengths = folded.start[payload].tolist(), folded.captured[payload].tolist()
        frames, times = folded.frame[payload].tolist(), folded.time_ns[payload].tolist()
        buffer = data_of_block.data
        current, stream = -1, None
        for slot, side, low, high in zip(chunk_slots.tolist(), sides.tolist(), bounds, bounds[1:], strict=False):
            if slot != current:
                if stream is not None:
                    self._leave(current, stream, events)
                current, stream = slot, self._streams.get(slot) or self._stream(slot)
            assert stream is not None
            while low < high and stream.wanted:
                until = high
                if stream.by_segment:
                    room, first, passed = stream.unused(side), low, 0
                    while low < high and passed + lengths[low] <= room:
                        passed += lengths[low]
                        low += 1
                    if low > first:
                        stream.pass_over(side, passed, frames[low - 1], times[low - 1])
                        continue
                    until = low + 1
                start = places[low]
                if until - low == 1:
                    stream.feed_one(side, bytes(buffer[start : start + lengths[low]]), frames[low], times[low])
                else:
                    joined = b"".join([buffer[places[k] : places[k] + lengths[k]] for k in range(low, until)])
                    stream.feed(side, joined, list(accumulate(lengths[low:until])), frames[low:until], times[low:until])
                low = until
        if stream is not None:
            self._leave(current, stream, events)

    def _stream(self, slot: int) -> Stream:
        """The stream of a connection, made when its first payload comes."""
        stream = self._streams.get(slot)
        if stream is None:
            stream = self._streams[slot] = self._new_stream(int(self._slots.one["connection_id"][slot]))
            self._slots.one["mode"][slot] = IN_ORDER
        return stream

    def _leave(self, slot: int, stream: Stream, events: list[Event]) -> None:
        """A connection had its new bytes."""
        if not stream.wanted:
            self._slots.one["mode"][slot] = SKIPPED
        unread = stream.unread
        if unread == (slot in self._read):
            self._slots.one["unread"][slot] = unread
            if unread:
                self._read.discard(slot)
            else:
                self._read.add(slot)
                self._noted.drop(slot)
        events += stream.take_events()

    def _note_turns(self, folded: Folded, data: Bytes) -> None:
        """Writes down who spoke when on the connections that cannot be read."""
        slots = folded.slots
        unread = self._slots.one["unread"][slots] > 0
        if not unread.any():
            return
        fresh = np.flatnonzero((folded.new > 0) & unread[folded.group])
        if not len(fresh):
            return
        group, turns = turns_of(
            folded.group[fresh],
            folded.side[fresh],
            folded.time_ns[fresh],
            folded.frame[fresh],
            folded.new[fresh],
            folded.start[fresh],
            folded.captured[fresh],
            data,
        )
        begins = starts(group).tolist()
        for begin, end in pairwise([*begins, len(group)]):
            self._noted.add(int(slots[group[begin]]), turns[begin:end].tolist())

    def _carefully(self, slot: int, folded: Folded, packets: range, calm: int, buffer: memoryview) -> int:
        """Passes packets of one connection through its Reassembly, until nothing waits any more and no packet from
        `calm` on breaks the order. Returns the first that was not passed.
        """
        stream, reassembly = self._streams[slot], self._reassemblies.get(slot)
        if reassembly is None:
            delivered = self._slots.two["delivered"][slot].tolist()
            reassembly = self._reassemblies[slot] = Reassembly(stream, (delivered[CLIENT], delivered[SERVER]))
            number = folded.group[packets.start]
            before = slice(folded.group_start[number], packets.start)
            for side in (CLIENT, SERVER):
                acked = folded.acked[before][folded.side[before] != side]
                reassembly.acked[side] = int(max(folded.acked_before[number, side], acked.max(initial=0)))
        columns = (
            folded.side, folded.time_ns, folded.data, folded.begin, folded.start, folded.captured, folded.length,
            folded.frame, folded.acked,
        )  # fmt: skip
        passed = packets.stop
        for index, side, time_ns, is_data, position, start, captured, length, frame, reached in zip(
            packets, *(column[packets.start : packets.stop].tolist() for column in columns), strict=True
        ):
            if index >= calm and reassembly.in_order:
                passed = index
                break
            if is_data:
                if (
                    stream.by_segment
                    and captured == length
                    and reassembly.passes(side, position)
                    and length <= stream.unused(side)
                ):
                    reassembly.next[side] += length
                    stream.pass_over(side, length, frame, time_ns)
                else:
                    reassembly.segment(side, position, bytes(buffer[start : start + captured]), length, frame, time_ns)
            if stream.wanted:
                reassembly.acknowledged(1 - side, reached, time_ns)
            if not stream.wanted:
                passed = packets.stop
                break
        self._slots.one["mode"][slot] = self._settle(slot, stream)
        return passed

    def _settle(self, slot: int, stream: Stream) -> int:
        """How a connection goes on after packets that were treated with care."""
        reassembly = self._reassemblies[slot]
        two = self._slots.two
        if stream.wanted and not reassembly.in_order:
            return CAREFUL
        two["delivered"][slot] = reassembly.next
        two["missing"][slot] += reassembly.missing
        del self._reassemblies[slot]
        return IN_ORDER if stream.wanted else SKIPPED

    def close(self, slot: int) -> tuple[Upper, list[list[int]], list[Event]]:
        """The connection has ended: what its stream knows, the turns where it could not read, and its last events."""
        stream = self._streams.pop(slot, None)
        reassembly = self._reassemblies.pop(slot, None)
        turns = self._noted.take(slot)
        self._read.discard(slot)
        if reassembly is not None:
            reassembly.close()
            self._slots.two["missing"][slot] += reassembly.missing
        if stream is None:
            return Upper(), [], []
        fins = self._slots.two["fin_ns"][slot].tolist()
        upper = stream.close(int(self._slots.one["end_ns"][slot]), (fins[CLIENT] >= 0, fins[SERVER] >= 0))
        return upper, turns if stream.unread else [], stream.take_events()


def _rank(group: Ints) -> Ints:
    """Which one of its group each row is, from 0; groups stand together."""
    begins = starts(group)
    return np.arange(len(group)) - np.repeat(begins, np.diff(begins, append=len(group)))
