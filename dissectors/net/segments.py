"""TCP headers of a block as columns (RFC 9293 3.1), and what identifies a connection and a packet."""

import secrets
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dissectors.net.packets import Packets, Words
from dissectors.net.rows import Bytes, Ints

TCP_ROW = np.dtype(
    [
        ("source", ">u2"),
        ("destination", ">u2"),
        ("seq", ">u4"),
        ("ack", ">u4"),
        ("offset", "u1"),
        ("flags", "u1"),
        ("window", ">u2"),
        ("checksum", ">u2"),
        ("urgent", ">u2"),
    ]
)
MASK32 = 0xFFFFFFFF

# Odd multipliers drawn once per process: an attacker who writes the capture cannot aim at collisions. Two of 10**6
# connections share a 64-bit key by chance once in 30 million captures.
_FACTORS = [np.uint64(secrets.randbits(64) | 1) for _ in range(4)]


@dataclass(slots=True)
class Segments:
    """Columns of the TCP segments of one block, in the order of Packets."""

    data: Bytes
    frame: Ints
    time_ns: Ints
    version: Ints
    source: Words
    destination: Words
    source_port: Ints
    destination_port: Ints
    source_key: NDArray[np.uint64]  # of address and port
    destination_key: NDArray[np.uint64]
    seq: Ints
    ack: Ints
    flags: Ints
    window: Ints
    ip_id: Ints
    ttl: Ints
    mac: Ints
    start: Ints  # where the payload begins in data
    length: Ints  # of the payload on the wire
    captured: Ints  # of the payload in the capture
    fingerprint: Ints  # equal for copies of one packet

    def __len__(self) -> int:
        return len(self.frame)


def segments(packets: Packets) -> tuple[Segments, int]:
    """The TCP segments among packets that are all TCP, and how many had a header that cannot be right."""
    row = packets.header.view(TCP_ROW)[:, 0]
    header = (row["offset"] >> 4).astype(np.int64) * 4
    good = np.flatnonzero((header >= 20) & (header <= packets.length))
    bad = len(header) - len(good)
    if bad:
        packets, row, header = packets.take(good), row[good], header[good]
    length = packets.length - header
    captured = np.clip(packets.captured - header, 0, length)
    source_port = row["source"].astype(np.int64)
    destination_port = row["destination"].astype(np.int64)
    seq = row["seq"].astype(np.int64)
    ack = row["ack"].astype(np.int64)
    flags = row["flags"].astype(np.int64)
    window = row["window"].astype(np.int64)
    source_key = endpoint_key(packets.source, source_port)
    # the checksum tells packets apart only where the IP identification does not: offloading leaves it unfinished on one
    # of two copies
    checksum = np.where(packets.ip_id > 0, 0, row["checksum"].astype(np.int64))
    fingerprint = _mix(
        _mix(source_key, (seq << 32) | ack),
        ((packets.ip_id & 0xFFFF) << 48) | (checksum << 32) | (flags << 16) | window,
    ) ^ length.astype(np.uint64)
    return Segments(
        data=packets.data,
        frame=packets.frame,
        time_ns=packets.time_ns,
        version=packets.version,
        source=packets.source,
        destination=packets.destination,
        source_port=source_port,
        destination_port=destination_port,
        source_key=source_key,
        destination_key=endpoint_key(packets.destination, destination_port),
        seq=seq,
        ack=ack,
        flags=flags,
        window=window,
        ip_id=packets.ip_id,
        ttl=packets.ttl,
        mac=packets.mac,
        start=packets.start + header,
        length=length,
        captured=captured,
        fingerprint=fingerprint.view(np.int64),
    ), bad


def endpoint_key(address: Words, port: Ints) -> NDArray[np.uint64]:
    """A 64-bit key of an address and a port."""
    return _mix(_mix(address[:, 0] ^ _FACTORS[2], address[:, 1].view(np.int64)), port)


def _mix(key: NDArray[np.uint64], value: Ints) -> NDArray[np.uint64]:
    mixed = (key + value.astype(np.uint64)) * _FACTORS[0]
    mixed ^= mixed >> np.uint64(32)
    mixed *= _FACTORS[1]
    mixed ^= mixed >> np.uint64(29)
    return mixed


def address_bytes(version: int, words: NDArray[np.uint64]) -> bytes:
    """The address in network byte order."""
    if version == 4:
        return int(words[1]).to_bytes(4, "big")
    return int(words[0]).to_bytes(8, "big") + int(words[1]).to_bytes(8, "big")


def client_is_source(flags: int, source_port: int, destination_port: int) -> bool:
    """Who opened a connection, judged by the first packet seen: SYN, SYN+ACK, else the lower port is the server's."""
    if flags & 0x12 == 0x02:
        return True
    if flags & 0x12 == 0x12:
        return False
    return source_port >= destination_port
