"""The facts of `evidence.py` for many packets at once: grouped by connection, folded into the rows of the open
connections.

It is done a few thousand packets at a time (`columns.PIECE`): the arrays of a piece stay in the processor's cache.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dissectors import native
from dissectors.events import Reset
from dissectors.net.evidence import (
    ACK,
    DATA_TAIL,
    DUPLICATE_LAG,
    DUPLICATE_NO_ID_NS,
    DUPLICATE_NS,
    FIN,
    MAC_UNKNOWN,
    MAX_INT,
    MAX_RESETS,
    MAX_STEP,
    REORDER_NS,
    RST,
    SYN,
    TAIL,
    Slots,
    format_mac,
)
from dissectors.net.firsts import letters_shown, note_handshake, note_history
from dissectors.net.positions import PLAIN_STEP, follow, follow_acks, wrap
from dissectors.net.rows import Ints, Narrow, starts
from dissectors.net.segments import MASK32, Segments

NEVER = 1 << 60

Flags = NDArray[np.bool_]


@dataclass(slots=True)
class Rows:
    """The columns of a piece after grouping, duplicates left out; `group` is ascending, frames ascend within it."""

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
    """What handing payload on needs to know of a piece: of each connection that has packets in it, and of each packet
    that is no copy of one before. Packets of a connection stand together, in frame order.
    """

    slots: Ints  # of each connection
    group_start: Ints  # its first packet, and the end
    acked_before: Ints  # per side, before this piece
    group: Ints  # of each packet: which of these connections
    side: Narrow
    time_ns: Ints
    frame: Ints
    start: Ints  # of the payload in the block's data
    captured: Ints
    length: Ints
    data: Flags  # carries payload that is none of keep-alive, RST, out of window
    new: Ints  # payload bytes that were not seen before
    in_order: Flags
    begin: Ints  # position of the first payload byte
    acked: Ints  # position of the other side that it acknowledges; 0: none


class Facts:
    """Computes the facts of a piece and keeps them in the slots."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    def take(self, segments: Segments, order: Ints, counts: Ints, slots: Ints) -> Folded | None:
        """Takes the segments at `order`, `counts` of each connection; None if they are all copies of earlier ones."""
        if native.enabled:
            return self._take_compiled(segments, order, counts, slots)
        rows, present = self._sort(segments, order, counts, slots)
        return self._fold(rows, present) if len(rows) else None

    def _take_compiled(self, segments: Segments, order: Ints, counts: Ints, slots: Ints) -> Folded | None:
        longs, bits, group_start, acked_before, present, resets = native.facts.fold(
            segments, order, counts, slots, self._slots.memory
        )
        for slot, reset in resets:
            self._note_reset(slot, reset)
        if not len(present):
            return None
        group, time_ns, frame, start, captured, length, new, begin, acked = longs
        side, data, in_order = bits[0], bits[1].view(np.bool_), bits[2].view(np.bool_)
        return Folded(
            present, group_start, acked_before, group, side, time_ns, frame, start, captured, length, data, new,
            in_order, begin, acked,
        )  # fmt: skip

    def _sort(self, segments: Segments, order: Ints, counts: Ints, slots: Ints) -> tuple[Rows, Ints]:
        """Groups the segments, writes the last packets down and drops packets that were captured twice. Returns the
        rows and the slot of each group in them.
        """
        opening_rows = np.cumsum(counts) - counts
        group = np.repeat(np.arange(len(slots)), counts)
        one, two, ring = self._slots.one, self._slots.two, self._slots.packets
        side = (segments.source_key[order].view(np.int64) != np.repeat(one["client_key"][slots], counts)).astype(
            np.int64
        )
        time_ns, fingerprint = segments.time_ns[order], segments.fingerprint[order]
        rank = np.arange(len(group)) - np.repeat(opening_rows, counts)
        number = np.repeat(one["captured"][slots], counts) + rank
        slot = np.repeat(slots, counts)
        copy = np.zeros(len(group), np.bool_)
        likely: list[tuple[Ints, Ints]] = []  # packets that look like an earlier one, and its time
        opening = np.flatnonzero((rank < DUPLICATE_LAG) & (number > 0))  # perhaps like packets of an earlier piece
        for lag in range(1, DUPLICATE_LAG + 1):
            same = np.flatnonzero(fingerprint[lag:] == fingerprint[:-lag]) + lag
            same = same[rank[same] >= lag]
            likely.append((same, time_ns[same - lag]))
            if len(opening):
                across = opening[(rank[opening] < lag) & (number[opening] >= lag)]
                past = ring[slot[across], (number[across] - lag) % TAIL]
                equal = past[:, _PRINT] == fingerprint[across]
                likely.append((across[equal], past[equal, _NS]))
        for again, before_ns in likely:
            if len(again):  # a copy comes soon
                limit = np.where(segments.ip_id[order[again]] > 0, DUPLICATE_NS, DUPLICATE_NO_ID_NS)
                copy[again[time_ns[again] - before_ns <= limit]] = True
        rows = Rows(
            group, side, segments.seq[order], segments.ack[order], segments.flags[order].astype(np.int64),
            segments.length[order], segments.captured[order], segments.start[order],
            segments.ttl[order].astype(np.int64), segments.mac[order], segments.window[order].astype(np.int64),
            time_ns, segments.frame[order],
        )  # fmt: skip
        tail = np.flatnonzero(np.repeat(counts, counts) - rank <= TAIL)
        last = np.empty((len(tail), len(Slots.RING)), np.int64)
        for place, column in enumerate(
            (rows.frame, time_ns, side, rows.flags, rows.seq, rows.length, rows.ttl, fingerprint, copy)
        ):
            last[:, place] = column[tail]
        ring[slot[tail], number[tail] % TAIL] = last
        one["captured"][slots] += counts
        one["captured_ns"][slots] = time_ns[opening_rows + counts - 1]
        if not copy.any():
            return rows, slots
        np.add.at(two["duplicates"], (slot[copy], side[copy]), 1)
        kept = np.flatnonzero(~copy)
        rows = Rows(*(getattr(rows, name)[kept] for name in Rows.__slots__))
        present, rows.group = np.unique(rows.group, return_inverse=True)  # a group may have consisted of copies only
        return rows, slots[present]

    def _fold(self, rows: Rows, slots: Ints) -> Folded:
        """Computes every fact of the piece and updates the open connections. Each group has a row."""
        total, count = len(rows), len(slots)
        index = np.arange(total)
        group, side, flags, length, time_ns = rows.group, rows.side, rows.flags, rows.length, rows.time_ns
        heads = starts(group)
        group_start = np.append(heads, total)
        table, sides = self._slots.sides(slots)
        rst = (flags & RST) != 0
        has_rst = bool(rst.any())
        has_ack = ((flags & ACK) != 0) & ~rst
        syn_fin = (flags & (SYN | FIN)) != 0
        span = length + (flags & SYN != 0) + (flags & FIN != 0) if syn_fin.any() else length

        # runs: the packets of one side of one connection, in frame order; side s of group k is run key 2k + s
        both = group * 2 + side
        by_run = np.argsort(both.astype(np.uint16) if count <= 0x7FFF else both, kind="stable")
        run_key = both[by_run]
        run_start = starts(run_key)
        run_length = np.diff(run_start, append=total)
        run_end = run_start + run_length - 1
        at = run_key[run_start]
        run_count = len(at)
        run = np.repeat(np.arange(run_count), run_length)
        mine = {name: column[at] for name, column in sides.items()}  # of each run
        acked_before = sides["acked"].reshape(count, 2).copy()

        r_flags, r_seq, r_length, r_time = flags[by_run], rows.seq[by_run], length[by_run], time_ns[by_run]
        r_frame = rows.frame[by_run]
        r_span = span[by_run] if span is not length else r_length
        r_syn, r_fin, r_rst = (r_flags & SYN) != 0, (r_flags & FIN) != 0, (r_flags & RST) != 0
        fit, has_fit = run_start, np.ones(run_count, np.bool_)  # first packet that is no RST
        if has_rst:
            first_fit = np.minimum.reduceat(np.where(r_rst, NEVER, index), run_start)
            has_fit = first_fit < NEVER
            fit = np.where(has_fit, first_fit, 0)

        # positions
        fresh_base = (mine["base"] < 0) & has_fit
        base = np.where(fresh_base, (r_seq[fit] + r_syn[fit]) & MASK32, mine["base"])
        start_next = np.where(fresh_base, -r_syn[fit].astype(np.int64), mine["next"])
        step = wrap(r_seq - np.repeat((base + start_next) & MASK32, run_length))
        position = np.repeat(start_next, run_length) + step
        wide = np.abs(step)
        usable = wide <= MAX_STEP
        if has_rst:
            usable &= ~r_rst
        offset = run << 32  # one running maximum over all runs
        reach = np.maximum.accumulate(np.where(usable & (r_span > 0), np.maximum(step + r_span, 0), 0) + offset)
        before = np.empty_like(reach)
        before[1:] = reach[:-1]
        before[run_start] = offset[run_start]
        before -= offset
        prior = np.repeat(start_next, run_length) + before
        end_next = start_next + (reach[run_end] - offset[run_end])
        astray = run[~r_rst & (wide > PLAIN_STEP)]
        for number in sorted(
            set(astray.tolist())
        ):  # positions depend on the packets before more than one step can tell
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
        first_fin = np.full(run_count, NEVER)
        fins = np.flatnonzero(r_fin)
        first_fin[run[fins[::-1]]] = fins[::-1]
        keepalive = usable & (r_length <= 1) & (position == prior - 1)
        if keepalive.any():
            fin_before = np.repeat(mine["fin_ns"] >= 0, run_length) | (index > np.repeat(first_fin, run_length))
            keepalive &= ~(r_syn | r_fin | fin_before)
        is_data = usable & (r_length > 0) & ~keepalive
        begin = position + r_syn
        old = is_data & (begin < prior)  # retransmitted, reordered or overlapping
        new = np.where(is_data, r_length, 0)
        if old.any():
            new = np.where(old, np.maximum(begin + r_length - prior, 0), new)
        previous = np.empty_like(r_time)
        previous[1:] = r_time[:-1]
        previous[run_start] = mine["last_ns"]
        again = old & (r_time - previous > REORDER_NS) & (previous >= 0)
        fresh = np.flatnonzero(new)

        # evidence of each side
        def add(name: str, values: Ints | Flags) -> None:
            if values.any():
                mine[name] += np.add.reduceat(values, run_start, dtype=np.int64)

        mine["base"], mine["isn"] = base, np.where(fresh_base, r_seq[fit], mine["isn"])
        mine["next"] = end_next
        mine["frames"] += run_length
        cut = (length - rows.captured)[by_run]
        add("sent", np.where(is_data, r_length, 0))
        add("missing", np.minimum(cut, new))
        add("retransmissions", again)
        add("keepalives", keepalive)
        add("zero_windows", (rows.window[by_run] == 0) & ((r_flags & (RST | SYN)) == 0))
        r_ttl, r_mac = rows.ttl[by_run], rows.mac[by_run]
        low, high = (np.where(r_rst, MAX_INT, r_ttl), np.where(r_rst, -1, r_ttl)) if has_rst else (r_ttl, r_ttl)
        mine["ttl_min"] = np.minimum(mine["ttl_min"], np.minimum.reduceat(low, run_start))
        mine["ttl_max"] = np.maximum(mine["ttl_max"], np.maximum.reduceat(high, run_start))
        mine["mac"] = np.where((mine["mac"] == MAC_UNKNOWN) & has_fit, r_mac[fit], mine["mac"])
        other_mac = (r_mac != np.repeat(mine["mac"], run_length)) & ~r_rst
        if other_mac.any():
            mine["macs_differ"] |= np.logical_or.reduceat(other_mac, run_start)
        mine["first_ns"] = np.where(mine["first_ns"] < 0, r_time[run_start], mine["first_ns"])
        mine["last_ns"], mine["last_frame"] = r_time[run_end], r_frame[run_end]
        last_fresh = np.searchsorted(fresh, run_end, side="right") - 1
        seen = np.flatnonzero((last_fresh >= 0) & (fresh[last_fresh] >= run_start)) if len(fresh) else fresh
        mine["last_data_ns"][seen] = r_time[fresh[last_fresh[seen]]]
        mine["last_data_frame"][seen] = r_frame[fresh[last_fresh[seen]]]
        finished = np.flatnonzero((first_fin < NEVER) & (mine["fin_ns"] < 0))
        mine["fin_ns"][finished] = r_time[first_fin[finished]]
        mine["fin_frame"][finished] = r_frame[first_fin[finished]]
        self._note_data(slots, at, mine["data_segments"], run[fresh], end[fresh], r_time[fresh])

        # back to frame order
        data = np.empty(total, np.bool_)
        data[by_run] = is_data
        where_new, where_begin = np.empty(total, np.int64), np.empty(total, np.int64)
        where_new[by_run], where_begin[by_run] = new, begin

        # what each side acknowledged of the other
        bases, nexts = sides["base"].copy(), sides["next"].copy()
        bases[at], nexts[at] = base, start_next
        known_at = np.where(sides["base"] >= 0, -1, NEVER)  # from which packet on the side's base is known
        known_at[at[fresh_base]] = by_run[fit[fresh_base]]
        other = both ^ 1
        acked_step = wrap(rows.ack - ((bases + nexts) & MASK32)[other])
        wide = np.abs(acked_step)
        heard = has_ack & (known_at[other] < index)
        acked = np.where(heard & (wide <= MAX_STEP), nexts[other] + acked_step, 0)
        strange = group[heard & (wide > PLAIN_STEP)]
        if len(strange) or len(astray):
            reached = np.empty(total, np.int64)
            reached[by_run] = np.where(usable & (r_span > 0), np.maximum(prior, end), prior)
            for number in sorted({*(at[astray] // 2).tolist(), *strange.tolist()}):
                part = slice(int(group_start[number]), int(group_start[number + 1]))
                pair = slice(2 * number, 2 * number + 2)
                known = [value - part.start for value in known_at[pair].tolist()]
                acked[part] = follow_acks(
                    bases[pair].tolist(), nexts[pair].tolist(), known, side[part], rows.ack[part], has_ack[part],
                    reached[part],
                )  # fmt: skip
        for name, values in mine.items():
            sides[name][at] = values
        of_other = at ^ 1
        sides["acked"][of_other] = np.maximum(sides["acked"][of_other], np.maximum.reduceat(acked[by_run], run_start))

        # retransmissions without an answer
        sides["repeats"][of_other] = 0
        if again.any():
            last_of = np.full(2 * count, -1, np.int64)
            last_of[at] = by_run[run_end]
            repeated = by_run[again]
            np.add.at(sides["repeats"], both[repeated[repeated > last_of[other[repeated]]]], 1)

        self._note_neighbours(rows, slots, sides, heads, span, has_ack, rst)
        self._slots.put_sides(slots, table)
        note_handshake(self._slots, rows, slots, heads)
        note_history(self._slots, rows, slots, by_run, run, at, letters_shown(r_flags, r_length, is_data))

        # in order: what is new begins where the new before it ended, the first where the last piece's ended, and is
        # there to its last byte; what is not new was delivered before
        in_order = np.ones(total, np.bool_)
        opening = starts(run[fresh])
        wanted = np.empty(len(fresh), np.int64)
        wanted[1:] = (begin + r_length)[fresh[:-1]]
        wanted[opening] = mine["delivered"][run[fresh[opening]]]
        in_order[by_run[fresh]] = (begin[fresh] == wanted) & (cut[fresh] == 0)
        stale = np.flatnonzero(is_data & (new == 0))
        if len(stale):
            newest = np.searchsorted(fresh, stale) - 1
            inside = (newest >= 0) & (fresh[newest] >= run_start[run[stale]]) if len(fresh) else stale < 0
            reached = mine["delivered"][run[stale]]
            reached[inside] = (begin + r_length)[fresh[newest[inside]]]
            in_order[by_run[stale]] = (begin + r_length)[stale] <= reached
        return Folded(
            slots, group_start, acked_before, group, side, time_ns, rows.frame, rows.start, rows.captured, length, data,
            where_new, in_order, where_begin, acked,
        )  # fmt: skip

    def _note_data(self, slots: Ints, at: Ints, segments: Ints, run: Ints, end: Ints, time_ns: Ints) -> None:
        """Keeps the last data segments of each side: what was never acknowledged, and since when, is read from them."""
        first = np.searchsorted(run, np.arange(len(at)))
        counts = np.diff(first, append=len(run))
        rank = np.arange(len(run)) - np.repeat(first, counts)
        kept = np.flatnonzero(np.repeat(counts, counts) - rank <= DATA_TAIL)
        where = at[run[kept]]
        ring = self._slots.segments
        ring[slots[where >> 1], where & 1, (segments[run[kept]] + rank[kept]) % DATA_TAIL] = np.stack(
            [end[kept], time_ns[kept]], axis=1
        )
        segments += counts

    def _note_neighbours(
        self, rows: Rows, slots: Ints, sides: dict[str, Ints], heads: Ints, span: Ints, has_ack: Flags, rst: Flags
    ) -> None:
        """What a packet says of the one before it on its connection: the round trip it ends, what a RST came after."""
        one = self._slots.one
        side, time_ns, frame = rows.side, rows.time_ns, rows.frame
        expected = np.where((span > 0) & ~rst, (rows.seq + span) & MASK32, -1)
        tails = np.append(heads[1:], len(rows)) - 1
        before_expected = np.empty_like(expected)
        before_expected[1:] = expected[:-1]
        before_expected[heads] = one["expected_ack"][slots]
        answers = np.flatnonzero((before_expected == rows.ack) & has_ack)
        resets = np.flatnonzero(rst)
        seen = np.union1d(answers, resets) if len(resets) else answers
        before = seen - 1  # the packet before each
        before_side, before_ns, before_frame = side[before], time_ns[before], frame[before]
        where = np.flatnonzero(before < heads[rows.group[seen]])
        slot = slots[rows.group[seen[where]]]
        before_side[where], before_ns[where] = one["last_side"][slot], one["end_ns"][slot]
        before_frame[where] = np.where(one["packets"][slot] > 0, one["last_frame"][slot], -1)
        if len(resets):
            for number in np.flatnonzero(rst[seen]).tolist():
                packet, after = int(seen[number]), int(before_frame[number])
                seen_before = after >= 0
                self._note_reset(
                    int(slots[rows.group[packet]]),
                    Reset(
                        side=int(side[packet]),
                        frame=int(frame[packet]),
                        time_ns=int(time_ns[packet]),
                        has_ack=bool(rows.flags[packet] & ACK),
                        ttl=int(rows.ttl[packet]),
                        mac=format_mac(int(rows.mac[packet])),
                        window=int(rows.window[packet]),
                        payload_bytes=int(rows.length[packet]),
                        after_frame=after if seen_before else None,
                        after_side=int(before_side[number]) if seen_before else None,
                        after_ns=int(time_ns[packet] - before_ns[number]) if seen_before else None,
                    ),
                )
            kept = ~rst[seen]
            seen, before_side, before_ns = seen[kept], before_side[kept], before_ns[kept]
        trip = time_ns[seen] - before_ns
        good = (before_side != side[seen]) & (trip >= 0)
        np.minimum.at(sides["rtt_ns"], (rows.group * 2 + side)[seen[good]], trip[good])
        one["expected_ack"][slots] = expected[tails]
        one["last_side"][slots] = side[tails]
        one["end_ns"][slots] = time_ns[tails]
        one["last_frame"][slots] = frame[tails]
        one["packets"][slots] += tails - heads + 1

    def _note_reset(self, slot: int, reset: Reset) -> None:
        known = self._slots.resets.setdefault(slot, [])
        if len(known) < MAX_RESETS:
            known.append(reset)


_PRINT, _NS = Slots.RING.index("print"), Slots.RING.index("ns")
