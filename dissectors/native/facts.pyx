# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True
"""What packets show of their connections, one after the other: the work of `dissectors/net/facts.py`, `firsts.py` and
`positions.py`, and of `_grouped` in `columns.py`.

The meaning of every fact stands in `dissectors/net/evidence.py`, and packet by packet, in plain words, in
`dissectors/net/plain.py`.
"""

import numpy as np

from dissectors.events import Reset
from dissectors.net import evidence

REVISION = 2  # see __init__.py

ctypedef unsigned long long Word

cdef enum:  # flags
    FIN = 1
    SYN = 2
    RST = 4
    ACK = 16

cdef enum:  # rows of Slots.ONE
    VERSION, CLIENT_HIGH, CLIENT_LOW, CLIENT_PORT, SERVER_HIGH, SERVER_LOW, SERVER_PORT
    CONNECTION_ID, CLIENT_KEY, CAPTURED, PACKETS, START_NS, END_NS, FIRST_FRAME, LAST_FRAME, LAST_SIDE, EXPECTED_ACK
    SYN_NS, SYNACK_NS, HANDSHAKE_NS, SEEN, HISTORY, HISTORY_LENGTH, CLOSE_KIND, CLOSE_SIDE, CLOSE_NS, CLOSE_FRAME, MODE
    CAPTURED_NS, UNREAD, ONE_NAMES

cdef enum:  # rows of Slots.TWO
    SIDE_FRAMES, SENT, MISSING, RETRANSMISSIONS, DUPLICATES, KEEPALIVES, ZERO_WINDOWS, TTL_MIN, TTL_MAX, MAC
    MACS_DIFFER, FIRST_NS, LAST_NS, SIDE_LAST_FRAME, LAST_DATA_NS, LAST_DATA_FRAME, FIN_NS, FIN_FRAME, RTT_NS, BASE, ISN
    NEXT, ACKED, REPEATS, DATA_SEGMENTS, DELIVERED, TWO_NAMES

if (len(evidence.Slots.ONE), len(evidence.Slots.TWO)) != (ONE_NAMES, TWO_NAMES):
    raise AttributeError("built for other rows of Slots")

cdef enum:
    LETTER_COUNT = 6  # of evidence.LETTERS
    FIN_LETTER = 4
    BEYOND_SYN = 1 << 12
    EMPTY = -1

cdef long long MAX_STEP = evidence.MAX_STEP
cdef long long REORDER_NS = evidence.REORDER_NS
cdef long long DUPLICATE_NS = evidence.DUPLICATE_NS
cdef long long DUPLICATE_NO_ID_NS = evidence.DUPLICATE_NO_ID_NS
cdef Py_ssize_t DUPLICATE_LAG = evidence.DUPLICATE_LAG
cdef Py_ssize_t TAIL = evidence.TAIL
cdef Py_ssize_t DATA_TAIL = evidence.DATA_TAIL
cdef Py_ssize_t MAX_RESETS = evidence.MAX_RESETS
cdef long long MAC_UNKNOWN = evidence.MAC_UNKNOWN


def grouped(const Word[::1] keys):
    """As `columns._grouped`, the groups in order of first appearance."""
    cdef Py_ssize_t count = keys.shape[0], groups = 0, number, place, room = 64, group, begin = 0
    while room < 2 * count:
        room *= 2
    cdef int[::1] table = np.full(room, EMPTY, np.int32)
    cdef int[::1] group_of = np.empty(count, np.int32)
    key_of_group, sizes, order_ = np.empty(count, np.uint64), np.zeros(count + 1, np.int64), np.empty(count, np.int64)
    cdef Word[::1] known = key_of_group
    cdef long long[::1] next_place = sizes, order = order_
    cdef Word key
    for number in range(count):
        key = keys[number]
        place = (key ^ key >> 32) & <Word>(room - 1)
        while True:
            group = table[place]
            if group == EMPTY:
                table[place] = group = groups
                known[group] = key
                groups += 1
                break
            if known[group] == key:
                break
            place = (place + 1) & (room - 1)
        group_of[number] = group
        next_place[group] += 1
    begins_ = np.empty(groups, np.int64)
    cdef long long[::1] begins = begins_
    for group in range(groups):
        begins[group] = begin
        begin += next_place[group]
        next_place[group] = begins[group]
    for number in range(count):
        group = group_of[number]
        order[next_place[group]] = number
        next_place[group] += 1
    return order_, begins_


cdef inline long long _signed(long long difference) noexcept:
    return ((difference + 0x80000000LL) & 0xFFFFFFFFLL) - 0x80000000LL


def fold(segments, const long long[::1] order, const long long[::1] counts, const long long[::1] slots, memory):
    """Takes the segments at `order`, `counts` of each connection, into the memory of their connections.

    Returns the columns of `facts.Folded` for all that are no copy of a packet captured before; the slots of the
    connections that have such; and RSTs, each with the slot of its connection.
    """
    cdef const long long[::1] frames = segments.frame, times = segments.time_ns, seqs = segments.seq
    cdef const long long[::1] acks = segments.ack, macs = segments.mac, starts = segments.start, lengths = segments.length
    cdef const long long[::1] captures = segments.captured, prints = segments.fingerprint
    cdef const unsigned char[::1] all_flags = segments.flags
    cdef const unsigned short[::1] windows = segments.window
    cdef const short[::1] ttls = segments.ttl
    cdef const int[::1] ip_ids = segments.ip_id
    cdef const Word[::1] source_keys = segments.source_key
    cdef long long[:, ::1] ones = memory[0]
    cdef long long[:, :, ::1] twos = memory[1], packets = memory[2]
    cdef long long[:, :, :, ::1] data_segments = memory[3]

    cdef Py_ssize_t total = order.shape[0], connections = slots.shape[0]
    longs = np.empty((9, total), np.int64)
    bits = np.empty((3, total), np.uint8)
    present_ = np.empty(connections, np.int64)
    heads_ = np.empty(connections + 1, np.int64)
    acked_before_ = np.empty((connections, 2), np.int64)
    cdef long long[::1] group = longs[0], time_column = longs[1], frame_column = longs[2], start_column = longs[3]
    cdef long long[::1] captured_column = longs[4], length_column = longs[5], new_column = longs[6]
    cdef long long[::1] begin_column = longs[7], acked_column = longs[8]
    cdef unsigned char[::1] side_column = bits[0], data_column = bits[1], order_column = bits[2]
    cdef long long[::1] present = present_, heads = heads_
    cdef long long[:, ::1] acked_before = acked_before_
    resets = []

    cdef long long one[ONE_NAMES]
    cdef long long two[2][TWO_NAMES]
    cdef long long reached[2]
    cdef long long *mine
    cdef long long *theirs
    cdef Py_ssize_t place, connection, slot, index, name, row = 0, found = 0, at = 0, end, lag, side, letter, code
    cdef Py_ssize_t known_resets
    cdef long long time_ns, frame, seq, ack, length, captured, window, ttl, mac, fingerprint, limit, span, prior, step
    cdef long long position, begin, new, acked, flags, past
    cdef bint copy, syn, fin, rst, has_ack, usable, is_data, keepalive, again, fin_before, in_order, shown

    for connection in range(connections):
        slot = slots[connection]
        end = at + counts[connection]
        for name in range(ONE_NAMES):
            one[name] = ones[name, slot]
        for name in range(TWO_NAMES):
            two[0][name], two[1][name] = twos[name, slot, 0], twos[name, slot, 1]
        reached[0], reached[1] = two[0][DELIVERED], two[1][DELIVERED]
        heads[found], present[found] = row, slot
        acked_before[found, 0], acked_before[found, 1] = two[0][ACKED], two[1][ACKED]
        known_resets = 0

        for place in range(at, end):
            index = order[place]
            side = source_keys[index] != <Word>one[CLIENT_KEY]
            time_ns, frame, flags, fingerprint = times[index], frames[index], all_flags[index], prints[index]
            seq, length, ttl = seqs[index], lengths[index], ttls[index]

            copy = False
            limit = DUPLICATE_NS if ip_ids[index] > 0 else DUPLICATE_NO_ID_NS
            for lag in range(1, min(DUPLICATE_LAG, one[CAPTURED]) + 1):
                past = (one[CAPTURED] - lag) % TAIL
                if packets[slot, past, 1] == fingerprint and time_ns - packets[slot, past, 0] <= limit:
                    copy = True
            past = one[CAPTURED] % TAIL
            packets[slot, past, 0], packets[slot, past, 1] = time_ns, fingerprint
            packets[slot, past, 2] = frame << 24 | length
            packets[slot, past, 3] = ttl << 42 | seq << 10 | flags << 2 | side << 1 | copy
            one[CAPTURED] += 1
            one[CAPTURED_NS] = time_ns
            mine, theirs = two[side], two[1 - side]
            if copy:
                mine[DUPLICATES] += 1
                continue

            ack, captured, window, mac = acks[index], captures[index], windows[index], macs[index]
            syn, fin, rst = flags & SYN != 0, flags & FIN != 0, flags & RST != 0
            has_ack = flags & ACK != 0
            span = length + syn + fin
            if mine[BASE] < 0 and not rst:
                mine[BASE], mine[ISN], mine[NEXT] = (seq + syn) & 0xFFFFFFFFLL, seq, -<long long>syn
            prior = mine[NEXT]
            step = _signed(seq - mine[BASE] - prior)
            position = prior + step
            usable = not rst and -MAX_STEP <= step <= MAX_STEP
            fin_before = mine[FIN_NS] >= 0
            keepalive = usable and length <= 1 and not (syn or fin or fin_before) and position == prior - 1
            is_data = usable and length > 0 and not keepalive
            begin = position + syn
            again = is_data and begin < prior and mine[LAST_NS] >= 0 and time_ns - mine[LAST_NS] > REORDER_NS
            new = max(0, begin + length - max(begin, prior)) if is_data else 0
            if usable and span:
                mine[NEXT] = max(prior, position + span)
            acked = 0
            if has_ack and not rst and theirs[BASE] >= 0:
                step = _signed(ack - theirs[BASE] - theirs[NEXT])
                if -MAX_STEP <= step <= MAX_STEP:
                    acked = theirs[NEXT] + step
                    theirs[ACKED] = max(theirs[ACKED], acked)

            mine[SIDE_FRAMES] += 1
            mine[MISSING] += min(length - captured, new)
            mine[KEEPALIVES] += keepalive
            mine[ZERO_WINDOWS] += window == 0 and not rst and not syn
            mine[RETRANSMISSIONS] += again
            theirs[REPEATS] = 0
            mine[REPEATS] += again
            if not rst:
                mine[TTL_MIN], mine[TTL_MAX] = min(mine[TTL_MIN], ttl), max(mine[TTL_MAX], ttl)
                if mine[MAC] == MAC_UNKNOWN:
                    mine[MAC] = mac
                mine[MACS_DIFFER] |= mac != mine[MAC]
            if mine[FIRST_NS] < 0:
                mine[FIRST_NS] = time_ns
            in_order = True
            if is_data:
                mine[SENT] += length
                if new:
                    mine[LAST_DATA_NS], mine[LAST_DATA_FRAME] = time_ns, frame
                    past = mine[DATA_SEGMENTS] % DATA_TAIL
                    data_segments[slot, side, past, 0] = position + span
                    data_segments[slot, side, past, 1] = time_ns
                    mine[DATA_SEGMENTS] += 1
                    in_order = begin == reached[side] and captured == length
                    reached[side] = begin + length
                else:
                    in_order = begin + length <= reached[side]
            if fin and not fin_before:
                mine[FIN_NS], mine[FIN_FRAME] = time_ns, frame

            if rst:
                if known_resets < MAX_RESETS:
                    known_resets += 1
                    resets.append((slot, Reset(
                        side=side, frame=frame, time_ns=time_ns, has_ack=has_ack, ttl=ttl, mac=evidence.format_mac(mac),
                        window=window, payload_bytes=length,
                        after_frame=one[LAST_FRAME] if one[PACKETS] else None,
                        after_side=one[LAST_SIDE] if one[PACKETS] else None,
                        after_ns=time_ns - one[END_NS] if one[PACKETS] else None,
                    )))
            elif has_ack and one[LAST_SIDE] != side and one[EXPECTED_ACK] == ack and time_ns >= one[END_NS]:
                mine[RTT_NS] = min(mine[RTT_NS], time_ns - one[END_NS])
            if syn and not has_ack and side == 0 and one[SYN_NS] < 0:
                one[SYN_NS] = time_ns
            elif syn and has_ack and side == 1 and one[SYNACK_NS] < 0:
                one[SYNACK_NS] = time_ns
            elif one[HANDSHAKE_NS] < 0 and side == 0 and has_ack and not syn and not rst:
                if one[SYN_NS] >= 0 and one[SYNACK_NS] >= 0:
                    one[HANDSHAKE_NS] = max(0, time_ns - one[SYN_NS])
            if not syn:
                one[SEEN] |= BEYOND_SYN
            for code in range(LETTER_COUNT):
                if code == 0:
                    shown = syn and not has_ack
                elif code == 1:
                    shown = syn and has_ack
                elif code == 2:
                    shown = has_ack and not length and not (syn or fin or rst)
                elif code == 3:
                    shown = is_data
                elif code == 4:
                    shown = fin
                else:
                    shown = rst
                letter = code + LETTER_COUNT * side
                if shown and not one[SEEN] >> letter & 1:
                    one[SEEN] |= 1 << letter
                    one[HISTORY] |= <long long>letter << 4 * one[HISTORY_LENGTH]
                    one[HISTORY_LENGTH] += 1
                    if code >= FIN_LETTER and not one[CLOSE_KIND]:
                        one[CLOSE_KIND] = code - FIN_LETTER + 1
                        one[CLOSE_SIDE], one[CLOSE_NS], one[CLOSE_FRAME] = side, time_ns, frame
            mine[LAST_NS], mine[SIDE_LAST_FRAME] = time_ns, frame
            one[END_NS], one[LAST_FRAME], one[LAST_SIDE] = time_ns, frame, side
            one[PACKETS] += 1
            one[EXPECTED_ACK] = (seq + span) & 0xFFFFFFFFLL if span and not rst else -1

            group[row], side_column[row], time_column[row], frame_column[row] = found, side, time_ns, frame
            start_column[row], captured_column[row], length_column[row] = starts[index], captured, length
            data_column[row], order_column[row] = is_data, in_order
            new_column[row], begin_column[row], acked_column[row] = new, begin, acked
            row += 1

        at = end
        found += row > heads[found]
        for name in range(ONE_NAMES):
            ones[name, slot] = one[name]
        for name in range(TWO_NAMES):
            twos[name, slot, 0], twos[name, slot, 1] = two[0][name], two[1][name]
    heads[found] = row
    return longs[:, :row], bits[:, :row], heads_[: found + 1], acked_before_[:found], present_[:found], resets
