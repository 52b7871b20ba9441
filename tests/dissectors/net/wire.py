"""Builds frames byte by byte, as a peer would put them on the wire, and hands them over as capture columns."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import numpy as np

from dissectors.capture import Frames

SECOND = 1_000_000_000
MS = 1_000_000
START = 1_795_262_400 * SECOND  # 2026-11-21 12:00:00 UTC

ETHERNET, PPP, RAW, PPP_HDLC, LOOP, SLL, PPP_DIRECTION, IPV4, IPV6, SLL2, NULL = (
    1,
    9,
    101,
    50,
    108,
    113,
    204,
    228,
    229,
    276,
    0,
)
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT_MAC, SERVER_MAC = 0x020000000001, 0x020000000002


@dataclass(frozen=True, slots=True)
class Frame:
    """One record of a capture."""

    data: bytes
    time_ns: int = START
    original: int | None = None  # None: nothing was cut
    link_type: int = ETHERNET


def tcp(
    source: int,
    destination: int,
    seq: int,
    ack: int = 0,
    flags: int = ACK,
    payload: bytes = b"",
    *,
    window: int = 65535,
    options: bytes = b"",
    checksum: int = 0,
) -> bytes:
    """RFC 9293 3.1; `options` must fill 4-byte words."""
    words = 5 + len(options) // 4
    head = struct.pack(
        ">HHIIBBHHH", source, destination, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, words << 4, flags, window, checksum, 0
    )
    return head + options + payload


def udp(source: int, destination: int, payload: bytes, *, length: int | None = None) -> bytes:
    """RFC 768."""
    return struct.pack(">HHHH", source, destination, 8 + len(payload) if length is None else length, 0) + payload


def ipv4(
    source: str,
    destination: str,
    payload: bytes,
    *,
    protocol: int = 6,
    ttl: int = 64,
    ip_id: int = 0,
    offset: int = 0,
    more: bool = False,
    options: bytes = b"",
    total: int | None = None,
    version: int = 4,
) -> bytes:
    """RFC 791 3.1; `total` is what the header claims."""
    words = 5 + len(options) // 4
    size = words * 4 + len(payload) if total is None else total
    return (
        struct.pack(
            ">BBHHHBBH", version << 4 | words, 0, size, ip_id, offset // 8 | (0x2000 if more else 0), ttl, protocol, 0
        )
        + ip_address(source).packed
        + ip_address(destination).packed
        + options
        + payload
    )


def ipv6(
    source: str, destination: str, payload: bytes, *, protocol: int = 6, hops: int = 64, length: int | None = None
) -> bytes:
    """RFC 8200 3."""
    size = len(payload) if length is None else length
    return (
        struct.pack(">IHBB", 6 << 28, size, protocol, hops)
        + ip_address(source).packed
        + ip_address(destination).packed
        + payload
    )


def ip(source: str, destination: str, payload: bytes, *, ttl: int = 64, ip_id: int = 0) -> bytes:
    """Whichever version the addresses have; what is too long for the header has length 0, as offload leaves it."""
    super_frame = 0 if len(payload) > 65_000 else None
    if ":" in source:
        return ipv6(source, destination, payload, hops=ttl, length=super_frame)
    return ipv4(source, destination, payload, ttl=ttl, ip_id=ip_id, total=super_frame)


def ethertype(packet: bytes) -> int:
    return 0x86DD if packet[0] >> 4 == 6 else 0x0800


def ethernet(
    packet: bytes, *, mac: int = CLIENT_MAC, tags: Sequence[tuple[int, int]] = (), kind: int | None = None
) -> bytes:
    """IEEE 802.3: destination, source, any (tag protocol, VLAN) tags, EtherType."""
    inner = b"".join(struct.pack(">HH", protocol, vlan) for protocol, vlan in tags)
    return (
        bytes(6)
        + mac.to_bytes(6, "big")
        + inner
        + (ethertype(packet) if kind is None else kind).to_bytes(2, "big")
        + packet
    )


def linked(packet: bytes, link_type: int, mac: int = CLIENT_MAC) -> bytes:
    """The packet in a frame of that link type."""
    kind = ethertype(packet)
    hardware = mac.to_bytes(6, "big")
    ppp = b"\0\x57" if kind == 0x86DD else b"\0\x21"
    heads = {
        ETHERNET: bytes(6) + hardware + kind.to_bytes(2, "big"),
        SLL: struct.pack(">HHH", 0, 1, 6) + hardware + bytes(2) + kind.to_bytes(2, "big"),
        SLL2: struct.pack(">HHIHBB", kind, 0, 2, 1, 0, 6) + hardware + bytes(2),
        NULL: struct.pack("<I", 30 if kind == 0x86DD else 2),
        LOOP: struct.pack(">I", 24 if kind == 0x86DD else 2),
        RAW: b"",
        IPV4: b"",
        IPV6: b"",
        PPP: ppp,
        PPP_HDLC: b"\xff\x03" + ppp,
        PPP_DIRECTION: b"\x01\xff\x03" + ppp,
    }
    return heads[link_type] + packet


def columns(frames: Sequence[Frame], first_frame: int = 1, before: int = 3) -> Frames:
    """One block: the frames with `before` odd bytes ahead of each, as a file has record headers."""
    data = bytearray()
    offsets = []
    for frame in frames:
        data += b"\xee" * before
        offsets.append(len(data))
        data += frame.data
    return Frames(
        data=np.frombuffer(bytes(data), np.uint8),
        first_frame=first_frame,
        offset=np.array(offsets, np.int64),
        captured=np.array([len(frame.data) for frame in frames], np.int64),
        original=np.array(
            [len(frame.data) if frame.original is None else frame.original for frame in frames], np.int64
        ),
        time_ns=np.array([frame.time_ns for frame in frames], np.int64),
        interface=np.zeros(len(frames), np.int32),
        link_type=np.array([frame.link_type for frame in frames], np.int32),
    )


def pcap(frames: Sequence[Frame]) -> bytes:
    """A nanosecond pcap file; all frames share the first one's link type."""
    link_type = frames[0].link_type if frames else ETHERNET
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link_type)]
    for frame in frames:
        seconds, rest = divmod(frame.time_ns, SECOND)
        original = len(frame.data) if frame.original is None else frame.original
        out += [struct.pack("<IIII", seconds, rest, len(frame.data), original), frame.data]
    return b"".join(out)
