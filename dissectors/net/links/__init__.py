"""Link types: where the network packet begins in a frame. One file a kind; each has LINK_TYPES and `locate`."""

from dataclasses import dataclass
from types import ModuleType

from dissectors.net.links import ethernet, linux_sll, linux_sll2, null_loopback, ppp, raw_ip
from dissectors.net.rows import Bytes, Ints

# IEEE 802 EtherTypes that `locate` functions return
IPV4 = 0x0800
IPV6 = 0x86DD

LINKS: tuple[ModuleType, ...] = (ethernet, linux_sll, linux_sll2, null_loopback, ppp, raw_ip)
BY_LINK_TYPE: dict[int, ModuleType] = {number: link for link in LINKS for number in link.LINK_TYPES}


@dataclass(frozen=True, slots=True)
class Located:
    """Where the network packets of some frames begin, as columns."""

    offset: Ints  # from the start of the frame; meaningless where protocol is 0
    protocol: Ints  # EtherType; 0: not IP or cut
    mac: Ints  # source link-layer address as a 48-bit number; -1: the link type has none


def locate(link_type: int, data: Bytes, offset: Ints, captured: Ints) -> Located | None:
    """The network packets of frames that share a link type; None for a link type that is not read here."""
    link = BY_LINK_TYPE.get(link_type)
    if link is None:
        return None
    start, protocol, mac = link.locate(link_type, data, offset, captured)
    protocol[((protocol != IPV4) & (protocol != IPV6)) | (start >= captured)] = 0
    return Located(start, protocol, mac)
