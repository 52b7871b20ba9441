"""BSD loopback: LINKTYPE_NULL (family in the writer's byte order) and LINKTYPE_LOOP (network byte order)."""

import numpy as np

from dissectors.net.rows import Bytes, Ints, gather

LINK_TYPES = (0, 108)

FAMILIES = {2: 0x0800, 10: 0x86DD, 24: 0x86DD, 28: 0x86DD, 30: 0x86DD}  # AF_INET; AF_INET6 of Linux, BSDs, macOS


def locate(link_type: int, data: Bytes, offset: Ints, captured: Ints) -> tuple[Ints, Ints, Ints]:
    """The family is a small number: whichever end of the four bytes is zero tells the byte order."""
    rows = gather(data, offset, 4).astype(np.int64)
    little = rows[:, 0] | (rows[:, 1] << 8)
    big = rows[:, 3] | (rows[:, 2] << 8)
    family = np.where(
        (rows[:, 2] == 0) & (rows[:, 3] == 0), little, np.where((rows[:, 0] == 0) & (rows[:, 1] == 0), big, 0)
    )
    protocol = np.zeros(len(offset), np.int64)
    for number, ethertype in FAMILIES.items():
        protocol[family == number] = ethertype
    none = np.full(len(offset), -1, np.int64)
    return np.full(len(offset), 4, np.int64), np.where(captured >= 4, protocol, 0), none
