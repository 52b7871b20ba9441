"""What a connection shows for the first time: the letters of its history, the packet that first ended it, and the times
of its handshake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dissectors.events import CLIENT
from dissectors.net.evidence import ACK, FIN, LETTERS, RST, SYN, Slots
from dissectors.net.lives import BEYOND_SYN
from dissectors.net.rows import Ints, starts

if TYPE_CHECKING:
    from dissectors.net.facts import Rows

Flags = NDArray[np.bool_]

_FIN = LETTERS.index("F")


def note_history(
    slots: Slots, rows: Rows, which: Ints, by_run: Ints, run: Ints, at: Ints, shown: tuple[Flags, ...]
) -> None:
    """Appends the letters that a connection shows for the first time, and notes the packet that first ended it.

    `shown` says for each of LETTERS which packets show it, in the order of `by_run`: side after side of each connection
    in the slots `which`. `run` counts these sides, `at` is twice the connection plus the side of each.
    """
    one = slots.one
    seen = one["seen"][which]
    groups: list[Ints] = []
    letters: list[Ints] = []
    packets: list[Ints] = []
    for code, mask in enumerate(shown):
        letter = code + len(LETTERS) * (at & 1)
        fresh = seen[at >> 1] >> letter & 1 == 0
        if not fresh.any():
            continue
        found = np.flatnonzero(mask)
        found = found[starts(run[found])]
        found = found[fresh[run[found]]]
        groups.append(at[run[found]] >> 1)
        letters.append(letter[run[found]])
        packets.append(by_run[found])
    if not groups:
        return
    group, letter, packet = np.concatenate(groups), np.concatenate(letters), np.concatenate(packets)
    order = np.lexsort((letter % len(LETTERS), packet))  # connections follow each other as packets do
    group, letter, packet = group[order], letter[order], packet[order]
    begin = starts(group)
    count = np.diff(begin, append=len(group))
    slot, at_begin = which[group], which[group[begin]]
    place = one["history_length"][slot] + np.arange(len(group)) - np.repeat(begin, count)
    if len(group):
        one["history"][at_begin] += np.add.reduceat(letter << 4 * place, begin)
        one["history_length"][at_begin] += count
        one["seen"][at_begin] |= np.add.reduceat(1 << letter, begin)
    ending = np.flatnonzero((letter % len(LETTERS) >= _FIN) & (one["close_kind"][slot] == 0))
    ending = ending[starts(group[ending])]
    closing, last = slot[ending], packet[ending]
    one["close_kind"][closing] = letter[ending] % len(LETTERS) - _FIN + 1  # 1: FIN, 2: RST
    one["close_side"][closing] = letter[ending] // len(LETTERS)
    one["close_ns"][closing], one["close_frame"][closing] = rows.time_ns[last], rows.frame[last]


def note_handshake(slots: Slots, rows: Rows, which: Ints, heads: Ints) -> None:
    """Times of SYN, SYN+ACK and the ACK that completes the handshake; and whether anything came that is no SYN."""
    one = slots.one
    no_syn = rows.flags & SYN == 0
    one["seen"][which] |= np.where(np.logical_or.reduceat(no_syn, heads), BEYOND_SYN, 0)
    after = np.full(len(which), -1, np.int64)  # the packet of this piece from which on both are known
    opening = np.flatnonzero(~no_syn)
    by_client = rows.side[opening] == CLIENT
    with_ack = rows.flags[opening] & ACK != 0
    for name, kind in (("syn_ns", by_client & ~with_ack), ("synack_ns", ~by_client & with_ack)):
        found = opening[kind]
        found = found[starts(rows.group[found])]
        group = rows.group[found]
        missing = one[name][which[group]] < 0
        found, group = found[missing], group[missing]
        one[name][which[group]] = rows.time_ns[found]
        after[group] = np.maximum(after[group], found)
    waiting = (one["synack_ns"][which] >= 0) & (one["handshake_ns"][which] < 0) & (one["syn_ns"][which] >= 0)
    if not waiting.any():
        return
    completes = np.flatnonzero(rows.flags & (SYN | ACK | RST) == ACK)
    completes = completes[waiting[rows.group[completes]]]
    completes = completes[rows.side[completes] == CLIENT]
    completes = completes[completes > after[rows.group[completes]]]
    completes = completes[starts(rows.group[completes])]
    slot = which[rows.group[completes]]
    one["handshake_ns"][slot] = np.maximum(rows.time_ns[completes] - one["syn_ns"][slot], 0)


def letters_shown(flags: Ints, length: Ints, data: Flags) -> tuple[Flags, ...]:
    """For each of LETTERS the packets that show it."""
    syn, ack, rst = flags & SYN != 0, flags & ACK != 0, flags & RST != 0
    pure = (flags & (SYN | ACK | FIN | RST) == ACK) & (length == 0)
    return syn & ~ack, syn & ack, pure, data, flags & FIN != 0, rst
