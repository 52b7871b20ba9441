"""Where the network packet begins, for every link type, tag and odd header; nothing where the header is cut."""

import struct

import pytest

from dissectors.net import links
from dissectors.net.links.names import link_type_name
from dissectors.net.packets import PacketDecoder
from tests.dissectors.net import wire
from tests.dissectors.net.wire import Frame, columns, ethernet, ipv4, ipv6, linked, tcp

V4 = ipv4("10.0.0.1", "192.0.2.7", tcp(40000, 443, 1, payload=b"hello"))
V6 = ipv6("fd00::1", "2001:db8::7", tcp(40000, 443, 1, payload=b"hello"))
MAC = 0x02AB00000003
ALL = (0, 1, 9, 50, 101, 108, 113, 204, 276)


def located(data: bytes, link_type: int) -> tuple[int, int, int]:
    """Offset, protocol and MAC; another frame stands behind, whose bytes must not be read as this one's."""
    block = columns([Frame(data, link_type=link_type), Frame(b"\x45" * 60, link_type=link_type)])
    found = links.locate(link_type, block.data, block.offset, block.captured)
    assert found is not None
    return int(found.offset[0]), int(found.protocol[0]), int(found.mac[0])


@pytest.mark.parametrize("packet", [V4, V6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("link_type", ALL)
def test_the_packet_is_found(link_type: int, packet: bytes) -> None:
    frame = linked(packet, link_type, MAC)
    offset, protocol, mac = located(frame, link_type)
    assert frame[offset:] == packet
    assert protocol == (0x0800 if packet is V4 else 0x86DD)
    assert mac == (MAC if link_type in (1, 113, 276) else -1)


@pytest.mark.parametrize("packet", [V4, V6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("link_type", ALL)
def test_a_frame_cut_anywhere_before_the_packet_is_nothing(link_type: int, packet: bytes) -> None:
    frame = linked(packet, link_type)
    for size in range(len(frame) - len(packet) + 1):
        assert located(frame[:size], link_type)[1] == 0, size


@pytest.mark.parametrize(("link_type", "packet"), [(12, V4), (14, V6), (228, V4), (229, V6)])
def test_raw_ip_has_other_numbers_too(link_type: int, packet: bytes) -> None:
    assert located(packet, link_type)[:2] == (0, wire.ethertype(packet))


@pytest.mark.parametrize(
    "tags",
    [
        [(0x8100, 5)],
        [(0x88A8, 7), (0x8100, 5)],
        [(0x9100, 7), (0x8100, 5)],
        [(0x8100, 1), (0x8100, 2), (0x8100, 3), (0x8100, 4)],
    ],
)
def test_vlan_tags_are_skipped(tags: list[tuple[int, int]]) -> None:
    frame = ethernet(V4, tags=tags)
    assert located(frame, 1)[:2] == (14 + 4 * len(tags), 0x0800)
    for size in range(14 + 4 * len(tags) + 1):
        assert located(frame[:size], 1)[1] == 0


def test_more_tags_than_anybody_uses_are_not_followed() -> None:
    assert located(ethernet(V4, tags=[(0x8100, 1)] * 5), 1)[1] == 0


def test_a_vlan_tag_in_a_cooked_header_is_skipped() -> None:
    header = struct.pack(">HHH", 0, 1, 6) + bytes(8) + b"\x81\x00" + struct.pack(">HH", 5, 0x0800)
    assert located(header + V4, 113)[:2] == (20, 0x0800)


@pytest.mark.parametrize(("packet", "ppp"), [(V4, 0x0021), (V6, 0x0057)], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("tags", [[], [(0x8100, 7)]])
def test_pppoe_sessions_are_opened(packet: bytes, ppp: int, tags: list[tuple[int, int]]) -> None:
    # version 1 type 1, code 0 (session data), session, length, PPP protocol (RFC 2516 4)
    inside = struct.pack(">BBHHH", 0x11, 0, 9, len(packet) + 2, ppp) + packet
    frame = ethernet(inside, tags=tags, kind=0x8864)
    offset, protocol, _ = located(frame, 1)
    assert (frame[offset:], protocol) == (packet, wire.ethertype(packet))
    assert located(frame[: offset - 1], 1)[1] == 0


@pytest.mark.parametrize(
    "header",
    [
        struct.pack(">BBHHH", 0x11, 0xA7, 9, 2, 0x21),
        struct.pack(">BBHHH", 0x21, 0, 9, 2, 0x21),
        struct.pack(">BBHHH", 0x11, 0, 9, 2, 0xC021),
    ],
)
def test_other_pppoe_is_not_ip(header: bytes) -> None:
    """A discovery code, another version, LCP."""
    assert located(ethernet(header + V4, kind=0x8864), 1)[1] == 0


@pytest.mark.parametrize("family", [2, 10, 24, 28, 30])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("link_type", [0, 108])
def test_bsd_loopback_is_read_in_both_byte_orders(family: int, order: str, link_type: int) -> None:
    packet = V4 if family == 2 else V6
    assert located(struct.pack(f"{order}I", family) + packet, link_type)[:2] == (4, wire.ethertype(packet))


@pytest.mark.parametrize("family", [0, 3, 23, 0x0200_0002, 0xFFFFFFFF])
def test_other_families_are_not_ip(family: int) -> None:
    assert located(struct.pack("<I", family) + V4, 0)[1] == 0


@pytest.mark.parametrize(
    ("link_type", "head"),
    [(9, b"\0\x21"), (9, b"\xff\x03\0\x21"), (50, b"\0\x21"), (204, b"\0\0\x21"), (204, b"\1\xff\x03\0\x21")],
)
def test_ppp_with_and_without_address_and_control(link_type: int, head: bytes) -> None:
    assert located(head + V4, link_type)[:2] == (len(head), 0x0800)


def test_ppp_of_another_protocol_is_not_ip() -> None:
    assert located(b"\xc0\x21" + V4, 9)[1] == 0


@pytest.mark.parametrize("kind", [0x0806, 0x88CC, 0x05DC, 0x0000, 0xFFFF])
def test_other_ethertypes_and_802_3_lengths_are_not_ip(kind: int) -> None:
    assert located(ethernet(V4, kind=kind), 1)[1] == 0


@pytest.mark.parametrize("version", [0, 5, 7, 15])
def test_raw_ip_of_another_version_is_nothing(version: int) -> None:
    assert located(bytes([version << 4]) + V4[1:], 101)[1] == 0


@pytest.mark.parametrize(("link_type", "length_at"), [(113, 5), (276, 11)])
def test_a_cooked_header_without_a_mac_address_has_none(link_type: int, length_at: int) -> None:
    frame = bytearray(linked(V4, link_type, MAC))
    frame[length_at] = 0
    assert located(bytes(frame), link_type)[1:] == (0x0800, -1)


def test_an_unknown_link_type_is_counted_by_its_frames() -> None:
    decoder = PacketDecoder()
    tcp_packets, udp_packets, _ = decoder.decode(
        columns([Frame(V4, link_type=127), Frame(ethernet(V4)), Frame(V4, link_type=127)])
    )
    assert decoder.skipped_link_types == {127: 2}
    assert (tcp_packets.frame.tolist(), len(udp_packets)) == ([2], 0)


def test_every_link_type_that_is_read_has_a_name() -> None:
    assert [number for number in links.BY_LINK_TYPE if link_type_name(number).startswith("link type")] == []
    assert link_type_name(-5) == "link type -5"


def test_each_link_type_is_read_by_one_file_only() -> None:
    numbers = [number for link in links.LINKS for number in link.LINK_TYPES]
    assert len(numbers) == len(set(numbers))
