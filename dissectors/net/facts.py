"""The facts of `evidence.py` for all packets of a block at once: grouped by connection, folded into the arrays of the
open connections.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dissectors.events import CLIENT, SERVER, Reset
from dissectors.net.evidence import (
    ACK,
    DATA_TAIL,
    DUPLICATE_LAG,
    DUPLICATE_NO_ID_NS,
    DUPLICATE_NS,
    FIN,
    MAC_UNKNOWN,
    MAX_RESETS,
    MAX_STEP,
    REORDER_NS,
    RST,
    SYN,
    TAIL,
    Slots,
    format_mac,
)
from dissectors.net.lives import BEYOND_SYN
from dissectors.net.positions import PLAIN_STEP, follow, follow_acks, wrap
from dissectors.net.rows import Ints
from dissectors.net.segments import MASK32, Segments

NEVER = 1 << 60

Flags = NDArray[np.bool_]


@dataclass(slots=True)
class Rows:
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


@dataclass(slots=True)
class Folded:
    """What handing payload on needs to know of a block's rows."""

    group_start: Ints  # first row of each group, and the end
    data: Flags  # carries payload that is none of keep-alive, RST, out of window
    new: Ints  # payload bytes that were not seen before
    in_order: Flags
    begin: Ints  # position of the first payload byte
    acked: Ints  # position of the other side that it acknowledges; 0: none
    acked_before: Ints  # per group and side, before this block


class Facts:
    """Computes the facts of a block and keeps them in the slots."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    def sort(self, segments: Segments, group: Ints, slots: Ints) -> Rows:
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
            ("frame", frame), ("ns", time_ns), ("side", side), ("flags", flags), ("seq", seq), ("length", length),
            ("ttl", ttl), ("print", fingerprint), ("duplicate", copy),
        ):  # fmt: skip
            ring[name][where] = column[tail]
        one["captured"][slots] += counts
        one["captured_ns"][slots] = time_ns[starts + counts - 1]
        rows = Rows(
            group, side, seq, segments.ack[order], flags, length, segments.captured[order], segments.start[order], ttl,
            segments.mac[order], segments.window[order], time_ns, frame,
        )  # fmt: skip
        if copy.any():
            np.add.at(two["duplicates"], (slot[copy], side[copy]), 1)
            kept = np.flatnonzero(~copy)
            rows = Rows(*(getattr(rows, name)[kept] for name in Rows.__slots__))
        return rows

    def fold(self, rows: Rows, slots: Ints) -> Folded:
        """Computes every fact of the block and updates the open connections; then hands payload on."""
        one, two = self._slots.one, self._slots.two
        total, count = len(rows), len(slots)
        index = np.arange(total)
        group, side, flags, length, time_ns, frame = (
            rows.group,
            rows.side,
            rows.flags,
            rows.length,
            rows.time_ns,
            rows.frame,
        )
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
                int(base[number]),
                int(start_next[number]),
                r_seq[part],
                r_span[part],
                r_rst[part],
                position[part],
                usable[part],
                prior[part],
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
        two["ttl_min"][at] = np.minimum(
            two["ttl_min"][at], np.minimum.reduceat(np.where(r_rst, NEVER, r_ttl), run_start)
        )
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
        where_new = np.empty(total, np.int64)
        where_new[by_run] = new
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
        answers = np.flatnonzero(
            has_ack
            & ~rst
            & (before_expected >= 0)
            & (before_expected == rows.ack)
            & (before_side != side)
            & (time_ns >= before_ns)
        )
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
        return Folded(group_start, data, where_new, in_order, where_begin, acked, acked_before)

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

    def _note_handshake(self, rows: Rows, slots: Ints, syn: Flags, has_ack: Flags, rst: Flags) -> None:
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

    def _note_history(self, letters: tuple[Flags, ...], rows: Rows, heads: Ints, live: Ints) -> None:
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
            codes = sorted(
                np.flatnonzero(fresh[number]).tolist(), key=lambda code: (first[number, code], code % len(letters))
            )
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
