"""PPP without Ethernet: LINKTYPE_PPP (9), with HDLC framing (50), with a direction byte (204); RFC 1661, 1662."""

import numpy as np

from dissectors.net.links.ethernet import PPP_PROTOCOLS
from dissectors.net.rows import Bytes, Ints, gather, u16

LINK_TYPES = (9, 50, 204)


def locate(link_type: int, data: Bytes, offset: Ints, captured: Ints) -> tuple[Ints, Ints, Ints]:
    """Optional direction byte, optional address and control (FF 03), protocol (2)."""
    before = 1 if link_type == 204 else 0
    rows = gather(data, offset + before, 4)
    framed = (rows[:, 0] == 0xFF) & (rows[:, 1] == 0x03)
    inner = np.where(framed, u16(rows, 2), u16(rows, 0))
    start = before + np.where(framed, 4, 2).astype(np.int64)
    protocol = np.zeros(len(offset), np.int64)
    for ppp, ethertype in PPP_PROTOCOLS.items():
        protocol[inner == ppp] = ethertype
    return start, np.where(captured >= start, protocol, 0), np.full(len(offset), -1, np.int64)
