"""TCP headers as columns, and the keys of connections and packets."""

import numpy as np
import pytest

from dissectors.net.packets import PacketDecoder
from dissectors.net.segments import Collected, Segments, client_is_source, endpoint_key, segments
from tests.dissectors.net.test_packets import pieces4, pieces6
from tests.dissectors.net.test_tunnels import wrapped
from tests.dissectors.net.wire import ACK, ETHERNET, RAW, SYN, Frame, columns, ethernet, ipv4, ipv6, tcp

A, B = "10.0.0.1", "192.0.2.7"


def read(*frames: Frame | bytes) -> tuple[Segments, int]:
    block = columns([frame if isinstance(frame, Frame) else Frame(frame, link_type=RAW) for frame in frames])
    return segments(PacketDecoder().decode(block)[0])


def test_a_header_becomes_columns() -> None:
    found, bad = read(
        ipv4(A, B, tcp(40000, 443, 0xFFFFFFFE, 0x80000001, ACK | SYN, b"hello", window=77, options=b"\1" * 8))
    )
    names = ("source_port", "destination_port", "seq", "ack", "flags", "window", "length", "captured")
    assert [int(getattr(found, name)[0]) for name in names] == [40000, 443, 0xFFFFFFFE, 0x80000001, 0x12, 77, 5, 5]
    start = int(found.start[0])
    assert (found.data[start : start + 5].tobytes(), bad) == (b"hello", 0)


@pytest.mark.parametrize("words", [0, 4, 15])
def test_a_data_offset_that_cannot_be_right_is_counted(words: int) -> None:
    segment = bytearray(tcp(40000, 443, 1, payload=b"hello"))
    segment[12] = words << 4
    found, bad = read(ipv4(A, B, bytes(segment)), ipv4(A, B, tcp(40000, 443, 1)))
    assert (len(found), bad, found.frame.tolist()) == (1, 1, [2])


@pytest.mark.parametrize("kept", [0, 3, 8])
def test_a_cut_payload_and_cut_options_are_not_read_beyond_the_frame(kept: int) -> None:
    packet = ipv4(A, B, tcp(40000, 443, 1, payload=b"hello", options=b"\1" * 8))
    found, _ = read(Frame(packet[: 40 + kept], original=len(packet), link_type=RAW))
    assert (found.length.tolist(), found.captured.tolist()) == ([5], [0])


def test_both_directions_have_the_same_two_keys() -> None:
    found, _ = read(
        ipv4(A, B, tcp(40000, 443, 1)),
        ipv4(B, A, tcp(443, 40000, 1)),
        ipv4(A, B, tcp(40001, 443, 1)),
        ipv4(A, B, tcp(443, 40000, 1)),
    )
    assert found.source_key[0] == found.destination_key[1]
    assert found.source_key[1] == found.destination_key[0]
    both = found.source_key + found.destination_key
    assert both[0] == both[1]
    assert len(np.unique(both)) == 3


@pytest.mark.parametrize("change", ["seq", "ack", "flags", "window", "length", "ip_id", "source"])
def test_packets_that_differ_in_any_of_these_are_no_copies(change: str) -> None:
    how = {"seq": 1, "ack": 2, "flags": ACK, "window": 5, "length": b"ab", "ip_id": 9, "source": A}
    other = how | {
        change: {"seq": 3, "ack": 3, "flags": SYN, "window": 6, "length": b"abc", "ip_id": 10, "source": "10.0.0.2"}[
            change
        ]
    }
    packets = [
        ipv4(
            str(each["source"]),
            B,
            tcp(
                1,
                2,
                int(str(each["seq"])),
                int(str(each["ack"])),
                int(str(each["flags"])),
                each["length"],
                window=int(str(each["window"])),
            ),
            ip_id=int(str(each["ip_id"])),
        )  # type: ignore[arg-type]
        for each in (how, how, other)
    ]
    found, _ = read(*packets)
    assert found.fingerprint[0] == found.fingerprint[1] != found.fingerprint[2]


def test_an_unfinished_checksum_does_not_hide_a_copy_where_the_identification_tells() -> None:
    with_id = [ipv4(A, B, tcp(1, 2, 1, checksum=value), ip_id=5) for value in (1, 2)]
    without = [ipv4(A, B, tcp(1, 2, 1, checksum=value), ip_id=0) for value in (1, 2)]
    found, _ = read(*with_id, *without)
    assert found.fingerprint[0] == found.fingerprint[1]
    assert found.fingerprint[2] != found.fingerprint[3]


def test_who_opened_a_connection() -> None:
    assert client_is_source(0x02, 1, 2)
    assert not client_is_source(0x12, 2, 1)
    assert client_is_source(0x10, 50000, 443)
    assert not client_is_source(0x10, 443, 50000)


def test_ports_that_change_places_make_another_connection() -> None:
    one, other = (read(ipv4(A, B, tcp(near, far, 1)))[0] for near, far in ((1000, 2000), (2000, 1000)))
    assert one.source_key + one.destination_key != other.source_key + other.destination_key


def test_endpoints_that_are_nearly_the_same_have_different_keys() -> None:
    bits = [1 << bit for bit in range(64)]
    addresses = [(0, 0), *((0, bit) for bit in bits), *((bit, 0) for bit in bits), *((bit, bit) for bit in bits)]
    words = np.array([address for address in addresses for _ in range(17)], np.uint64)
    ports = np.array([0, *(1 << bit for bit in range(16))] * len(addresses), np.uint16)
    version = np.full(len(words), 6, np.uint8)
    assert len(np.unique(endpoint_key(version, words, ports))) == len(words)


def test_an_ipv6_address_with_the_bits_of_an_ipv4_address_is_another_one() -> None:
    words = np.array([(0, low) for low in (0, 1, 0x0A000001, 0xFFFFFFFF) for _ in range(2)], np.uint64)
    version = np.array([4, 6] * 4, np.uint8)
    assert len(np.unique(endpoint_key(version, words, np.full(len(words), 443, np.uint16)))) == len(words)


def told(found: Segments) -> list[tuple[object, ...]]:
    """What does not depend on where the bytes lie, in frame order."""
    names = ("frame", "version", "source_key", "destination_key", "seq", "ack", "flags", "ttl", "mac", "length")
    rows = zip(*(getattr(found, name).tolist() for name in names), strict=True)
    payload = [
        found.data[start : start + captured].tobytes()
        for start, captured in zip(found.start.tolist(), found.captured.tolist(), strict=True)
    ]
    return sorted((*row, data) for row, data in zip(rows, payload, strict=True))


@pytest.mark.parametrize("most", [1, 2, 3, 7])
def test_a_block_in_pieces_has_the_same_segments(most: int) -> None:
    """Of both versions, with fragments, tunnels and bad headers, on two link types."""
    bad = bytearray(tcp(40000, 443, 1))
    bad[12] = 0
    plain = [ipv4(A, B, tcp(40000, 443, 1, payload=b"hello")), ipv6("fd00::1", "fd00::2", tcp(1, 2, 3, payload=b"x"))]
    packets = [*plain, *pieces4(), wrapped("vxlan"), ipv4(A, B, bytes(bad)), *pieces6(), wrapped("gre"), *plain]
    kinds = [ETHERNET if number % 3 == 0 and packet[0] >> 4 == 4 else RAW for number, packet in enumerate(packets)]
    block = columns(
        [
            Frame(ethernet(packet) if kind == ETHERNET else packet, link_type=kind)
            for packet, kind in zip(packets, kinds, strict=True)
        ],
        first_frame=5,
    )
    expected, bad_headers = segments(PacketDecoder().decode(block).tcp)
    decoder, collected = PacketDecoder(), Collected(block.data, len(block))
    for piece, begin in block.pieces(most):
        collected.add(decoder.decode_apart(piece)[0], begin, len(piece.data))
    found, counted = collected.whole()
    assert len(expected) == 8
    assert told(found) == told(expected)
    assert (counted, bad_headers) == (1, 1)
