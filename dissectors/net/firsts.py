"""What a connection shows for the first time: the letters of its history, the packet that first ended it, and the times
of its handshake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dissectors.events import CLIENT, SERVER
from dissectors.net.evidence import ACK, FIN, LETTERS, RST, SYN, Slots
from dissectors.net.lives import BEYOND_SYN
from dissectors.net.rows import Ints

if TYPE_CHECKING:
    from dissectors.net.facts import Rows

Flags = NDArray[np.bool_]

_FIN = LETTERS.index("F")


def note_firsts(slots: Slots, rows: Rows, which: Ints, heads: Ints, data: Flags) -> None:
    """Takes the rows of a piece, whose groups begin at `heads` and are the connections in the slots `which`."""
    one = slots.one
    flags, by_server = rows.flags, rows.side == SERVER
    syn, ack, fin, rst = ((flags & bit) != 0 for bit in (SYN, ACK, FIN, RST))
    pure = ack & (rows.length == 0) & ((flags & (SYN | FIN | RST)) == 0)
    seen = one["seen"][which]
    groups: list[Ints] = []
    letters: list[Ints] = []
    packets: list[Ints] = []
    for code, mask in enumerate((syn & ~ack, syn & ack, pure, data, fin, rst)):  # in the order of LETTERS
        for number, of_side in ((code, ~by_server), (code + len(LETTERS), by_server)):
            if (seen >> number & 1).all():
                continue
            shown = np.flatnonzero(mask & of_side)
            shown = shown[np.diff(rows.group[shown], prepend=-1) != 0]
            groups.append(rows.group[shown])
            letters.append(np.full(len(shown), number))
            packets.append(shown)
    _note_handshake(one, rows, which, syn, ack, rst)
    beyond = np.logical_or.reduceat(~syn, heads)
    one["seen"][which] = seen | np.where(beyond, BEYOND_SYN, 0)
    if not groups:
        return
    group, letter, packet = np.concatenate(groups), np.concatenate(letters), np.concatenate(packets)
    fresh = np.flatnonzero(seen[group] & (1 << letter) == 0)
    if not len(fresh):
        return
    group, letter, packet = group[fresh], letter[fresh], packet[fresh]
    order = np.lexsort((letter % len(LETTERS), packet))  # groups follow each other as packets do
    group, letter, packet = group[order], letter[order], packet[order]
    begins = np.flatnonzero(np.diff(group, prepend=-1))
    place = np.arange(len(group)) - np.repeat(begins, np.diff(begins, append=len(group)))
    slot = which[group]
    shift = 4 * (one["history_length"][slot] + place)
    at = slot[begins]
    one["history"][at] += np.add.reduceat(letter << shift, begins)
    one["history_length"][at] += np.diff(begins, append=len(group))
    one["seen"][at] += np.add.reduceat(1 << letter, begins)
    ending = np.flatnonzero((letter % len(LETTERS) >= _FIN) & (one["close_kind"][slot] == 0))
    ending = ending[np.diff(group[ending], prepend=-1) != 0]
    at, last = slot[ending], packet[ending]
    one["close_kind"][at] = letter[ending] % len(LETTERS) - _FIN + 1  # 1: FIN, 2: RST
    one["close_side"][at] = letter[ending] // len(LETTERS)
    one["close_ns"][at], one["close_frame"][at] = rows.time_ns[last], rows.frame[last]


def _note_handshake(one: dict[str, Ints], rows: Rows, which: Ints, syn: Flags, ack: Flags, rst: Flags) -> None:
    """Times of SYN, SYN+ACK and the ACK that completes the handshake."""
    after = np.full(len(which), -1, np.int64)  # the packet of this piece from which on both are known
    opening = np.flatnonzero(syn)
    by_client = rows.side[opening] == CLIENT
    with_ack = ack[opening]
    for name, kind in (("syn_ns", by_client & ~with_ack), ("synack_ns", ~by_client & with_ack)):
        found = opening[kind]
        found = found[np.diff(rows.group[found], prepend=-1) != 0]
        group = rows.group[found]
        missing = one[name][which[group]] < 0
        found, group = found[missing], group[missing]
        one[name][which[group]] = rows.time_ns[found]
        after[group] = np.maximum(after[group], found)
    waiting = (one["synack_ns"][which] >= 0) & (one["handshake_ns"][which] < 0) & (one["syn_ns"][which] >= 0)
    if not waiting.any():
        return
    completes = waiting[rows.group] & (rows.side == CLIENT) & ack & ~syn & ~rst
    found = np.flatnonzero(completes)
    found = found[found > after[rows.group[found]]]
    found = found[np.diff(rows.group[found], prepend=-1) != 0]
    slot = which[rows.group[found]]
    one["handshake_ns"][slot] = np.maximum(rows.time_ns[found] - one["syn_ns"][slot], 0)
