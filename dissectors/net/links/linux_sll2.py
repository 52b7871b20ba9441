"""Linux cooked capture, version 2 (LINKTYPE_LINUX_SLL2): what `-i any` writes since libpcap 1.10."""

import numpy as np

from dissectors.net.links.ethernet import after_tags
from dissectors.net.rows import Bytes, Ints, gather, u16

LINK_TYPES = (276,)


def locate(link_type: int, data: Bytes, offset: Ints, captured: Ints) -> tuple[Ints, Ints, Ints]:
    """Header: protocol (2), reserved (2), interface (4), ARPHRD type (2), packet type (1), address length (1), address
    (8).
    """
    rows = gather(data, offset, 20)
    mac = (u16(rows, 12) << 32) | (u16(rows, 14) << 16) | u16(rows, 16)
    whole = captured >= 20
    protocol = np.where(whole, u16(rows, 0), 0)
    start, protocol = after_tags(data, offset, captured, np.full(len(offset), 20, np.int64), protocol)
    return start, protocol, np.where(whole & (rows[:, 11] == 6), mac, -1)
