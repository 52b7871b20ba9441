"""TCP connections, a block of packets at a time: the fast path. `plain.py` is its twin that does the same packet by packet.

A block is grouped by connection (order of first appearance, packets of one connection in frame order), the facts of `evidence.py` are
computed for all packets at once and folded into the arrays of the open connections. Payload is handed to a connection's stream: straight
from the block where everything is in order, through `Reassembly` from the first packet on that is not, and not at all once the stream has no use for it.

What comes out does not depend on where blocks are cut.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dissectors.events import CLIENT, SERVER, Event, Reset
from dissectors.net.evidence import (
    ACK,
    CLOSED_LIMIT_NS,
    DATA_TAIL,
    DUPLICATE_LAG,
    DUPLICATE_NO_ID_NS,
    DUPLICATE_NS,
    FIN,
    IDLE_LIMIT_NS,
    LETTERS,
    MAC_UNKNOWN,
    MAX_RESETS,
    MAX_STEP,
    REORDER_NS,
    RST,
    SYN,
    TAIL,
    Slots,
    Upper,
    format_mac,
)
from dissectors.net.positions import PLAIN_STEP, follow, follow_acks, wrap
from dissectors.net.reassembly import Reassembly, Sink
from dissectors.net.rows import Ints
from dissectors.net.segments import MASK32, Segments, address_bytes, client_is_source

NEW, IN_ORDER, CAREFUL, SKIPPED = 0, 1, 2, 3  # how a connection's payload is treated
MAX_OPEN_CONNECTIONS = 1_000_000
NEVER = 1 << 60

Flags = NDArray[np.bool_]


class Stream(Sink, Protocol):
    """What reads a connection's bytes (`dissectors.stream`)."""

    wanted: bool  # False: no use for more bytes
    by_segment: bool  # True: ask `unused` before each segment

    def unused(self, side: int) -> int:
        """How many of the next bytes of a side are of no use but to be counted."""

    def pass_over(self, side: int, count: int, frame: int, time_ns: int) -> None:
        """Counts bytes that are `unused`; the last of them came in `frame`."""

    def take_events(self) -> list[Event]:
        """Events since the last call."""

    def close(self, end_ns: int, ended: tuple[bool, bool]) -> Upper:
        """The connection has ended (`ended`: which sides sent a FIN); the last events can be taken afterwards."""


@dataclass(slots=True)
class _Rows:
    """The columns of a block after grouping, duplicates left out; `group` is ascending, frames ascend within it."""

    group: Ints
    side: Ints
    seq: Ints
    ack: Ints
    flags: Ints
    length: Ints
    captured: Ints
    start: Ints
    ttl: Ints
    mac: Ints
    window: Ints
    time_ns: Ints
    frame: Ints

    def __len__(self) -> int:
        return len(self.group)


class Connections:
    """All TCP connections of one capture."""

    def __init__(
        self, new_stream: Callable[[int], Stream], capture: int = 0, first_id: int = 1, max_open: int = MAX_OPEN_CONNECTIONS
    ) -> None:
        self._new_stream = new_stream
        self._capture = capture
        self._max_open = max_open
        self._slots = Slots()
        self._by_key: dict[int, int] = {}
        self._key_of: dict[int, int] = {}
        self._streams: dict[int, Stream] = {}
        self._reassemblies: dict[int, Reassembly] = {}
        self._superseded: list[tuple[int, bool]] = []
        self.next_id = first_id
        self._now_ns = 0
        self.duplicate_frames = 0

    def block(self, segments: Segments) -> list[Event]:
        """Takes the segments of one block; returns the events they bring."""
        if not len(segments):
            return []
        events: list[Event] = []
        group, slots = self._group(segments)
        rows = self._sort(segments, group, slots)
        if len(rows):
            self._fold(rows, slots, segments, events)
        for slot, evicted in self._superseded:
            self._end(slot, events, evicted=evicted)
        self._superseded.clear()
        self._now_ns = int(segments.time_ns[-1])  # not the latest: after a clock was set back, that would end everything at once
        self._forget(events)
        return events

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
        self, segments: Segments, group: Ints, slots: Ints, first: Ints, fresh: Flags, keys: list[int], opened: list[tuple[int, int]]
    ) -> tuple[Ints, Ints]:
        """Finds where a port pair is used again (a new SYN, or a silence after which nothing is remembered) and gives that its own group."""
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
            lives = _Lives(self._slots, current, bool(fresh[number]))
            group_now = number
            for index in np.flatnonzero(group == number).tolist():
                from_client = int(segments.source_key[index].view(np.int64)) == int(one["client_key"][current])
                if lives.begins_anew(segments, index, CLIENT if from_client else SERVER):
                    silent = lives.silent_at(segments, index)
                    self._superseded.append((current, silent > IDLE_LIMIT_NS and not bool(closed(lives.seen))))
                    del self._key_of[current]
                    current = self._open(segments, index, keys[number])
                    opened.append((index, current))
                    lives = _Lives(self._slots, current, True)
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

    # -- sorting, copies of a packet ----------------------------------------------------------------------------------

    def _sort(self, segments: Segments, group: Ints, slots: Ints) -> _Rows:
        """Groups the columns, writes the last packets down and drops packets that were captured twice."""
        count = len(slots)
        order = np.argsort(group.astype(np.uint16) if count <= 0xFFFF else group, kind="stable")
        group = group[order]
        starts = np.searchsorted(group, np.arange(count))
        counts = np.diff(starts, append=len(group))
        slot = slots[group]
        one, two, ring = self._slots.one, self._slots.two, self._slots.ring
        side = (segments.source_key[order].view(np.int64) != one["client_key"][slot]).astype(np.int64)
        time_ns = segments.time_ns[order]
        fingerprint = segments.fingerprint[order]
        rank = np.arange(len(group)) - starts[group]
        number = one["captured"][slot] + rank
        limit = np.where(segments.ip_id[order] > 0, DUPLICATE_NS, DUPLICATE_NO_ID_NS)
        copy = np.zeros(len(group), np.bool_)
        for lag in range(1, DUPLICATE_LAG + 1):
            inside = np.flatnonzero((fingerprint[lag:] == fingerprint[:-lag]) & (rank[lag:] >= lag)) + lag
            copy[inside[time_ns[inside] - time_ns[inside - lag] <= limit[inside]]] = True
            across = np.flatnonzero((rank < lag) & (number >= lag))
            before = (number[across] - lag) % TAIL
            same = ring["print"][slot[across], before] == fingerprint[across]
            near = time_ns[across] - ring["ns"][slot[across], before] <= limit[across]
            copy[across[same & near]] = True
        frame = segments.frame[order]
        flags = segments.flags[order]
        seq = segments.seq[order]
        length = segments.length[order]
        ttl = segments.ttl[order]
        tail = np.flatnonzero(counts[group] - rank <= TAIL)
        where = (slot[tail], number[tail] % TAIL)
        for name, column in (
            ("frame", frame), ("ns", time_ns), ("side", side), ("flags", flags), ("seq", seq), ("length", length), ("ttl", ttl),
            ("print", fingerprint), ("duplicate", copy),
        ):  # fmt: skip
            ring[name][where] = column[tail]
        one["captured"][slots] += counts
        one["captured_ns"][slots] = time_ns[starts + counts - 1]
        rows = _Rows(
            group, side, seq, segments.ack[order], flags, length, segments.captured[order], segments.start[order], ttl, segments.mac[order],
            segments.window[order], time_ns, frame,
        )  # fmt: skip
        if copy.any():
            self.duplicate_frames += int(copy.sum())
            np.add.at(two["duplicates"], (slot[copy], side[copy]), 1)
            kept = np.flatnonzero(~copy)
            rows = _Rows(*(getattr(rows, name)[kept] for name in _Rows.__slots__))
        return rows

    # -- facts ----------------------------------------------------------------------------------------------------------

    def _fold(self, rows: _Rows, slots: Ints, segments: Segments, events: list[Event]) -> None:
        """Computes every fact of the block and updates the open connections; then hands payload on."""
        one, two = self._slots.one, self._slots.two
        total, count = len(rows), len(slots)
        index = np.arange(total)
        group, side, flags, length, time_ns, frame = rows.group, rows.side, rows.flags, rows.length, rows.time_ns, rows.frame
        group_start = np.searchsorted(group, np.arange(count + 1))
        occupied = np.flatnonzero(np.diff(group_start))  # a group may consist of copies only
        heads = group_start[occupied]
        tails = group_start[occupied + 1] - 1
        live = slots[occupied]
        slot = slots[group]
        syn, fin, rst = (flags & SYN) != 0, (flags & FIN) != 0, (flags & RST) != 0
        has_ack = (flags & ACK) != 0
        span = length + syn + fin

        # runs: the packets of one side of one connection, in frame order
        both = group * 2 + side
        by_run = np.argsort(both.astype(np.uint16) if count <= 0x7FFF else both, kind="stable")
        run_key = both[by_run]
        run_start = np.flatnonzero(np.diff(run_key, prepend=-1))
        run_end = np.append(run_start[1:], total) - 1
        run = np.cumsum(np.diff(run_key, prepend=-1) != 0) - 1
        run_slot, run_side = slots[run_key[run_start] // 2], run_key[run_start] % 2
        at = (run_slot, run_side)
        run_count = len(run_start)
        acked_before = two["acked"][slots]

        def of_run(column: Ints | Flags) -> NDArray[np.int64]:
            return column[by_run]  # type: ignore[return-value]

        r_rst, r_syn, r_fin = rst[by_run], syn[by_run], fin[by_run]
        r_seq, r_length, r_time, r_span = of_run(rows.seq), of_run(length), of_run(time_ns), of_run(span)
        first_fit = np.minimum.reduceat(np.where(r_rst, NEVER, index), run_start)  # first packet that is no RST
        has_fit = first_fit < NEVER
        fit = np.where(has_fit, first_fit, 0)

        # positions
        unknown = two["base"][at] < 0
        fresh_base = unknown & has_fit
        base = np.where(fresh_base, (r_seq[fit] + r_syn[fit]) & MASK32, two["base"][at])
        two["isn"][at] = np.where(fresh_base, r_seq[fit], two["isn"][at])
        known_before = two["next"][at].copy()
        start_next = np.where(fresh_base, -r_syn[fit].astype(np.int64), known_before)
        two["base"][at] = base
        next_seq = (base + start_next) & MASK32
        step = wrap(r_seq - next_seq[run])
        position = start_next[run] + step
        usable = ~r_rst & (np.abs(step) <= MAX_STEP)
        reach = np.where(usable & (r_span > 0), np.maximum(step + r_span, 0), 0) + (run << 32)
        reach = np.maximum.accumulate(reach)
        before = np.empty_like(reach)
        before[1:] = reach[:-1]
        before[run_start] = np.arange(run_count) << 32
        prior = start_next[run] + (before - (run << 32))
        end_next = start_next + (reach[run_end] - (np.arange(run_count) << 32))
        astray = np.unique(run[~r_rst & (np.abs(step) > PLAIN_STEP)])
        for number in astray.tolist():  # positions depend on the packets before more than one step can tell
            part = slice(int(run_start[number]), int(run_end[number]) + 1)
            end_next[number] = follow(
                int(base[number]), int(start_next[number]), r_seq[part], r_span[part], r_rst[part], position[part], usable[part], prior[part]
            )
        end = position + r_span
        first_fin = np.minimum.reduceat(np.where(r_fin, index, NEVER), run_start)
        fin_before = (two["fin_ns"][at] >= 0)[run] | (index > first_fin[run])
        keepalive = usable & (r_length <= 1) & ~r_syn & ~r_fin & (position == prior - 1) & ~fin_before
        is_data = usable & (r_length > 0) & ~keepalive
        begin = position + r_syn
        previous = np.empty_like(r_time)
        previous[1:] = r_time[:-1]
        previous[run_start] = two["last_ns"][at]
        again = is_data & (begin < prior) & (r_time - previous > REORDER_NS) & (previous >= 0)
        new = np.where(is_data, np.maximum(begin + r_length - np.maximum(begin, prior), 0), 0)
        fresh = new > 0

        # evidence of each side
        two["next"][at] = end_next
        two["frames"][at] += run_end - run_start + 1
        two["sent"][at] += np.add.reduceat(np.where(is_data, r_length, 0), run_start)
        cut = of_run(length - rows.captured)
        two["missing"][at] += np.add.reduceat(np.minimum(cut, new), run_start)
        two["retransmissions"][at] += np.add.reduceat(again.astype(np.int64), run_start)
        two["keepalives"][at] += np.add.reduceat(keepalive.astype(np.int64), run_start)
        zero = (of_run(rows.window) == 0) & ~r_rst & ~r_syn
        two["zero_windows"][at] += np.add.reduceat(zero.astype(np.int64), run_start)
        r_ttl, r_mac, r_frame = of_run(rows.ttl), of_run(rows.mac), of_run(frame)
        two["ttl_min"][at] = np.minimum(two["ttl_min"][at], np.minimum.reduceat(np.where(r_rst, NEVER, r_ttl), run_start))
        two["ttl_max"][at] = np.maximum(two["ttl_max"][at], np.maximum.reduceat(np.where(r_rst, -1, r_ttl), run_start))
        mac = np.where((two["mac"][at] == MAC_UNKNOWN) & has_fit, r_mac[fit], two["mac"][at])
        two["mac"][at] = mac
        two["macs_differ"][at] |= np.logical_or.reduceat(~r_rst & (r_mac != mac[run]), run_start)
        two["first_ns"][at] = np.where(two["first_ns"][at] < 0, r_time[run_start], two["first_ns"][at])
        two["last_ns"][at] = r_time[run_end]
        two["last_frame"][at] = r_frame[run_end]
        last_new = np.maximum.reduceat(np.where(fresh, index, -1), run_start)
        seen_new = last_new >= 0
        two["last_data_ns"][at] = np.where(seen_new, r_time[last_new], two["last_data_ns"][at])
        two["last_data_frame"][at] = np.where(seen_new, r_frame[last_new], two["last_data_frame"][at])
        finished_before = two["fin_ns"][at] >= 0
        finished = (first_fin < NEVER) & ~finished_before
        fin_at = np.where(finished, first_fin, 0)
        two["fin_ns"][at] = np.where(finished, r_time[fin_at], two["fin_ns"][at])
        two["fin_frame"][at] = np.where(finished, r_frame[fin_at], two["fin_frame"][at])
        self._note_data(at, run, index[fresh], end, r_time)

        # back to frame order
        data = np.empty(total, np.bool_)
        data[by_run] = is_data
        repeated = np.empty(total, np.bool_)
        repeated[by_run] = again
        where_begin = np.empty(total, np.int64)
        where_begin[by_run] = begin
        where_reached = np.empty(total, np.int64)
        where_reached[by_run] = np.where(usable & (r_span > 0), np.maximum(prior, end), prior)

        # what each side acknowledged of the other
        base_of = np.full((count, 2), -1, np.int64)
        next_of = np.zeros((count, 2), np.int64)
        known_at = np.full((count, 2), NEVER, np.int64)  # from which packet on the side's base is known
        for which in (CLIENT, SERVER):
            base_of[:, which] = two["base"][slots, which]
            next_of[:, which] = two["next"][slots, which]
            known_at[:, which] = np.where(base_of[:, which] >= 0, -1, NEVER)
        run_group = run_key[run_start] // 2
        known_at[run_group[fresh_base], run_side[fresh_base]] = by_run[fit[fresh_base]]
        next_of[run_group, run_side] = start_next
        other = 1 - side
        acked_step = wrap(rows.ack - ((base_of[group, other] + next_of[group, other]) & MASK32))
        acks = has_ack & ~rst & (known_at[group, other] < index) & (np.abs(acked_step) <= MAX_STEP)
        acked = np.where(acks, next_of[group, other] + acked_step, 0)
        strange = has_ack & ~rst & (known_at[group, other] < index) & (np.abs(acked_step) > PLAIN_STEP)
        for number in np.unique(np.concatenate([run_group[astray], group[strange]])).tolist():
            low, high = int(group_start[number]), int(group_start[number + 1])
            known = [int(value) - low for value in known_at[number]]
            acked[low:high] = follow_acks(
                base_of[number].tolist(), next_of[number].tolist(), known, side[low:high], rows.ack[low:high],
                (has_ack & ~rst)[low:high], where_reached[low:high],
            )  # fmt: skip
        flipped = (run_slot, 1 - run_side)
        two["acked"][flipped] = np.maximum(two["acked"][flipped], np.maximum.reduceat(acked[by_run], run_start))

        # retransmissions without an answer
        last_of = np.full((count, 2), -1, np.int64)
        last_of[run_group, run_side] = by_run[run_end]
        for which in (CLIENT, SERVER):
            answered = last_of[occupied, 1 - which] >= 0
            two["repeats"][live[answered], which] = 0
        unanswered = np.flatnonzero(repeated & (index > last_of[group, other]))
        np.add.at(two["repeats"], (slot[unanswered], side[unanswered]), 1)

        # smallest round trip
        expected = np.where(rst, -1, np.where(span > 0, (rows.seq + span) & MASK32, -1))
        before_expected, before_side, before_ns = np.roll(expected, 1), np.roll(side, 1), np.roll(time_ns, 1)
        before_frame = np.roll(frame, 1)
        before_expected[heads] = one["expected_ack"][live]
        before_side[heads] = one["last_side"][live]
        before_ns[heads] = one["end_ns"][live]
        before_frame[heads] = np.where(one["packets"][live] > 0, one["last_frame"][live], -1)
        answers = np.flatnonzero(has_ack & ~rst & (before_expected >= 0) & (before_expected == rows.ack) & (before_side != side) & (time_ns >= before_ns))
        np.minimum.at(two["rtt_ns"], (slot[answers], side[answers]), time_ns[answers] - before_ns[answers])

        self._note_handshake(rows, slots, syn, has_ack, rst)
        letters = (syn & ~has_ack, syn & has_ack, has_ack & (length == 0) & ~(syn | fin | rst), data, fin, rst)
        self._note_history(letters, rows, heads, live)
        for number in np.flatnonzero(rst).tolist():
            resets = self._slots.resets.setdefault(int(slot[number]), [])
            if len(resets) < MAX_RESETS:
                after = int(before_frame[number])
                resets.append(
                    Reset(
                        side=int(side[number]),
                        frame=int(frame[number]),
                        time_ns=int(time_ns[number]),
                        has_ack=bool(has_ack[number]),
                        ttl=int(rows.ttl[number]),
                        mac=format_mac(int(rows.mac[number])),
                        window=int(rows.window[number]),
                        payload_bytes=int(length[number]),
                        after_frame=after if after >= 0 else None,
                        after_side=int(before_side[number]) if after >= 0 else None,
                        after_ns=int(time_ns[number] - before_ns[number]) if after >= 0 else None,
                    )
                )
        one["expected_ack"][live] = expected[tails]
        one["last_side"][live] = side[tails]
        one["end_ns"][live] = time_ns[tails]
        one["last_frame"][live] = frame[tails]
        one["packets"][live] += tails - heads + 1

        # in order: each payload begins where the one before it ended, the first one where the last block's ended
        carried = np.flatnonzero(is_data)
        wanted = np.empty(len(carried), np.int64)
        wanted[1:] = (begin + r_length)[carried[:-1]]
        opening = np.flatnonzero(np.diff(run[carried], prepend=-1))
        wanted[opening] = two["delivered"][at][run[carried[opening]]]
        in_order = np.ones(total, np.bool_)
        in_order[by_run[carried]] = (begin[carried] == wanted) & (cut[carried] == 0)
        self._hand_on(rows, slots, group_start, data, in_order, where_begin, acked, acked_before, segments, events)

    def _note_data(self, at: tuple[Ints, Ints], run: Ints, fresh: Ints, end: Ints, time_ns: Ints) -> None:
        """Keeps the last data segments of each side: what was never acknowledged, and since when, is read from them."""
        fresh_run = run[fresh]
        first = np.searchsorted(fresh_run, np.arange(len(at[0])))
        counts = np.diff(first, append=len(fresh))
        segments = self._slots.two["data_segments"]
        rank = np.arange(len(fresh)) - first[fresh_run]
        kept = np.flatnonzero(counts[fresh_run] - rank <= DATA_TAIL)
        slot, side = at[0][fresh_run[kept]], at[1][fresh_run[kept]]
        place = (segments[slot, side] + rank[kept]) % DATA_TAIL
        self._slots.data_ring["end"][slot, side, place] = end[fresh[kept]]
        self._slots.data_ring["ns"][slot, side, place] = time_ns[fresh[kept]]
        segments[at] += counts

    def _note_handshake(self, rows: _Rows, slots: Ints, syn: Flags, has_ack: Flags, rst: Flags) -> None:
        """Times of SYN, SYN+ACK and the ACK that completes the handshake."""
        one = self._slots.one
        client = rows.side == CLIENT
        after = np.full(len(slots), -1, np.int64)  # the packet of this block from which on both are known
        for name, mask in (("syn_ns", syn & ~has_ack & client), ("synack_ns", syn & has_ack & ~client)):
            found = np.flatnonzero(mask)
            for number in found[np.diff(rows.group[found], prepend=-1) != 0].tolist():
                slot = slots[rows.group[number]]
                if one[name][slot] < 0:
                    one[name][slot] = rows.time_ns[number]
                    after[rows.group[number]] = max(number, after[rows.group[number]])
        waiting = (one["synack_ns"][slots] >= 0) & (one["handshake_ns"][slots] < 0) & (one["syn_ns"][slots] >= 0)
        if not waiting.any():
            return
        completes = client & has_ack & ~syn & ~rst & waiting[rows.group] & (np.arange(len(rows)) > after[rows.group])
        found = np.flatnonzero(completes)
        first = found[np.diff(rows.group[found], prepend=-1) != 0]
        slot = slots[rows.group[first]]
        one["handshake_ns"][slot] = np.maximum(rows.time_ns[first] - one["syn_ns"][slot], 0)

    def _note_history(self, letters: tuple[Flags, ...], rows: _Rows, heads: Ints, live: Ints) -> None:
        """Appends the letters that a connection shows for the first time, and the packet that first ended it."""
        one = self._slots.one
        index = np.arange(len(rows))
        first = np.empty((len(heads), 2 * len(letters)), np.int64)
        for code, mask in enumerate(letters):
            for side in (CLIENT, SERVER):
                marked = np.where(mask & (rows.side == side), index, NEVER)
                first[:, code + side * len(letters)] = np.minimum.reduceat(marked, heads)
        bits = 1 << np.arange(first.shape[1])
        fresh = (first < NEVER) & (one["seen"][live][:, None] & bits == 0)
        for number in np.flatnonzero(fresh.any(axis=1)).tolist():
            slot = live[number]
            codes = sorted(np.flatnonzero(fresh[number]).tolist(), key=lambda code: (first[number, code], code % len(letters)))
            packed, size = int(one["history"][slot]), int(one["history_length"][slot])
            for code in codes:
                packed |= code << (4 * size)
                size += 1
                ends = code % len(letters) - 3  # 1: FIN, 2: RST
                if ends > 0 and one["close_kind"][slot] == 0:
                    packet = first[number, code]
                    one["close_kind"][slot] = ends
                    one["close_side"][slot] = code // len(letters)
                    one["close_ns"][slot] = rows.time_ns[packet]
                    one["close_frame"][slot] = rows.frame[packet]
            one["history"][slot], one["history_length"][slot] = packed, size
            one["seen"][slot] |= int(bits[fresh[number]].sum())
        one["seen"][live] |= np.where(np.logical_and.reduceat(rows.flags & SYN != 0, heads), 0, BEYOND_SYN)

    # -- payload ----------------------------------------------------------------------------------------------------------

    def _hand_on(
        self, rows: _Rows, slots: Ints, group_start: Ints, data: Flags, in_order: Flags, begin: Ints, acked: Ints, acked_before: Ints,
        segments: Segments, events: list[Event],
    ) -> None:  # fmt: skip
        """Gives each connection's stream its new bytes."""
        modes = self._slots.one["mode"]
        mode = modes[slots]
        count = len(slots)
        has_data = np.zeros(count, np.bool_)
        has_data[rows.group[data]] = True
        orderly = np.ones(count, np.bool_)
        orderly[rows.group[~in_order]] = False
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
        buffer = memoryview(segments.data)
        last = payload[np.array(bounds[1:], np.int64) - 1]  # of each chunk; a later chunk of the same side overwrites the earlier
        self._slots.two["delivered"][slots[rows.group[last]], rows.side[last]] = begin[last] + rows.length[last]
        slot_list, fast_list = slots.tolist(), fast.tolist()
        for number in work.tolist():
            slot = slot_list[number]
            stream = self._streams.get(slot)
            if stream is None:
                stream = self._streams[slot] = self._new_stream(int(self._slots.one["connection_id"][slot]))
            if not fast_list[number]:
                packets = range(int(group_start[number]), int(group_start[number + 1]))
                self._carefully(slot, stream, rows, packets, data, begin, acked, acked_before[number], buffer)
                modes[slot] = self._settle(slot, stream)
                events.extend(stream.take_events())
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
                        stream.feed(side, bytes(buffer[starts[low] : starts[low] + size]), [size], [frames[low]], [times[low]])
                    else:
                        joined = b"".join([buffer[starts[k] : starts[k] + lengths[k]] for k in range(low, until)])
                        stream.feed(side, joined, list(accumulate(lengths[low:until])), frames[low:until], times[low:until])
                    low = until if stream.wanted else high
                if not stream.wanted:
                    break
            modes[slot] = IN_ORDER if stream.wanted else SKIPPED
            events.extend(stream.take_events())

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
        self, slot: int, stream: Stream, rows: _Rows, packets: range, data: Flags, begin: Ints, acked: Ints, acked_before: Ints, buffer: memoryview
    ) -> None:
        """Passes the packets of one connection through its Reassembly."""
        reassembly = self._reassemblies.get(slot)
        if reassembly is None:
            delivered = self._slots.two["delivered"][slot]
            reassembly = self._reassemblies[slot] = Reassembly(stream, (int(delivered[CLIENT]), int(delivered[SERVER])))
            reassembly.acked = acked_before.tolist()
        first, after = packets.start, packets.stop
        columns = (rows.side, rows.time_ns, data, begin, rows.start, rows.captured, rows.length, rows.frame, acked)
        for side, time_ns, is_data, position, start, captured, length, frame, reached in zip(
            *(column[first:after].tolist() for column in columns), strict=True
        ):
            if is_data:
                if stream.by_segment and captured == length and reassembly.passes(side, position) and length <= stream.unused(side):
                    reassembly.next[side] += length
                    stream.pass_over(side, length, frame, time_ns)
                else:
                    reassembly.segment(side, position, bytes(buffer[start : start + captured]), length, frame, time_ns)
            if not stream.wanted:
                return
            reassembly.acknowledged(1 - side, reached, time_ns)

    # -- endings --------------------------------------------------------------------------------------------------------

    def _end(self, slot: int, events: list[Event], *, evicted: bool) -> None:
        key = self._key_of.pop(slot, None)
        if key is not None and self._by_key.get(key) == slot:
            del self._by_key[key]
        stream = self._streams.pop(slot, None)
        reassembly = self._reassemblies.pop(slot, None)
        if reassembly is not None:
            reassembly.close()
            self._slots.two["missing"][slot] += reassembly.missing
        upper = Upper()
        if stream is not None:
            fins = self._slots.two["fin_ns"][slot]
            upper = stream.close(int(self._slots.one["end_ns"][slot]), (bool(fins[CLIENT] >= 0), bool(fins[SERVER] >= 0)))
            events.extend(stream.take_events())
        events.append(self._slots.connection(slot, self._capture, upper, evicted))
        self._slots.release(slot)

    def _given_up(self, slots: Ints, now_ns: int) -> Flags:
        """Connections that were silent for too long without having ended."""
        silence = now_ns - self._slots.one["captured_ns"][slots]
        return (silence > IDLE_LIMIT_NS) & ~closed(self._slots.one["seen"][slots])

    def _forget(self, events: list[Event]) -> None:
        """Ends the connections that a later packet could no longer belong to, and the stalest ones when there are too many."""
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


class _Lives:
    """Tells where a port pair begins a new life, packet by packet (only looked at where something is suspicious).

    New: a SYN whose number differs from the one that opened this life (a simultaneous open and a SYN that was captured late are not new);
    any packet after IDLE_LIMIT_NS of silence, or after CLOSED_LIMIT_NS when the connection had ended.
    """

    def __init__(self, slots: Slots, slot: int, fresh: bool) -> None:
        self.isn = [int(slots.two["isn"][slot, side]) for side in (CLIENT, SERVER)]
        self.seen = 0 if fresh else int(slots.one["seen"][slot])
        self.last_ns: int | None = None if fresh else int(slots.one["captured_ns"][slot])

    def begins_anew(self, segments: Segments, index: int, side: int) -> bool:
        if self.last_ns is None:
            return False
        silence = self.silent_at(segments, index)
        if silence > IDLE_LIMIT_NS or (silence > CLOSED_LIMIT_NS and bool(closed(self.seen))):
            return True
        if int(segments.flags[index]) & (SYN | ACK) != SYN:
            return False
        if self.isn[side] >= 0:
            return self.isn[side] != int(segments.seq[index])
        return bool(self.seen & BEYOND_SYN)

    def silent_at(self, segments: Segments, index: int) -> int:
        """For how long nothing was seen before this packet."""
        return 0 if self.last_ns is None else int(segments.time_ns[index]) - self.last_ns

    def saw(self, segments: Segments, index: int, side: int) -> None:
        flags = int(segments.flags[index])
        self.last_ns = int(segments.time_ns[index])
        if self.isn[side] < 0 and not flags & RST:
            self.isn[side] = int(segments.seq[index])
        code = 5 if flags & RST else 4 if flags & FIN else None
        self.seen |= 0 if flags & SYN else BEYOND_SYN
        self.seen |= 0 if code is None else 1 << (code + len(LETTERS) * side)


# bits of `seen`: the letters of evidence.LETTERS, client then server
BEYOND_SYN = 1 << 12  # and one more: something that is no SYN
_CLIENT_FIN, _SERVER_FIN, _ANY_RST = 1 << 4, 1 << 10, (1 << 5) | (1 << 11)


def closed(seen: Ints | int) -> Flags:
    """Whether a connection with these letters has ended: a RST, or a FIN of both sides."""
    bits = np.asarray(seen)
    return ((bits & _ANY_RST) != 0) | ((bits & (_CLIENT_FIN | _SERVER_FIN)) == (_CLIENT_FIN | _SERVER_FIN))
