"""Options of pcapng blocks: code, length, value, padding to 32 bits (draft-ietf-opsawg-pcapng 3.5)."""

from struct import Struct

import numpy as np

from dissectors.capture.frames import Bytes, Flags, Longs, gather

END, COMMENT = 0, 1
MAX_OPTIONS = 64
"""Options read of one block."""


def options(body: bytes, big_endian: bool) -> list[tuple[int, bytes]]:
    """The options in `body`, as far as they are whole."""
    unpack = Struct(">HH" if big_endian else "<HH").unpack_from
    found: list[tuple[int, bytes]] = []
    at = 0
    while at + 4 <= len(body) and len(found) < MAX_OPTIONS:
        code, length = unpack(body, at)
        at += 4
        if code == END or at + length > len(body):
            break
        found.append((code, body[at : at + length]))
        at += length + (-length & 3)
    return found


def packet_comments(data: Bytes, places: Longs, ends: Longs, big_endian: Flags) -> list[tuple[int, int, int]]:
    """Comments among the options of many packets at once: (which packet, where its text begins, how long it is).

    `places` is where each packet's options begin and `ends` where its block's options must end.
    """
    found: list[tuple[int, int, int]] = []
    which = np.flatnonzero(places + 4 <= ends)
    place = places[which]
    for _ in range(MAX_OPTIONS):
        if not len(which):
            break
        head = gather(data, place, "V4").view("<u2").reshape(len(which), 2).astype(np.int64)
        swapped = big_endian[which]
        head[swapped] = (head[swapped] & 0xFF) << 8 | head[swapped] >> 8
        code, length = head[:, 0], head[:, 1]
        whole = (code != END) & (place + 4 + length <= ends[which])
        for index in np.flatnonzero(whole & (code == COMMENT)).tolist():
            found.append((int(which[index]), int(place[index]) + 4, int(length[index])))
        place = place + 4 + length + (-length & 3)
        go_on = whole & (place + 4 <= ends[which])
        which, place = which[go_on], place[go_on]
    return found
