"""Names of link types as libpcap gives them (LINKTYPE_), for people."""

NAMES = {
    0: "BSD loopback", 1: "Ethernet", 9: "PPP", 12: "raw IP", 14: "raw IP", 50: "PPP over HDLC", 101: "raw IP",
    104: "Cisco HDLC", 105: "802.11", 107: "Frame Relay", 108: "OpenBSD loopback", 113: "Linux cooked",
    117: "OpenBSD pflog", 119: "802.11 with Prism header", 127: "802.11 with radiotap", 147: "user-defined 0",
    189: "USB", 192: "PPI", 195: "802.15.4", 204: "PPP with direction", 220: "USB (Linux)", 228: "raw IPv4",
    229: "raw IPv6", 239: "nflog", 249: "USB (Windows)", 253: "netlink", 276: "Linux cooked v2",
}  # fmt: skip


def link_type_name(number: int) -> str:
    """The name, or `link type n`."""
    return NAMES.get(number, f"link type {number}")
