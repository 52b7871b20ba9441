"""Ethernet (IEEE 802.3), with 802.1Q and 802.1ad (QinQ) tags and PPPoE sessions (RFC 2516). 802.3 length frames are not
IP.
"""

import numpy as np

from dissectors.net.rows import Bytes, Flags, Ints, gather, u16

LINK_TYPES = (1,)

MAX_TAGS = 4
TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)
ROW = np.dtype(  # the source address is read with the two bytes before it, as one word
    {"names": ["source", "type"], "formats": [">u8", ">u2"], "offsets": [4, 12], "itemsize": 14}
)
MAC = (1 << 48) - 1
PPPOE_SESSION = 0x8864
PPP_PROTOCOLS = {0x0021: 0x0800, 0x0057: 0x86DD}  # RFC 1332, RFC 5072


def locate(link_type: int, data: Bytes, offset: Ints, captured: Ints) -> tuple[Ints, Ints, Ints]:
    """Network offset, EtherType (0: cut) and source MAC of each frame."""
    row = gather(data, offset, 14).view(ROW)[:, 0]
    mac, protocol = row["source"].astype(np.int64), row["type"].astype(np.int64)
    mac &= MAC
    protocol[captured < 14] = 0
    mac[captured < 12] = -1
    start, protocol = after_tags(data, offset, captured, np.full(len(offset), 14, np.int64), protocol)
    return start, protocol, mac


def after_tags(data: Bytes, offset: Ints, captured: Ints, start: Ints, protocol: Ints) -> tuple[Ints, Ints]:
    """Skips VLAN tags and PPPoE headers that begin at `start` of each frame."""
    other = np.flatnonzero((protocol != 0x0800) & (protocol != 0x86DD))  # than IP without more ado
    tagged = other[_is_tag(protocol[other])]
    begin = start[tagged]
    for _ in range(MAX_TAGS):
        if not len(tagged):
            break
        inner = u16(gather(data, offset[tagged] + begin, 4), 2)
        begin += 4
        inner[captured[tagged] < begin] = 0
        start[tagged], protocol[tagged] = begin, inner
        again = _is_tag(inner)
        tagged, begin = tagged[again], begin[again]
    sessions = other[protocol[other] == PPPOE_SESSION]
    if len(sessions):
        rows = gather(data, offset[sessions] + start[sessions], 8)
        start[sessions] += 8
        inner = u16(rows, 6)
        found = np.zeros(len(sessions), np.int64)
        for ppp, ethertype in PPP_PROTOCOLS.items():
            found[inner == ppp] = ethertype
        protocol[sessions] = np.where((rows[:, 0] == 0x11) & (rows[:, 1] == 0), found, 0)
    return start, protocol


def _is_tag(protocol: Ints) -> Flags:
    tagged: Flags = protocol == TAGS[0]
    for tag in TAGS[1:]:
        tagged |= protocol == tag
    return tagged
