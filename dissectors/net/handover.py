"""Gives each connection's payload to what reads it: straight from the block where it is in order, through `Reassembly`
where it is not.
"""

from collections.abc import Callable, Iterator
from itertools import accumulate, pairwise
from typing import Protocol

import numpy as np

from dissectors.events import CLIENT, SERVER, Event
from dissectors.net.evidence import Slots, Upper
from dissectors.net.facts import Folded, Rows
from dissectors.net.reassembly import Reassembly, Sink
from dissectors.net.rows import Bytes, Ints
from dissectors.net.turns import Noted, turns_of

NEW, IN_ORDER, CAREFUL, SKIPPED = 0, 1, 2, 3  # how a connection's payload is treated


class Stream(Sink, Protocol):
    """What reads a connection's bytes (`dissectors.stream`)."""

    wanted: bool  # False: no use for more bytes
    by_segment: bool  # True: ask `unused` before each segment

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
        self._noted = Noted()

    def hand_on(self, rows: Rows, folded: Folded, slots: Ints, data_of_block: Bytes) -> Iterator[Event]:
        """Gives each connection's stream its new bytes and yields what comes of them."""
        data, begin = folded.data, folded.begin
        modes, unread = self._slots.one["mode"], self._slots.one["unread"]
        mode = modes[slots]
        count = len(slots)
        has_data = np.zeros(count, np.bool_)
        has_data[rows.group[data]] = True
        orderly = np.ones(count, np.bool_)
        orderly[rows.group[~folded.in_order]] = False
        work = np.flatnonzero((mode == CAREFUL) | ((mode != SKIPPED) & has_data))
        fast = orderly & (mode != CAREFUL) & (mode != SKIPPED)
        # chunks: neighbouring payload of one side, in order
        payload = np.flatnonzero(data & fast[rows.group])
        chunk_key = rows.group[payload] * 2 + rows.side[payload]
        chunk_start = np.flatnonzero(np.diff(chunk_key, prepend=-1))
        chunk_of_group = np.searchsorted(rows.group[payload[chunk_start]], np.arange(count + 1)).tolist()
        sides = rows.side[payload[chunk_start]].tolist()
        bounds = [*chunk_start.tolist(), len(payload)]
        starts, lengths = rows.start[payload].tolist(), rows.captured[payload].tolist()
        frames, times = rows.frame[payload].tolist(), rows.time_ns[payload].tolist()
        buffer = data_of_block.data
        # the last packet of each chunk; a later chunk of the same side overwrites the earlier one
        last = payload[np.array(bounds[1:], np.int64) - 1]
        self._slots.two["delivered"][slots[rows.group[last]], rows.side[last]] = begin[last] + rows.length[last]
        slot_list, fast_list = slots.tolist(), fast.tolist()
        for number in work.tolist():
            slot = slot_list[number]
            stream = self._streams.get(slot)
            if stream is None:
                stream = self._streams[slot] = self._new_stream(int(self._slots.one["connection_id"][slot]))
            if not fast_list[number]:
                packets = range(int(folded.group_start[number]), int(folded.group_start[number + 1]))
                self._carefully(slot, stream, rows, folded, packets, folded.acked_before[number], buffer)
                modes[slot] = self._settle(slot, stream)
                unread[slot] = stream.unread
                yield from stream.take_events()
                continue
            for chunk in range(chunk_of_group[number], chunk_of_group[number + 1]):
                low, high, side = bounds[chunk], bounds[chunk + 1], sides[chunk]
                while low < high:
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
                    if until - low == 1:
                        size = lengths[low]
                        stream.feed(
                            side, bytes(buffer[starts[low] : starts[low] + size]), [size], [frames[low]], [times[low]]
                        )
                    else:
                        joined = b"".join([buffer[starts[k] : starts[k] + lengths[k]] for k in range(low, until)])
                        stream.feed(
                            side, joined, list(accumulate(lengths[low:until])), frames[low:until], times[low:until]
                        )
                    low = until if stream.wanted else high
                if not stream.wanted:
                    break
            modes[slot] = IN_ORDER if stream.wanted else SKIPPED
            unread[slot] = stream.unread
            yield from stream.take_events()
        self._note_turns(rows, folded, slots, data_of_block)

    def _note_turns(self, rows: Rows, folded: Folded, slots: Ints, data: Bytes) -> None:
        """Writes down who spoke when on the connections that cannot be read."""
        unread = self._slots.one["unread"][slots] > 0
        for slot in slots[~unread].tolist():
            self._noted.drop(slot)
        fresh = np.flatnonzero((folded.new > 0) & unread[rows.group])
        if not len(fresh):
            return
        group, turns = turns_of(
            rows.group[fresh],
            rows.side[fresh],
            rows.time_ns[fresh],
            rows.frame[fresh],
            folded.new[fresh],
            rows.start[fresh],
            rows.captured[fresh],
            data,
        )
        begins = np.flatnonzero(np.diff(group, prepend=-1)).tolist()
        for begin, end in pairwise([*begins, len(group)]):
            self._noted.add(int(slots[group[begin]]), turns[begin:end].tolist())

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

    def _carefully(
        self,
        slot: int,
        stream: Stream,
        rows: Rows,
        folded: Folded,
        packets: range,
        acked_before: Ints,
        buffer: memoryview,
    ) -> None:
        """Passes the packets of one connection through its Reassembly."""
        reassembly = self._reassemblies.get(slot)
        if reassembly is None:
            delivered = self._slots.two["delivered"][slot]
            reassembly = self._reassemblies[slot] = Reassembly(stream, (int(delivered[CLIENT]), int(delivered[SERVER])))
            reassembly.acked = acked_before.tolist()
        first, after = packets.start, packets.stop
        columns = (
            rows.side, rows.time_ns, folded.data, folded.begin, rows.start, rows.captured, rows.length, rows.frame,
            folded.acked,
        )  # fmt: skip
        for side, time_ns, is_data, position, start, captured, length, frame, reached in zip(
            *(column[first:after].tolist() for column in columns), strict=True
        ):
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
            if not stream.wanted:
                return
            reassembly.acknowledged(1 - side, reached, time_ns)

    def close(self, slot: int, events: list[Event]) -> tuple[Upper, list[list[int]]]:
        """The connection has ended: its stream's last events, what it knows, and the turns where it could not read."""
        stream = self._streams.pop(slot, None)
        reassembly = self._reassemblies.pop(slot, None)
        turns = self._noted.take(slot)
        if reassembly is not None:
            reassembly.close()
            self._slots.two["missing"][slot] += reassembly.missing
        if stream is None:
            return Upper(), []
        fins = self._slots.two["fin_ns"][slot]
        upper = stream.close(int(self._slots.one["end_ns"][slot]), (bool(fins[CLIENT] >= 0), bool(fins[SERVER] >= 0)))
        events.extend(stream.take_events())
        return upper, turns if stream.unread else []
