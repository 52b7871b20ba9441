"""TCP headers as columns, and the keys of connections and packets."""

import numpy as np
import pytest

from dissectors.net.packets import PacketDecoder
from dissectors.net.segments import Segments, client_is_source, segments
from tests.dissectors.net.wire import ACK, RAW, SYN, Frame, columns, ipv4, tcp

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
