"""IPv4 and IPv6 headers as columns: options, offload, padding, extension headers, fragments, lengths that lie."""

import random
import struct

import numpy as np
import pytest

from dissectors.net.extensions import walk_extensions
from dissectors.net.packets import MAX_SUPER_FRAME, PacketDecoder, Packets
from tests.dissectors.net.wire import ETHERNET, RAW, START, Frame, columns, ethernet, ipv4, ipv6, linked, tcp, udp

A, B = "10.0.0.1", "192.0.2.7"
A6, B6 = "fd00::1", "2001:db8::7"
HELLO = tcp(40000, 443, 1, payload=b"hello")


def decode(
    *frames: Frame | bytes, decoder: PacketDecoder | None = None, first_frame: int = 1
) -> tuple[Packets, Packets]:
    """TCP and UDP packets of raw IP frames."""
    block = columns(
        [frame if isinstance(frame, Frame) else Frame(frame, link_type=RAW) for frame in frames], first_frame
    )
    return (decoder or PacketDecoder()).decode(block)[:2]


def content(packets: Packets, index: int = 0) -> bytes:
    """Header and payload of one packet, as captured."""
    start = int(packets.start[index])
    return packets.data[start : start + int(packets.captured[index])].tobytes()


def test_an_ipv4_packet_becomes_columns() -> None:
    packets, _ = decode(Frame(ethernet(ipv4(A, B, HELLO, ttl=57, ip_id=4711), mac=0x0200000000AA), START + 5))
    row = [
        int(getattr(packets, name)[0])
        for name in ("frame", "time_ns", "version", "ttl", "ip_id", "mac", "length", "captured")
    ]
    assert row == [1, START + 5, 4, 57, 4711, 0x0200000000AA, 25, 25]
    assert (int(packets.source[0, 1]), int(packets.destination[0, 1])) == (0x0A000001, 0xC0000207)
    assert content(packets) == HELLO


def test_an_ipv6_packet_becomes_columns() -> None:
    packets, _ = decode(ipv6(A6, B6, HELLO, hops=200))
    assert [int(getattr(packets, name)[0]) for name in ("version", "ttl", "ip_id", "mac", "length")] == [
        6,
        200,
        -1,
        -1,
        25,
    ]
    assert packets.destination[0].tolist() == [0x20010DB8_00000000, 7]
    assert content(packets) == HELLO


@pytest.mark.parametrize("words", [1, 5, 10])
def test_ipv4_options_are_skipped(words: int) -> None:
    packets, _ = decode(ipv4(A, B, HELLO, options=b"\x01" * 4 * words))
    assert content(packets) == HELLO


def test_tcp_and_udp_come_apart_each_version_in_frame_order() -> None:
    found, datagrams = decode(
        ipv4(A, B, HELLO),
        ipv6(A6, B6, udp(1, 2, b"x"), protocol=17),
        ipv6(A6, B6, HELLO),
        ipv4(A, B, udp(1, 2, b"x"), protocol=17),
        ipv4(A, B, b"\x08\0\0\0", protocol=1),
        ipv4(A, B, HELLO),
    )
    assert (found.frame.tolist(), found.version.tolist()) == ([1, 6, 3], [4, 4, 6])
    assert (datagrams.frame.tolist(), datagrams.version.tolist()) == ([4, 2], [4, 6])


def test_one_connection_on_two_link_types_stays_in_frame_order() -> None:
    packet = ipv4(A, B, HELLO)
    frames = [Frame(linked(packet, kind), link_type=kind) for kind in (RAW, ETHERNET, RAW, ETHERNET)]
    packets, _ = decode(*frames, first_frame=11)
    assert packets.frame.tolist() == [11, 12, 13, 14]
    assert [content(packets, index) for index in range(4)] == [HELLO] * 4


def test_ethernet_padding_is_not_payload() -> None:
    packets, _ = decode(Frame(ethernet(ipv4(A, B, tcp(40000, 443, 1))) + bytes(6)))
    assert (packets.length.tolist(), packets.captured.tolist()) == ([20], [20])


@pytest.mark.parametrize("size", [1448, 65_600, 524_000])
def test_the_frame_tells_the_length_of_an_offloaded_super_frame(size: int) -> None:
    segment = tcp(40000, 443, 1, payload=b"x" * size)
    packets, _ = decode(ipv4(A, B, segment, total=0), ipv6(A6, B6, segment, length=0))
    assert packets.length.tolist() == [size + 20] * 2
    cut = Frame(ipv4(A, B, segment, total=0)[:100], original=size + 40, link_type=RAW)
    packets, _ = decode(cut)
    assert (packets.length.tolist(), packets.captured.tolist()) == ([size + 20], [80])


@pytest.mark.parametrize("claimed", [MAX_SUPER_FRAME + 1, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_super_frame_of_gigabytes_is_not_believed(claimed: int) -> None:
    decoder = PacketDecoder()
    four, six = ipv4(A, B, HELLO, total=0), ipv6(A6, B6, HELLO, length=0)
    packets, _ = decode(
        Frame(four, original=claimed, link_type=RAW), Frame(six, original=claimed, link_type=RAW), decoder=decoder
    )
    assert len(packets) == 0


@pytest.mark.parametrize(
    "packet",
    [
        ipv4(A, B, HELLO, total=19),  # shorter than its own header
        ipv4(A, B, HELLO, total=39),  # no room for a TCP header
        bytes([0x44]) + ipv4(A, B, HELLO)[1:],  # header of 16 bytes
        bytes([0x65]) + ipv4(A, B, HELLO)[1:],  # IPv6 by its first nibble, and too short for it
        ipv4(A, B, HELLO)[:19],
        ipv4(A, B, HELLO)[:39],
        ipv6(A6, B6, HELLO)[:39],
        ipv6(A6, B6, HELLO)[:59],
        ipv6(A6, B6, HELLO, length=19),
    ],
)
def test_headers_that_cannot_be_right_or_are_cut_are_no_packets(packet: bytes) -> None:
    packets, datagrams = decode(packet)
    assert (len(packets), len(datagrams)) == (0, 0)


def test_a_cut_header_is_counted_and_another_protocol_is_not() -> None:
    decoder = PacketDecoder()
    decode(ipv4(A, B, HELLO)[:30], ipv4(A, B, HELLO, protocol=47), decoder=decoder)
    assert decoder.cut_headers == 1


def test_a_claimed_length_beyond_the_frame_is_what_was_on_the_wire() -> None:
    packets, _ = decode(ipv4(A, B, HELLO, total=1500))
    assert (packets.length.tolist(), packets.captured.tolist()) == ([1480], [25])


# -- fragments --------------------------------------------------------------------------------------------------------

LONG = tcp(40000, 443, 1, payload=bytes(range(256)) * 4)


def pieces4(segment: bytes = LONG, size: int = 400, ip_id: int = 9) -> list[bytes]:
    starts = range(0, len(segment), size)
    return [ipv4(A, B, segment[s : s + size], ip_id=ip_id, offset=s, more=s + size < len(segment)) for s in starts]


def fragment6(part: bytes, offset: int, more: bool, *, following: int = 6, number: int = 9) -> bytes:
    """RFC 8200 4.5: next header, reserved, offset and M, identification."""
    return ipv6(A6, B6, struct.pack(">BBHI", following, 0, offset | more, number) + part, protocol=44)


def pieces6(segment: bytes = LONG, size: int = 400) -> list[bytes]:
    starts = range(0, len(segment), size)
    return [fragment6(segment[s : s + size], s, s + size < len(segment)) for s in starts]


@pytest.mark.parametrize("pieces", [pieces4(), pieces6()], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("per", [1, 100])
def test_fragments_become_one_packet_at_the_frame_that_completes_it(pieces: list[bytes], seed: int, per: int) -> None:
    order = list(pieces)
    random.Random(seed).shuffle(order)
    order.insert(1, ipv4(A, B, HELLO))
    decoder = PacketDecoder()
    found = []
    for first in range(0, len(order), per):
        packets, _ = decode(*order[first : first + per], decoder=decoder, first_frame=first + 1)
        found += [(int(packets.frame[index]), content(packets, index)) for index in range(len(packets))]
    assert found == [(2, HELLO), (4, LONG)]


def test_two_fragmented_datagrams_of_both_versions_in_one_block() -> None:
    other = tcp(40001, 443, 1, payload=b"other" * 200)
    packets, _ = decode(*pieces6(), *pieces4(), *pieces4(other, ip_id=10))
    assert {frame: content(packets, index) for index, frame in enumerate(packets.frame.tolist())} == {
        3: LONG,
        6: LONG,
        9: other,
    }


def test_a_lost_fragment_loses_the_datagram() -> None:
    first, _, last = pieces4()
    packets, _ = decode(first, last)
    assert len(packets) == 0


def test_a_cut_fragment_is_counted_and_not_padded() -> None:
    first, second, last = pieces4()
    decoder = PacketDecoder()
    packets, _ = decode(first, Frame(second[:100], original=len(second), link_type=RAW), last, decoder=decoder)
    assert len(packets) == 0
    assert decoder.cut_headers == 1


def test_an_atomic_fragment_is_a_whole_packet() -> None:
    packets, _ = decode(fragment6(HELLO, 0, False))
    assert (content(packets), packets.length.tolist()) == (HELLO, [25])


def test_headers_inside_a_fragmented_datagram_are_walked() -> None:
    inside = bytes([6, 0, 1, 4, 0, 0, 0, 0]) + LONG  # destination options: next header TCP, length 0
    starts = range(0, len(inside), 400)
    packets, _ = decode(*[fragment6(inside[s : s + 400], s, s + 400 < len(inside), following=60) for s in starts])
    assert (content(packets), packets.length.tolist()) == (LONG, [len(LONG)])


# -- extension headers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "chain",
    [
        [(0, bytes([0, 0, 5, 2, 0, 0, 0, 0]))],  # hop-by-hop with a router alert
        [(43, bytes([0, 2]) + bytes(22))],  # routing, 24 bytes
        [(51, bytes([0, 4]) + bytes(22))],  # authentication, (4 + 2) * 4 bytes
        [(0, bytes(8)), (60, bytes([0, 1]) + bytes(14)), (43, bytes(8)), (60, bytes(8))],
        [(60, bytes(8))] * 15,
    ],
)
def test_ipv6_extension_headers_are_walked(chain: list[tuple[int, bytes]]) -> None:
    body = HELLO
    following = 6
    for number, header in reversed(chain):
        body = bytes([following]) + header[1:] + body
        following = number
    packets, _ = decode(ipv6(A6, B6, body, protocol=following))
    assert (content(packets), packets.length.tolist()) == (HELLO, [25])


def test_a_chain_of_headers_without_end_is_no_packet() -> None:
    assert walk_extensions(0, bytes(8) * 1000) is None
    assert walk_extensions(0, bytes([0, 255]) + bytes(6)) is None
    assert walk_extensions(60, bytes(7)) is None


def test_an_extension_header_that_claims_more_than_there_is_leaves_no_packet() -> None:
    packets, _ = decode(ipv6(A6, B6, bytes([6, 200]) + bytes(6) + HELLO, protocol=0), ipv6(A6, B6, HELLO))
    assert packets.frame.tolist() == [2]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_and_mutated_packets_never_leave_their_frame(seed: int) -> None:
    rng = random.Random(seed)
    frames = []
    for _ in range(200):
        packet = bytearray(
            rng.choice(
                [*pieces4(), *pieces6(), ipv4(A, B, HELLO), ipv6(A6, B6, HELLO), rng.randbytes(rng.randrange(80))]
            )
        )
        for _ in range(rng.choice((0, 1, 3))):
            if packet:
                packet[rng.randrange(min(60, len(packet)))] = rng.randrange(256)
        kind = rng.choice((0, 1, 9, 50, 101, 108, 113, 204, 276, 7))
        data = packet if rng.random() < 0.2 or not packet or kind == 7 else linked(bytes(packet), kind)
        data = bytes(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.2 else data)
        frames.append(Frame(data, START, rng.choice((None, None, len(data) + 100, 0, 0xFFFFFFFF)), kind))
    decoder = PacketDecoder()
    block = columns(frames)
    ends = block.offset + block.captured
    for packets in decoder.decode(block):
        assert (np.diff(packets.frame) > 0).all()
        for index in range(len(packets)):
            start, captured = int(packets.start[index]), int(packets.captured[index])
            if start < len(block.data):
                row = int(packets.frame[index]) - 1
                assert block.offset[row] <= start <= start + captured <= ends[row]
            assert start + captured <= len(packets.data)
            assert 8 <= captured <= int(packets.length[index]) <= MAX_SUPER_FRAME
