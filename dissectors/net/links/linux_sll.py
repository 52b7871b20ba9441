"""Linux cooked capture, version 1 (LINKTYPE_LINUX_SLL): what `-i any` wrote before libpcap 1.10."""

import numpy as np

from dissectors.net.links.ethernet import after_tags
from dissectors.net.rows import Bytes, Ints, gather, u16

LINK_TYPES = (113,)


def locate(link_type: int, data: Bytes, offset: Ints, captured: Ints) -> tuple[Ints, Ints, Ints]:
    """Header: packet type (2), ARPHRD type (2), address length (2), address (8), protocol (2)."""
    rows = gather(data, offset, 16)
    mac = (u16(rows, 6) << 32) | (u16(rows, 8) << 16) | u16(rows, 10)
    whole = captured >= 16
    protocol = np.where(whole, u16(rows, 14), 0)
    start, protocol = after_tags(data, offset, captured, np.full(len(offset), 16, np.int64), protocol)
    return start, protocol, np.where(whole & (u16(rows, 4) == 6), mac, -1)
