"""Raw IP: the frame is the packet. LINKTYPE_RAW (101), IPV4 (228), IPV6 (229) and the DLT_RAW numbers 12 and 14 of some
systems.
"""

import numpy as np

from dissectors.net.rows import Bytes, Ints, gather

LINK_TYPES = (12, 14, 101, 228, 229)


def locate(link_type: int, data: Bytes, offset: Ints, captured: Ints) -> tuple[Ints, Ints, Ints]:
    """The version stands in the first four bits of the packet."""
    version = gather(data, offset, 1)[:, 0] >> 4
    protocol = np.where(version == 4, 0x0800, np.where(version == 6, 0x86DD, 0)).astype(np.int64)
    none = np.full(len(offset), -1, np.int64)
    return np.zeros(len(offset), np.int64), np.where(captured >= 1, protocol, 0), none
