"""Packets inside packets: IP in IP (RFC 2003, RFC 4213), GRE (RFC 2784, RFC 2890) with ERSPAN, VXLAN (RFC 7348), GENEVE
(RFC 8926).

A mirror port that sends its copies over the network wraps them so, and so does the inside of a data centre. What is
found is decoded like any frame, under the number and time of the frame that carried it. Left out: PPTP's GRE, MPLS,
L2TP, IPsec, and tunnels inside datagrams of which a fragment is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dissectors.net.rows import Bytes, Flags, Ints, gather, u16

IP_IN_IP, IPV6_IN_IP, GRE = 4, 41, 47  # IP protocol numbers
ETHERNET, RAW_IP = 1, 101  # LINKTYPE_
VXLAN_PORTS = (4789, 8472)  # 8472: what Linux took before there was a number
GENEVE_PORT = 6081
TUNNEL_PORTS = (*VXLAN_PORTS, GENEVE_PORT)

_UDP_BYTES = 8
_VXLAN_BYTES = 8
_INNER_KIND = {0x0800: RAW_IP, 0x86DD: RAW_IP, 0x6558: ETHERNET}
_ERSPAN_2, _ERSPAN_3 = 0x88BE, 0x22EB


@dataclass(frozen=True, slots=True)
class Outer:
    """Packets that may hold others: columns of packets of one protocol."""

    frame: Ints
    time_ns: Ints
    header: Bytes  # shape (n, at least 16)
    start: Ints  # where the header begins
    length: Ints  # of header and payload on the wire
    captured: Ints


@dataclass(frozen=True, slots=True)
class Inner:
    """Frames of one link type found inside packets."""

    link_type: int
    frame: Ints
    time_ns: Ints
    offset: Ints
    captured: Ints
    original: Ints


def to_port(header: Bytes) -> Flags:
    """Which UDP packets go to a tunnel's port."""
    port = header.view(">u2")[:, 1].astype(np.uint16)
    found: Flags = (port == VXLAN_PORTS[0]) | (port == VXLAN_PORTS[1]) | (port == GENEVE_PORT)
    return found


def in_udp(packets: Outer) -> Iterator[Inner]:
    """The frames in VXLAN and GENEVE datagrams."""
    port = u16(packets.header, 2)
    vxlan, geneve = (port == VXLAN_PORTS[0]) | (port == VXLAN_PORTS[1]), port == GENEVE_PORT
    if vxlan.any():
        flags, reserved = packets.header[:, 8], packets.header[:, 15]
        vxlan &= (flags & 0x08 != 0) & (reserved == 0)
        yield from _behind(packets, vxlan, _UDP_BYTES + _VXLAN_BYTES, ETHERNET)
    if geneve.any():
        geneve &= packets.header[:, 8] >> 6 == 0
        skip = _UDP_BYTES + 8 + (packets.header[:, 8] & 0x3F).astype(np.int64) * 4
        kind = u16(packets.header, 10)
        for number, link_type in _INNER_KIND.items():
            yield from _behind(packets, geneve & (kind == number), skip, link_type)


def in_gre(data: Bytes, packets: Outer) -> Iterator[Inner]:
    """The frames in GRE packets."""
    flags, version = packets.header[:, 0], packets.header[:, 1] & 7
    kind = u16(packets.header, 2)
    plain = version == 0
    sequenced = flags & 0x10 != 0
    skip = 4 + 4 * ((flags & 0xC0 != 0).astype(np.int64) + (flags & 0x20 != 0) + sequenced)
    for number, link_type in _INNER_KIND.items():
        yield from _behind(packets, plain & (kind == number), skip, link_type)
    yield from _behind(packets, plain & (kind == _ERSPAN_2), skip + 8 * sequenced, ETHERNET)  # type I has no header
    third = plain & (kind == _ERSPAN_3)
    if third.any():
        subheader = gather(data, packets.start + skip + 11, 1)[:, 0] & 1
        yield from _behind(packets, third, skip + 12 + 8 * subheader.astype(np.int64), ETHERNET)


def in_ip(packets: Outer) -> Iterator[Inner]:
    """The packets in IP packets."""
    yield from _behind(packets, np.ones(len(packets.frame), np.bool_), 0, RAW_IP)


def _behind(packets: Outer, wanted: Flags, skip: Ints | int, link_type: int) -> Iterator[Inner]:
    """What begins `skip` bytes into the wanted packets."""
    captured = packets.captured - skip
    rows = np.flatnonzero(wanted & (captured > 0))
    if len(rows):
        yield Inner(
            link_type,
            packets.frame[rows],
            packets.time_ns[rows],
            (packets.start + skip)[rows],
            captured[rows],
            (packets.length - skip)[rows],
        )
