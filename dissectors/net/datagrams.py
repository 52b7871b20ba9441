"""UDP payloads of interest: to or from a notification port, or beginning like a NOTIFY (RFC 768)."""

from collections.abc import Collection

import numpy as np

from dissectors.events import Datagram
from dissectors.net.evidence import address_text
from dissectors.net.packets import Packets
from dissectors.net.rows import Bytes, Flags

ROW = np.dtype(  # of a packet's first bytes: source port, destination port, length, checksum, payload
    {
        "names": ["source", "destination", "payload"],
        "formats": [">u2", ">u2", ">u4"],
        "offsets": [0, 2, 8],
        "itemsize": 20,
    }
)
NOTIFY = b"NOTIFY"
FIRST_WORD = int.from_bytes(NOTIFY[:4], "big")


def wanted(header: Bytes, ports: Collection[int]) -> Flags:
    """Which UDP packets may be of interest, by their first bytes alone."""
    row = header.view(ROW)[:, 0]
    source, destination = row["source"].astype(np.uint16), row["destination"].astype(np.uint16)
    found: Flags = row["payload"].astype(np.uint32) == FIRST_WORD
    for port in ports:
        found |= (source == port) | (destination == port)
    return found


def datagrams(packets: Packets, ports: Collection[int], capture: int = 0) -> list[Datagram]:
    """The datagrams of interest among packets that are all UDP, in frame order."""
    if not len(packets):
        return []
    row = packets.header.view(ROW)[:, 0]
    found = []
    for index in np.flatnonzero(wanted(packets.header, ports)).tolist():
        source, destination = int(row["source"][index]), int(row["destination"][index])
        begin, length = int(packets.start[index]), int(packets.length[index])
        captured = min(length, int(packets.captured[index]))
        payload = packets.data[begin + 8 : begin + captured].tobytes()
        if not payload.startswith(NOTIFY) and source not in ports and destination not in ports:
            continue
        near, far = (
            address_text(int(packets.version[index]), *words[index].tolist())
            for words in (packets.source, packets.destination)
        )
        found.append(
            Datagram(
                capture=capture,
                frame=int(packets.frame[index]),
                time_ns=int(packets.time_ns[index]),
                source_ip=near,
                source_port=source,
                destination_ip=far,
                destination_port=destination,
                payload=payload,
                complete=captured == length,
            )
        )
    return sorted(found, key=lambda datagram: datagram.frame)
