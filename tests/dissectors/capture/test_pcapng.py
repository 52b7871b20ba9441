"""pcapng files: blocks built byte by byte, sections of both byte orders, options, damage, splits."""

import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors.capture import NOT_A_PACKET, NotACapture, open_capture
from dissectors.capture import blocks as kinds
from dissectors.capture.reader import MAX_COMMENT_BYTES
from tests.dissectors.capture.feeding import read

T = 1_700_000_000_000_000  # microseconds


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + length + body + length


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def section(order: str = "<", options: bytes = b"") -> bytes:
    # byte-order magic, version 1.0, section length unknown
    return block(kinds.SECTION, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options, order)


def interface(order: str = "<", link_type: int = 1, snap: int = 0, options: bytes = b"") -> bytes:
    return block(kinds.INTERFACE, struct.pack(order + "HHI", link_type, 0, snap) + options, order)


def packet(
    data: bytes, ticks: int = T, number: int = 0, order: str = "<", options: bytes = b"", *, original: int | None = None
) -> bytes:
    lengths = (len(data), len(data) if original is None else original)
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, *lengths)
    return block(kinds.ENHANCED_PACKET, head + data + bytes(-len(data) % 4) + options, order)


def secrets(text: bytes, kind: int = kinds.TLS_KEY_LOG, order: str = "<") -> bytes:
    return block(kinds.DECRYPTION_SECRETS, struct.pack(order + "II", kind, len(text)) + text, order)


@pytest.mark.parametrize("order", "<>")
def test_a_packet_with_its_interface(order: str) -> None:
    options = option(2, b"eth0", order) + option(3, b"LAN", order) + option(13, b"\x04", order)
    options += option(11, b"\0tcp port 443", order)
    data = section(order) + interface(order, 113, 96, options) + packet(b"abcde", T, order=order, original=70)
    rows, reader = read(data)
    assert rows == [(1, b"abcde", 70, T * 1000, 0, 113)]
    (described,) = reader.interfaces
    assert (described.name, described.description, described.filter) == ("eth0", "LAN", "tcp port 443")
    assert (described.snap_length, described.fcs_length, described.resolution) == (96, 4, 1_000_000)
    assert reader.anomalies == []


def test_each_interface_has_its_own_clock() -> None:
    data = (
        section()
        + interface(options=option(9, b"\x09"))  # nanoseconds
        + interface(options=option(9, b"\x80"))  # 2**-0: whole seconds
        + interface(options=option(9, b"\x03") + option(14, struct.pack("<q", -100)))  # milliseconds, 100 s less
        + packet(b"a", 1_700_000_000_123_456_789, 0)
        + packet(b"b", 1_700_000_000, 1)
        + packet(b"c", 1_700_000_000_500, 2)
        + packet(b"d", 1_700_000_000_123_456_790, 0)
    )
    rows, _ = read(data)
    assert [row[3] for row in rows] == [
        1_700_000_000_123_456_789,
        1_700_000_000 * 10**9,
        1_699_999_900 * 10**9 + 500 * 10**6,
        1_700_000_000_123_456_790,
    ]


def test_a_new_section_of_the_other_byte_order_counts_its_interfaces_anew() -> None:
    data = section("<") + interface("<", 1) + packet(b"a") + section(">") + interface(">", 113)
    data += packet(b"b", order=">") + section("<") + interface("<", 101) + packet(b"c")
    rows, reader = read(data)
    assert [row[4:] for row in rows] == [(0, 1), (1, 113), (2, 101)]
    assert [row[3] for row in rows] == [T * 1000] * 3
    assert [known.index for known in reader.interfaces] == [0, 1, 2]
    assert read(data, cuts=tuple(range(len(data))))[0] == rows


def test_obsolete_packet_blocks_are_read_in_both_byte_orders() -> None:
    for order in "<>":
        head = struct.pack(order + "HHIIII", 1, 9, T >> 32, T & 0xFFFFFFFF, 3, 70)  # interface 1, 9 drops
        data = section(order) + interface(order) + interface(order, 113) + block(kinds.PACKET, head + b"abc", order)
        rows, reader = read(data)
        assert rows == [(1, b"abc", 70, T * 1000, 1, 113)]
        assert reader.anomalies == []


def test_simple_packets_take_the_snap_length_and_the_time_before_them() -> None:
    simple = block(kinds.SIMPLE_PACKET, struct.pack("<I", 70) + b"abcdef")
    data = section() + interface(snap=6) + packet(b"x", T) + simple + simple
    rows, reader = read(data)
    assert rows[1:] == [(2, b"abcdef", 70, T * 1000, 0, 1), (3, b"abcdef", 70, T * 1000, 0, 1)]
    assert [(anomaly.code, anomaly.frame) for anomaly in reader.anomalies] == [
        ("packet_without_time", 2),
        ("packet_without_time", 3),
    ]
    assert read(data, cuts=tuple(range(len(data))))[0] == rows


def test_a_simple_packet_without_snap_length_is_as_long_as_it_was() -> None:
    rows, _ = read(section() + interface() + block(kinds.SIMPLE_PACKET, struct.pack("<I", 5) + b"abcde"))
    assert rows == [(1, b"abcde", 5, 0, 0, 1)]


def test_what_is_no_packet_is_passed_over() -> None:
    names = block(4, struct.pack("<HH", 1, 8) + b"\x0a\0\0\1abc\0" + bytes(4))
    unknown = block(0x0000_7777, b"whatever")
    rows, reader = read(section() + interface() + names + packet(b"a") + unknown + packet(b"b"))
    assert [row[:2] for row in rows] == [(1, b"a"), (2, b"b")]
    assert reader.anomalies == []


def test_journal_and_custom_blocks_take_a_frame_number_as_in_wireshark() -> None:
    """Seen with tshark 4.0.17: all three kinds are numbered."""
    others = (
        block(kinds.JOURNAL, b"__REALTIME_TIMESTAMP=1\n\n")
        + block(kinds.CUSTOM, struct.pack("<I", 1234) + b"data")
        + block(kinds.CUSTOM_NO_COPY, struct.pack("<I", 1234) + b"data")
    )
    rows, reader = read(section() + interface() + packet(b"a") + others + packet(b"b", T + 1))
    assert rows[1:4] == [(number, b"", 0, T * 1000, NOT_A_PACKET, NOT_A_PACKET) for number in (2, 3, 4)]
    assert rows[4][:2] == (5, b"b")
    assert reader.anomalies == []


@pytest.mark.parametrize("order", "<>")
def test_embedded_key_logs_are_kept_as_they_are(order: str) -> None:
    data = section(order) + secrets(b"CLIENT_RANDOM 00 11\n", order=order) + secrets(b"other", 0x57474B4C, order)
    _, reader = read(data)
    assert reader.secrets == [b"CLIENT_RANDOM 00 11\n"]
    assert reader.anomalies == []


def test_secrets_never_show_in_anomalies() -> None:
    torn = block(kinds.DECRYPTION_SECRETS, struct.pack("<II", kinds.TLS_KEY_LOG, 999) + b"CLIENT_RANDOM 00 11")
    _, reader = read(section() + torn + secrets(b"CLIENT_RANDOM 22 33")[:-9])
    assert [anomaly.code for anomaly in reader.anomalies] == ["bad_block", "capture_truncated"]
    assert not any("CLIENT" in anomaly.detail for anomaly in reader.anomalies)
    assert reader.secrets == []


@pytest.mark.parametrize("order", "<>")
def test_comments_of_sections_interfaces_and_packets_in_file_order(order: str) -> None:
    def comment(text: str) -> bytes:
        return option(1, text.encode(), order) + option(0, b"", order)

    flags = option(2, bytes(4), order)
    data = (
        section(order, comment("section"))
        + interface(order, options=comment("interface"))
        + packet(b"abc", order=order, options=comment("eins"))
        + packet(b"abcd", order=order)
        + packet(b"abcde", order=order, options=flags + option(1, "zwei ü".encode(), order) + comment("drei"))
        + interface(order, options=comment("late"))
    )
    _, reader = read(data)
    assert reader.comments == [
        (None, "section"), (None, "interface"), (1, "eins"), (3, "zwei ü"), (3, "drei"), (None, "late"),
    ]  # fmt: skip
    assert read(data, cuts=tuple(range(len(data))))[1].comments == reader.comments


def test_an_option_longer_than_its_block_is_not_read() -> None:
    _, reader = read(section() + interface() + packet(b"abcd", options=struct.pack("<HH", 1, 400) + b"text"))
    assert (reader.comments, len(reader.anomalies)) == ([], 0)


def test_comments_beyond_the_limit_are_told() -> None:
    text = option(1, b"x" * 60_000)
    _, reader = read(section() + interface() + packet(b"abcd", options=text) * 20)
    assert sum(len(text) for _, text in reader.comments) <= MAX_COMMENT_BYTES
    assert {anomaly.code for anomaly in reader.anomalies} == {"comment_limit"}
    assert len(reader.comments) + len(reader.anomalies) == 20


def test_drops_of_the_capturing_machine_are_counted_once_per_interface() -> None:
    def statistics(number: int, dropped: int) -> bytes:
        return block(kinds.STATISTICS, struct.pack("<III", number, 0, 0) + option(5, struct.pack("<Q", dropped)))

    _, reader = read(section() + interface() * 2 + statistics(0, 3) + statistics(1, 4) + statistics(0, 5))
    assert reader.dropped == 9


def test_an_interface_that_nobody_described_is_told_and_the_frame_kept() -> None:
    rows, reader = read(section() + interface() + packet(b"abc", number=7) + packet(b"d"))
    assert rows == [(1, b"abc", 3, T * 1000, NOT_A_PACKET, NOT_A_PACKET), (2, b"d", 1, T * 1000, 0, 1)]
    assert [(anomaly.code, anomaly.frame) for anomaly in reader.anomalies] == [("bad_interface", 1)]


def test_an_interface_counts_only_from_where_it_is_described() -> None:
    rows, _ = read(section() + interface() + packet(b"a", number=1) + interface(link_type=113) + packet(b"b", number=1))
    assert [row[5] for row in rows] == [NOT_A_PACKET, 113]


def test_a_cut_interface_description_still_takes_its_number() -> None:
    rows, reader = read(
        section() + block(kinds.INTERFACE, b"\1\0\0\0") + interface(link_type=113) + packet(b"a", number=1)
    )
    assert rows[0][5] == 113
    assert [anomaly.code for anomaly in reader.anomalies] == ["bad_block"]


def test_more_captured_than_is_in_the_block_is_cut_and_told() -> None:
    bad = block(kinds.ENHANCED_PACKET, struct.pack("<IIIII", 0, T >> 32, T & 0xFFFFFFFF, 90, 90) + b"abcd")
    rows, reader = read(section() + interface() + bad + packet(b"d"))
    assert [row[:3] for row in rows] == [(1, b"abcd", 90), (2, b"d", 1)]
    assert [(anomaly.code, anomaly.frame) for anomaly in reader.anomalies] == [("captured_too_long", 1)]


def test_a_time_that_does_not_fit_is_brought_to_the_edge_and_told() -> None:
    rows, reader = read(section() + interface() + packet(b"a", 0xFFFF_FFFF_FFFF_FFFF) + packet(b"b", T))
    assert [row[3] for row in rows] == [2**63 - 1, T * 1000]
    assert [(anomaly.code, anomaly.frame) for anomaly in reader.anomalies] == [("time_out_of_range", 1)]


def test_a_time_before_1970_is_brought_to_1970_and_told() -> None:
    early = interface(options=option(14, struct.pack("<q", -(T // 1_000_000) - 1)))
    rows, reader = read(section() + early + packet(b"a", T) + packet(b"b", T + 5_000_000))
    assert rows[0][3] == 0
    assert 4 * 10**9 <= rows[1][3] < 5 * 10**9
    assert [(anomaly.code, anomaly.frame) for anomaly in reader.anomalies] == [("time_out_of_range", 1)]


def test_a_wrong_second_length_is_told_and_the_frame_kept() -> None:
    torn = packet(b"a")[:-4] + b"\x63\0\0\0"
    for data in (section() + interface() + torn + packet(b"b"), section() + interface() + packet(b"b") + torn):
        rows, reader = read(data)
        assert sorted(row[1] for row in rows) == [b"a", b"b"]
        assert [anomaly.code for anomaly in reader.anomalies] == ["block_length_mismatch"]
        assert read(data, cuts=tuple(range(len(data))))[0] == rows


def test_a_length_without_the_padding_is_rounded_up_as_wireshark_does() -> None:
    padded = packet(b"abcde")
    length = struct.pack("<I", len(padded) - 3)
    rows, reader = read(section() + interface() + padded[:4] + length + padded[8:-4] + length + packet(b"d"))
    assert [row[1] for row in rows] == [b"abcde", b"d"]
    assert reader.anomalies == []


def test_after_damage_reading_goes_on_at_the_next_block() -> None:
    hole = b"\x06\0\0\0\xff\xff\xff\xff" + bytes(range(101))
    data = section() + interface() + packet(b"a") + hole + packet(b"b") + packet(b"c")
    rows, reader = read(data)
    assert [row[1] for row in rows] == [b"a", b"b", b"c"]
    assert [anomaly.code for anomaly in reader.anomalies] == ["bad_block", "bytes_skipped"]
    assert reader.anomalies[1].detail.startswith(f"{len(hole)} bytes")
    assert read(data, cuts=tuple(range(len(data))))[1].anomalies == reader.anomalies


@pytest.mark.parametrize("left", [1, 11, 12, 30])
def test_cut_tail_is_told(left: int) -> None:
    rows, reader = read(section() + interface() + packet(b"a") + packet(b"b")[:left])
    assert len(rows) == 1
    assert [anomaly.code for anomaly in reader.anomalies] == ["capture_truncated"]
    assert f"{left}" in reader.anomalies[0].detail


def test_a_section_header_without_byte_order_is_no_capture() -> None:
    with pytest.raises(NotACapture, match="damaged beginning"):
        open_capture(block(kinds.SECTION, bytes(16)))


def big_file(seed: int, order: str = "<", payload: bytes | None = None) -> tuple[bytes, list[bytes]]:
    """Some megabytes with other blocks among the packets, so that chains are used; and the packets' bytes."""
    chance = random.Random(seed)
    pool = payload or chance.randbytes(1 << 16)
    parts, bodies = [section(order), interface(order), interface(order, 113)], []
    for number in range(3000):
        size = chance.choice((60, 66, 67, 301, 1514, 1514, 9000))
        begin = chance.randrange(len(pool) - size)
        bodies.append(pool[begin : begin + size])
        flags = option(2, bytes(4), order) if number % 7 == 0 else b""
        parts.append(packet(bodies[-1], T + number, chance.randrange(2), order, flags))
        if number % 500 == 0:
            parts.append(block(4, bytes(40), order))
        if number == 1500:
            parts += [section(order), interface(order, 101), interface(order, 102)]
    return b"".join(parts), bodies


@pytest.mark.parametrize("order", "<>")
def test_chains_find_what_the_plain_loop_finds(order: str) -> None:
    data, bodies = big_file(1, order)
    rows, reader = read(data)
    assert [row[1] for row in rows] == bodies
    assert [row[3] for row in rows] == [(T + number) * 1000 for number in range(3000)]
    assert {row[5] for row in rows[:1501]} == {1, 113}
    assert {row[5] for row in rows[1501:]} == {101, 102}
    assert reader.anomalies == []
    assert read(data, plain=True)[0] == rows


def test_chains_are_really_used(monkeypatch: pytest.MonkeyPatch) -> None:
    data = big_file(2)[0]
    reader = open_capture(data)
    walk, plain = reader._walk, []  # type: ignore[attr-defined]

    def spy(*given: object) -> object:
        result = walk(*given)
        plain.extend(result[0])
        return result

    monkeypatch.setattr(reader, "_walk", spy)
    frames, _ = reader.parse(np.frombuffer(data, np.uint8), last=True)
    assert len(frames) == 3000
    assert len(plain) < 300


@pytest.mark.parametrize("seed", range(4))
def test_a_payload_that_imitates_blocks_fools_nobody(seed: int) -> None:
    chance = random.Random(seed)
    inside = b"".join(packet(bytes(chance.randrange(20, 90)), T + n) for n in range(3000))
    data, bodies = big_file(seed, payload=inside)
    rows, reader = read(data)
    assert [row[1] for row in rows] == bodies
    assert reader.anomalies == []


BIG = big_file(5)[0]
BIG_ROWS = read(BIG)[0]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 1 << 23), max_size=6), st.booleans())
def test_any_split_gives_the_same(cuts: list[int], plain: bool) -> None:
    rows, reader = read(BIG, plain=plain, cuts=tuple(cut % len(BIG) for cut in cuts))
    assert rows == BIG_ROWS
    assert reader.anomalies == []


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


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(0, 30))
def test_mixed_and_damaged_files_give_the_same_by_both_paths_and_any_split(seed: int, places: int) -> None:
    chance = random.Random(seed)
    order = chance.choice("<>")
    data = bytearray(section(order) + interface(order))
    for number in range(chance.randrange(100)):
        match chance.randrange(12):
            case 0:
                order = chance.choice("<>")
                data += section(order)
            case 1:
                resolution = option(9, bytes([chance.randrange(256)]), order)
                data += interface(order, chance.randrange(300), chance.randrange(100), resolution)
            case 2:
                data += block(kinds.SIMPLE_PACKET, struct.pack(order + "I", chance.randrange(50)) + bytes(30), order)
            case 3:
                head = struct.pack(order + "HHIIII", chance.randrange(2), 0, 1, chance.randrange(1 << 32), 9, 9)
                data += block(kinds.PACKET, head + bytes(12), order)
            case 4:
                data += block(chance.choice((4, 5, 9, 10, 11, kinds.CUSTOM)), bytes(chance.randrange(40)), order)
            case _:
                comment = option(1, b"text", order) if chance.randrange(2) else b""
                data += packet(bytes(chance.randrange(60)), T + number, chance.randrange(2), order, comment)
    for _ in range(places):
        at = chance.randrange(len(section()), len(data) + 1)
        data[at : at + chance.randrange(5)] = chance.randbytes(chance.randrange(20))
    whole, reader = read(bytes(data))
    cuts = tuple(chance.randrange(len(data) + 1) for _ in range(chance.randrange(40)))
    again, other = read(bytes(data), plain=True, cuts=cuts)
    assert whole == again
    assert (reader.anomalies, reader.comments, reader.interfaces) == (other.anomalies, other.comments, other.interfaces)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600), st.sampled_from("<>"))
def test_any_bytes_are_frames_or_anomalies(junk: bytes, order: str) -> None:
    rows, reader = read(section(order) + interface(order) + junk, cuts=tuple(range(0, len(junk), 7)))
    assert not junk or rows or reader.anomalies or len(junk) % 4 == 0


def test_a_wrong_second_length_in_a_large_file_is_seen_by_the_chains_too() -> None:
    torn = packet(b"torn")[:-4] + b"\x63\0\0\0"
    data = BIG + torn + BIG[len(section()) :]
    rows, reader = read(data)
    assert [anomaly.code for anomaly in reader.anomalies] == ["block_length_mismatch"]
    assert (rows, reader.anomalies) == (read(data, plain=True)[0], reader.anomalies)
    assert len(rows) == 2 * len(BIG_ROWS) + 1


def test_a_section_header_without_byte_order_in_a_large_file_is_seen_by_the_chains_too() -> None:
    data = BIG + block(kinds.SECTION, bytes(16)) + BIG
    rows, reader = read(data)
    assert [anomaly.code for anomaly in reader.anomalies] == ["bad_block", "bytes_skipped"]
    assert rows == read(data, plain=True)[0]
    assert len(rows) == 2 * len(BIG_ROWS)
