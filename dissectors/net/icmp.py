"""ICMP and ICMPv6 errors that quote a TCP or UDP packet (RFC 792, RFC 4443): somebody on the way says that it was not
delivered.

Left out: echo, neighbour discovery, redirects, and errors about other protocols.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from dissectors.events import Unreachable
from dissectors.net.evidence import address_text
from dissectors.net.extensions import walk_extensions
from dissectors.net.packets import TCP, UDP, Packets

MAX_QUOTE_BYTES: Final = 576  # of a quoted packet are looked at
QUOTED_BYTES: Final = 8  # of the quoted TCP or UDP header are always there (RFC 792)

# (IP version, type, code) → what became of the packet; a code that is not here has the word of code None
KINDS: Final[dict[tuple[int, int, int | None], str]] = {
    (4, 3, 0): "net_unreachable",
    (4, 3, 1): "host_unreachable",
    (4, 3, 3): "port_unreachable",
    (4, 3, 4): "too_big",
    (4, 3, 9): "prohibited",
    (4, 3, 10): "prohibited",
    (4, 3, 13): "prohibited",
    (4, 3, None): "unreachable",
    (4, 11, None): "time_exceeded",
    (6, 1, 0): "net_unreachable",
    (6, 1, 1): "prohibited",
    (6, 1, 3): "host_unreachable",
    (6, 1, 4): "port_unreachable",
    (6, 1, 5): "prohibited",
    (6, 1, 6): "prohibited",
    (6, 1, None): "unreachable",
    (6, 2, None): "too_big",
    (6, 3, None): "time_exceeded",
}
_TYPES: Final = {version: sorted({kind for v, kind, _ in KINDS if v == version}) for version in (4, 6)}


def unreachables(packets: Packets, capture: int = 0) -> Iterator[Unreachable]:
    """The errors among packets that are all ICMP or ICMPv6, in their order."""
    kind = packets.header[:, 0]
    wanted = np.where(packets.version == 4, np.isin(kind, _TYPES[4]), np.isin(kind, _TYPES[6]))
    for index in np.flatnonzero(wanted).tolist():
        version = int(packets.version[index])
        begin, have = int(packets.start[index]), int(packets.captured[index])
        quote = packets.data[begin + 8 : begin + min(have, 8 + MAX_QUOTE_BYTES)].tobytes()
        quoted = _quoted(quote)
        if quoted is None:
            continue
        protocol, source, destination, payload = quoted
        number, code = int(packets.header[index, 0]), int(packets.header[index, 1])
        yield Unreachable(
            capture=capture,
            frame=int(packets.frame[index]),
            time_ns=int(packets.time_ns[index]),
            reporter_ip=address_text(version, *packets.source[index].tolist()),
            kind=KINDS.get((version, number, code)) or KINDS[version, number, None],
            protocol="tcp" if protocol == TCP else "udp",
            source_ip=source,
            source_port=int.from_bytes(payload[0:2], "big"),
            destination_ip=destination,
            destination_port=int.from_bytes(payload[2:4], "big"),
            seq=int.from_bytes(payload[4:8], "big") if protocol == TCP else None,
            payload=payload[8:] if protocol == UDP else b"",
        )


def _quoted(quote: bytes) -> tuple[int, str, str, bytes] | None:
    """Protocol, addresses and what is there of the TCP or UDP packet in a quoted IP packet."""
    version = quote[0] >> 4 if quote else 0
    if version == 4 and len(quote) >= 20:
        header = (quote[0] & 15) * 4
        protocol, ends, fragment = quote[9], (quote[12:16], quote[16:20]), int.from_bytes(quote[6:8], "big") & 0x1FFF
    elif version == 6 and len(quote) >= 40:
        walked = walk_extensions(quote[6], quote[40:])
        if walked is None:
            return None
        protocol, skip, piece = walked
        header, ends, fragment = 40 + skip, (quote[8:24], quote[24:40]), piece[0] if piece else 0
    else:
        return None
    payload = quote[header:]
    if fragment or protocol not in (TCP, UDP) or header < 20 or len(payload) < QUOTED_BYTES:
        return None
    source, destination = (address_text(version, *divmod(int.from_bytes(end), 1 << 64)) for end in ends)
    return protocol, source, destination, payload
