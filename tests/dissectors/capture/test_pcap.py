"""pcap files: facts of single records, the shared captures against tshark, splits, damage, imitation."""

import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors.capture import NotACapture, open_capture
from tests.dissectors.capture.feeding import read


def header(order: str = "<", magic: int = 0xA1B2C3D4, minor: int = 4, snap: int = 262144, network: int = 1) -> bytes:
    return struct.pack(order + "IHHiIII", magic, 2, minor, 0, 0, snap, network)


def record(
    data: bytes, seconds: int = 1_700_000_000, part: int = 5, order: str = "<", original: int | None = None
) -> bytes:
    return struct.pack(order + "IIII", seconds, part, len(data), len(data) if original is None else original) + data


def plain_loop(data: bytes) -> list[tuple[int, bytes, int]]:
    """The simplest reader there can be: little-endian, microseconds (the independent twin)."""
    rows = []
    at = 24
    while at + 16 <= len(data):
        seconds, micros, captured, original = struct.unpack_from("<IIII", data, at)
        if at + 16 + captured > len(data):
            break
        rows.append((seconds * 10**9 + micros * 1000, data[at + 16 : at + 16 + captured], original))
        at += 16 + captured
    return rows


def big_file(count: int, seed: int, payload: bytes | None = None) -> bytes:
    """A few megabytes: enough for the chains to be used."""
    chance = random.Random(seed)
    pool = payload or chance.randbytes(1 << 16)
    parts = [header()]
    for number in range(count):
        size = chance.choice((60, 66, 66, 300, 1514, 1514, 9000))
        begin = chance.randrange(len(pool) - size)
        parts.append(
            record(pool[begin : begin + size], 1_700_000_000 + number // 100, number % 1_000_000, original=9000)
        )
    return b"".join(parts)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(("magic", "unit"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)])
def test_both_byte_orders_and_resolutions(order: str, magic: int, unit: int) -> None:
    rows, reader = read(header(order, magic) + record(b"abc", 0xFFFFFFFF, 999_999, order, original=70))
    assert rows == [(1, b"abc", 70, 0xFFFFFFFF * 10**9 + 999_999 * unit, 0, 1)]
    assert (reader.first_ns, reader.last_ns) == (rows[0][3], rows[0][3])
    assert reader.anomalies == []


def test_kuznetzovs_patched_libpcap_has_longer_record_headers() -> None:
    extra = struct.pack("<IHBB", 2, 0x0800, 0, 0)  # interface, protocol, packet type, padding
    one = struct.pack("<IIII", 7, 5, 3, 3) + extra + b"abc"
    rows, _ = read(header(magic=0xA1B2CD34) + one + one)
    assert [row[:2] for row in rows] == [(1, b"abc"), (2, b"abc")]


@pytest.mark.parametrize(("magic", "unit"), [(0x1C0001AC, 1), (0x1C0001AB, 1000)])
def test_ixia_has_four_more_bytes_of_file_header(magic: int, unit: int) -> None:
    rows, _ = read(header(magic=magic) + struct.pack("<I", 19) + record(b"abc", 7, 5))
    assert [row[1:4] for row in rows] == [(b"abc", 3, 7 * 10**9 + 5 * unit)]


def test_before_version_2_3_the_lengths_change_places() -> None:
    rows, _ = read(header(minor=2) + struct.pack("<IIII", 7, 5, 70, 3) + b"abc")
    assert [row[1:3] for row in rows] == [(b"abc", 70)]


def test_upper_bits_of_the_link_type_are_fcs_length() -> None:
    rows, reader = read(header(network=2 << 28 | 1 << 26 | 113) + record(b"abc"))
    assert reader.interfaces[0].fcs_length == 4
    assert rows[0][5] == 113


def test_a_file_without_frames_has_none_and_no_anomaly() -> None:
    rows, reader = read(header())
    assert (rows, reader.anomalies, reader.first_ns) == ([], [], None)


@pytest.mark.parametrize("left", [1, 15, 16, 18])
def test_cut_tail_is_told_with_its_length(left: int) -> None:
    rows, reader = read(header() + record(b"abc") + record(b"defg")[:left])
    assert len(rows) == 1
    assert [anomaly.code for anomaly in reader.anomalies] == ["capture_truncated"]
    assert f"{left}" in reader.anomalies[0].detail
    assert "frame 2" in reader.anomalies[0].detail


def test_a_second_or_more_of_microseconds_is_told() -> None:
    rows, reader = read(header() + record(b"abc", 7, 1_000_001))
    assert rows[0][3] == 8 * 10**9 + 1000
    assert [(anomaly.code, anomaly.frame) for anomaly in reader.anomalies] == [("time_out_of_range", 1)]


def test_more_captured_than_on_the_wire_is_told() -> None:
    _, reader = read(header() + record(b"abc", original=2))
    assert [(anomaly.code, anomaly.frame) for anomaly in reader.anomalies] == [("captured_too_long", 1)]


def test_anomalies_of_one_kind_are_told_a_hundred_times_and_then_counted() -> None:
    _, reader = read(header() + record(b"abc", original=2) * 250)
    assert len(reader.anomalies) == 101
    assert reader.anomalies[-1].detail.startswith("150 more")


def test_after_damage_reading_goes_on_at_the_next_two_likely_records() -> None:
    good = [record(bytes([n]) * 60, 1_700_000_000 + n) for n in range(6)]
    hole = b"\xff" * 100  # claims 4 GB
    data = header() + good[0] + good[1] + hole + b"".join(good[2:])
    rows, reader = read(data)
    assert [row[1][0] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert [anomaly.code for anomaly in reader.anomalies] == ["bad_record_length", "bytes_skipped"]
    assert reader.anomalies[1].detail.startswith("100 bytes")
    assert read(data, plain=True, cuts=tuple(range(24, len(data))))[1].anomalies == reader.anomalies


def test_damage_up_to_the_end_is_told() -> None:
    rows, reader = read(header() + record(b"abc") + b"\xff" * 50)
    assert len(rows) == 1
    assert [anomaly.code for anomaly in reader.anomalies] == ["bad_record_length", "bytes_skipped"]
    assert "last 50 bytes" in reader.anomalies[1].detail


def test_needed_says_how_many_bytes_the_next_record_takes() -> None:
    data = header() + record(b"x" * 5000)
    reader = open_capture(data)
    _, consumed = reader.parse(np.frombuffer(data[:100], np.uint8), last=False)
    assert (consumed, reader.needed) == (24, 16 + 5000)


def test_a_version_that_never_was_is_refused() -> None:
    with pytest.raises(NotACapture, match=r"version 7\.0"):
        open_capture(struct.pack("<IHHiIII", 0xA1B2C3D4, 7, 0, 0, 0, 0, 1))


def test_chains_find_what_the_plain_loops_find() -> None:
    data = big_file(4000, 1)
    expected = plain_loop(data)
    rows, reader = read(data)
    assert len(rows) == 4000
    assert [(time_ns, body, original) for _, body, original, time_ns, _, _ in rows] == expected
    assert reader.anomalies == []
    assert read(data, plain=True)[0] == rows


@pytest.mark.parametrize("order", "<>")
def test_chains_are_really_used(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the tests of this file: with them the plain loop is left with less than one lane."""
    data = header(order) + b"".join(record(b"x" * 900, order=order, part=n) for n in range(5000))
    reader = open_capture(data)
    walk, plain = reader._walk, []  # type: ignore[attr-defined]

    def spy(*given: object) -> object:
        result = walk(*given)
        plain.extend(result[0])
        return result

    monkeypatch.setattr(reader, "_walk", spy)
    frames, _ = reader.parse(np.frombuffer(data, np.uint8), last=True)
    assert len(frames) == 5000
    assert len(plain) < 300


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("jump", [1, 1 << 16, 1 << 20, -(1 << 17)])
def test_chains_are_found_after_the_clock_has_jumped(order: str, jump: int) -> None:
    """The first search in each lane is for the upper half of the first record's seconds."""
    first = (1_700_000_000 & ~0xFFFF) + 0xFFFF
    data = header(order) + b"".join(
        record(b"x" * 900, first + (jump if n > 2500 else 0), n, order, original=900) for n in range(5000)
    )
    rows, reader = read(data)
    assert rows == read(data, plain=True)[0]
    assert (len(rows), reader.anomalies) == (5000, [])


@pytest.mark.parametrize("seed", range(4))
def test_a_payload_that_imitates_a_capture_fools_nobody(seed: int) -> None:
    """Downloads of captures, and attackers: frames that hold plausible record headers, even whole chains of them."""
    chance = random.Random(seed)
    inside = b"".join(
        record(bytes(chance.randrange(20, 90)), 1_700_000_000 + n // 500, n, original=1000) for n in range(3000)
    )
    data = big_file(3500, seed, inside)
    rows, reader = read(data)
    assert [(time_ns, body, original) for _, body, original, time_ns, _, _ in rows] == plain_loop(data)
    assert reader.anomalies == []


def test_frames_of_zero_bytes_are_frames_as_in_wireshark() -> None:
    data = header() + bytes(16) * 200_000  # a preallocated file after a power cut; also the worst case of the chains
    rows, _ = read(data)
    assert len(rows) == 200_000


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 1 << 22), max_size=6), st.booleans())
def test_any_split_gives_the_same(cuts: list[int], plain: bool) -> None:
    data = BIG + record(b"defg")[:-1]
    rows, reader = read(data, plain=plain, cuts=tuple(cut % len(data) for cut in cuts))
    assert rows == BIG_ROWS
    assert [anomaly.code for anomaly in reader.anomalies] == ["capture_truncated"]


BIG = big_file(2500, 5)
BIG_ROWS = read(BIG)[0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(1, 30), st.booleans())
def test_damage_anywhere_gives_the_same_by_both_paths_and_any_split(seed: int, places: int, big_endian: bool) -> None:
    chance = random.Random(seed)
    order = ">" if big_endian else "<"
    data = bytearray(header(order))
    for number in range(chance.randrange(300)):
        data += record(bytes(chance.randrange(90)), 1_700_000_000 + number, number, order, original=100)
    for _ in range(places):
        at = chance.randrange(24, len(data) + 1)
        data[at : at + chance.randrange(5)] = chance.randbytes(chance.randrange(20))
    whole, reader = read(bytes(data))
    cuts = tuple(chance.randrange(len(data) + 1) for _ in range(chance.randrange(40)))
    again, other = read(bytes(data), plain=True, cuts=cuts)
    assert whole == again
    assert reader.anomalies == other.anomalies


@pytest.mark.parametrize("seed", range(3))
def test_damage_in_a_large_file_costs_only_what_is_damaged(seed: int) -> None:
    data = bytearray(BIG)
    chance = random.Random(seed)
    for _ in range(3):
        at = chance.randrange(1 << 20, len(data) - (1 << 20))
        data[at : at + 40] = b"\xff" * 40
    rows, reader = read(bytes(data))
    again, other = read(bytes(data), plain=True)
    assert (rows, reader.anomalies) == (again, other.anomalies)
    assert len(BIG_ROWS) - 12 <= len(rows) <= len(BIG_ROWS)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600), st.sampled_from([0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34]))
def test_any_bytes_are_frames_or_anomalies(junk: bytes, magic: int) -> None:
    data = header(magic=magic) + junk
    rows, reader = read(data, cuts=tuple(range(0, len(data), 7)))
    taken = sum(len(row[1]) + (24 if magic == 0xA1B2CD34 else 16) for row in rows)
    assert taken == len(junk) or reader.anomalies


def test_byte_by_byte_gives_the_same() -> None:
    data = header() + b"".join(record(bytes(n), n, n) for n in range(40))
    whole, _ = read(data)
    assert read(data, cuts=tuple(range(len(data))))[0] == whole
    assert len(whole) == 40


def test_a_bad_call_is_an_exception() -> None:
    reader = open_capture(header())
    with pytest.raises(ValueError, match="contiguous"):
        reader.parse(np.zeros(40, np.uint8)[::2], last=True)


def test_a_record_over_the_limit_is_seen_by_the_chains_too() -> None:
    data = BIG + record(bytes(300_000), 1_700_000_025) + BIG[24:]  # libpcap's limit is 256 KiB
    rows, reader = read(data)
    assert [anomaly.code for anomaly in reader.anomalies] == ["bad_record_length", "bytes_skipped"]
    assert rows == read(data, plain=True)[0]
    assert len(rows) == 2 * len(BIG_ROWS)
