"""UDP payloads of interest: to or from a notification port, or beginning like a NOTIFY (RFC 768)."""

from collections.abc import Collection
from ipaddress import ip_address

import numpy as np

from dissectors.events import Datagram
from dissectors.net.packets import Packets
from dissectors.net.segments import address_bytes

NOTIFY = np.frombuffer(b"NOTIFY", ">u2")


def datagrams(packets: Packets, ports: Collection[int], capture: int = 0) -> list[Datagram]:
    """The datagrams of interest among packets that are all UDP, in frame order."""
    if not len(packets):
        return []
    number = packets.header.view(">u2")  # source port, destination port, length, checksum, payload
    wanted = np.isin(number[:, :2], list(ports)).any(axis=1)
    wanted |= (number[:, 4:7] == NOTIFY).all(axis=1) & (packets.captured >= 8 + NOTIFY.nbytes)
    found = []
    for index in np.flatnonzero(wanted).tolist():
        begin, length = int(packets.start[index]), int(packets.length[index])
        captured = min(length, int(packets.captured[index]))
        ends = [
            ip_address(address_bytes(int(packets.version[index]), words[index]))
            for words in (packets.source, packets.destination)
        ]
        found.append(
            Datagram(
                capture=capture,
                frame=int(packets.frame[index]),
                time_ns=int(packets.time_ns[index]),
                source_ip=str(ends[0]),
                source_port=int(number[index, 0]),
                destination_ip=str(ends[1]),
                destination_port=int(number[index, 1]),
                payload=packets.data[begin + 8 : begin + captured].tobytes(),
                complete=captured == length,
            )
        )
    return sorted(found, key=lambda datagram: datagram.frame)
