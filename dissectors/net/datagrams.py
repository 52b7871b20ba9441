"""UDP payloads of interest: to or from a notification port, or beginning like a NOTIFY (RFC 768)."""

from collections.abc import Collection
from ipaddress import ip_address

import numpy as np

from dissectors.events import Datagram
from dissectors.net.packets import Packets
from dissectors.net.rows import gather
from dissectors.net.segments import address_bytes

NOTIFY = np.frombuffer(b"NOTIFY", np.uint8)


def datagrams(packets: Packets, ports: Collection[int], capture: int = 0) -> list[Datagram]:
    """The datagrams of interest among packets that are all UDP, in frame order."""
    if not len(packets):
        return []
    row = gather(packets.data, packets.start, 8 + len(NOTIFY)).astype(np.int64)
    source = row[:, 0] << 8 | row[:, 1]
    destination = row[:, 2] << 8 | row[:, 3]
    wanted = np.isin(source, list(ports)) | np.isin(destination, list(ports))
    wanted |= (row[:, 8:] == NOTIFY).all(axis=1) & (packets.captured >= 8 + len(NOTIFY))
    found = []
    for index in np.flatnonzero(wanted).tolist():
        begin, length = int(packets.start[index]), int(packets.length[index])
        captured = min(length, int(packets.captured[index]))
        ends = [ip_address(address_bytes(int(packets.version[index]), words[index])) for words in (packets.source, packets.destination)]
        found.append(
            Datagram(
                capture=capture,
                frame=int(packets.frame[index]),
                time_ns=int(packets.time_ns[index]),
                source_ip=str(ends[0]),
                source_port=int(source[index]),
                destination_ip=str(ends[1]),
                destination_port=int(destination[index]),
                payload=packets.data[begin + 8 : begin + captured].tobytes(),
                complete=captured == length,
            )
        )
    return sorted(found, key=lambda datagram: datagram.frame)
