"""Packets inside packets. scapy builds them: it is not ours."""

from __future__ import annotations

import random

import pytest

from dissectors.net.packets import MAX_TUNNELS, PacketDecoder, Packets
from tests.dissectors.net.wire import ETHERNET, RAW, Frame, columns, ipv4, tcp

HELLO = tcp(40000, 443, 1, payload=b"hello")
PLAIN = ipv4("10.0.0.1", "192.0.2.7", HELLO, ttl=57)


def inner_frame() -> bytes:
    from scapy.all import IP, TCP, Ether, Raw

    inside = IP(src="10.0.0.1", dst="192.0.2.7", ttl=57) / TCP(sport=40000, dport=443, seq=1, flags="A")
    return bytes(Ether(src="02:00:00:00:00:aa", dst="02:00:00:00:00:bb") / inside / Raw(b"hello"))


def wrapped(kind: str) -> bytes:
    """The same TCP packet in a tunnel, as a raw IP packet."""
    from scapy.all import GRE, IP, UDP, VXLAN, IPv6, Raw
    from scapy.contrib.erspan import ERSPAN_II, ERSPAN_III, ERSPAN_PlatformSpecific
    from scapy.contrib.geneve import GENEVE, GeneveOptions

    outer = IP(src="172.16.0.1", dst="172.16.0.2")
    frame = Raw(inner_frame())
    packet = Raw(inner_frame()[14:])
    return bytes(
        {
            "ip in ip": IP(src="172.16.0.1", dst="172.16.0.2", proto=4) / packet,
            "ipv4 in ipv6": IPv6(src="fd00::1", dst="fd00::2", nh=4) / packet,
            "gre": outer / GRE(proto=0x0800) / packet,
            "gre with key, checksum and sequence": outer
            / GRE(proto=0x0800, key_present=1, chksum_present=1, seqnum_present=1, key=7, sequence_number=9)
            / packet,
            "nvgre": outer / GRE(proto=0x6558, key_present=1, key=0x123400) / frame,
            "erspan 2": outer
            / GRE(proto=0x88BE, seqnum_present=1, sequence_number=4)
            / ERSPAN_II(session_id=5)
            / frame,
            "erspan 3": outer / GRE(proto=0x22EB, seqnum_present=1, sequence_number=4) / ERSPAN_III(o=0) / frame,
            "erspan 3 with subheader": outer
            / GRE(proto=0x22EB, seqnum_present=1, sequence_number=4)
            / ERSPAN_III(o=1)
            / ERSPAN_PlatformSpecific()
            / frame,
            "vxlan": outer / UDP(sport=50000, dport=4789) / VXLAN(vni=42, flags="Instance") / frame,
            "geneve": outer / UDP(sport=50000, dport=6081) / GENEVE(vni=42, proto=0x6558) / frame,
            "geneve with options": outer
            / UDP(sport=50000, dport=6081)
            / GENEVE(vni=42, proto=0x6558, options=[GeneveOptions(classid=1, type=2, data=b"12345678")])
            / frame,
        }[kind]
    )


KINDS = (
    "ip in ip", "ipv4 in ipv6", "gre", "gre with key, checksum and sequence", "nvgre", "erspan 2", "erspan 3",
    "erspan 3 with subheader", "vxlan", "geneve", "geneve with options",
)  # fmt: skip


def decode(*frames: Frame | bytes) -> Packets:
    block = columns([frame if isinstance(frame, Frame) else Frame(frame, link_type=RAW) for frame in frames])
    return PacketDecoder().decode(block).tcp


def facts(packets: Packets, index: int) -> tuple[int, int, int, bytes]:
    start = int(packets.start[index])
    content = packets.data[start + 20 : start + int(packets.captured[index])].tobytes()
    return int(packets.frame[index]), int(packets.ttl[index]), int(packets.source[index, 1]), content


@pytest.mark.parametrize("kind", KINDS)
def test_the_packet_in_a_tunnel_stands_at_the_frame_that_carried_it(kind: str) -> None:
    found = decode(PLAIN, wrapped(kind), PLAIN)
    assert [facts(found, index) for index in range(len(found))] == [
        (number, 57, 0x0A000001, b"hello") for number in (1, 2, 3)
    ]


@pytest.mark.parametrize("kind", ["nvgre", "erspan 2", "vxlan", "geneve"])
def test_the_inner_frame_s_own_address_is_kept(kind: str) -> None:
    assert decode(wrapped(kind)).mac.tolist() == [0x0200000000AA]


@pytest.mark.parametrize("kind", KINDS)
def test_a_tunnelled_packet_that_was_cut_says_so(kind: str) -> None:
    packet = wrapped(kind)
    found = decode(Frame(packet[:-3], original=len(packet), link_type=RAW))
    assert (found.length - found.captured).tolist() == [3]


@pytest.mark.parametrize("kind", KINDS)
def test_every_cut_is_survived(kind: str) -> None:
    packet = wrapped(kind)
    for size in range(len(packet)):
        found = decode(Frame(packet[:size], original=len(packet), link_type=RAW))
        assert all(found.start + found.captured <= len(found.data))


def test_tunnels_stand_in_each_other_so_deep_and_no_deeper() -> None:
    from scapy.all import IP

    packet = bytes(PLAIN)
    for depth in range(1, MAX_TUNNELS + 3):
        packet = bytes(IP(src="172.16.0.1", dst="172.16.0.2", proto=4)) + packet
        packet = packet[:2] + len(packet).to_bytes(2, "big") + packet[4:]
        assert len(decode(packet)) == (depth <= MAX_TUNNELS)


def test_a_tunnel_s_port_alone_makes_no_tunnel() -> None:
    from scapy.all import IP, UDP, Raw

    assert len(decode(bytes(IP() / UDP(dport=4789) / Raw(bytes(8) + inner_frame())))) == 0  # no VXLAN flag
    assert len(decode(bytes(IP() / UDP(dport=4790) / Raw(b"\x08" + bytes(7) + inner_frame())))) == 0


def test_random_bytes_in_tunnels_are_survived() -> None:
    randoms = random.Random(5)
    for _ in range(200):
        kind = randoms.choice(KINDS)
        packet = bytearray(wrapped(kind))
        for _ in range(randoms.randrange(1, 6)):
            packet[randoms.randrange(20, len(packet))] = randoms.randrange(256)
        found = decode(Frame(bytes(packet), link_type=RAW), Frame(bytes(packet[20:]), link_type=ETHERNET))
        assert all(found.captured >= 20)
