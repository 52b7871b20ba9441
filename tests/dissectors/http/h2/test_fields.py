"""HPACK: the examples of RFC 7541 appendix C, `hpack` as the encoder, and tables whose beginning is not known."""

import random

import pytest
from hpack import Encoder

from dissectors.http.h2.fields import MAX_LIST_BYTES, MAX_TABLE_BYTES, FieldTable

FIRST = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")]
SECOND = [*FIRST, ("cache-control", "no-cache")]
THIRD = [
    *((":method", "GET"), (":scheme", "https"), (":path", "/index.html"), (":authority", "www.example.com")),
    ("custom-key", "custom-value"),
]
DATES = ("Mon, 21 Oct 2013 20:13:21 GMT", "Mon, 21 Oct 2013 20:13:22 GMT")
ANSWERS = [
    [(":status", "302"), ("cache-control", "private"), ("date", DATES[0]), ("location", "https://www.example.com")],
    [(":status", "307"), ("cache-control", "private"), ("date", DATES[0]), ("location", "https://www.example.com")],
    [
        *(
            (":status", "200"),
            ("cache-control", "private"),
            ("date", DATES[1]),
            ("location", "https://www.example.com"),
        ),
        *(("content-encoding", "gzip"), ("set-cookie", "(56 bytes)")),
    ],
]
VECTORS = {  # section of RFC 7541 appendix C: blocks, size of the table, fields
    "C.3": (
        ["828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865",
         "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565"],
        4096, [FIRST, SECOND, THIRD],
    ),
    "C.4": (
        ["828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf",
         "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"],
        4096, [FIRST, SECOND, THIRD],
    ),
    "C.5": (
        ["4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e17687474"
         "70733a2f2f7777772e6578616d706c652e636f6d",
         "4803333037c1c0bf",
         "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a"
         "4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31"],
        256, ANSWERS,
    ),
    "C.6": (
        ["488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
         "4883640effc1c0bf",
         "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960"
         "d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"],
        256, ANSWERS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("section", VECTORS)
def test_the_examples_of_the_rfc(section: str) -> None:
    blocks, size, expected = VECTORS[section]
    table = FieldTable()
    table.limit = size
    for block, fields in zip(blocks, expected, strict=True):
        read = table.decode(bytes.fromhex(block))
        assert [(field.name, field.value) for field in read.fields] == fields
        assert (read.problem, read.unknown, read.too_large) == (None, 0, False)


def random_fields(chance: random.Random) -> list[tuple[str, str]]:
    names = ["accept", "content-type", "x-ms-a", "x-ms-b", "user-agent", "date", "etag"]
    return [(chance.choice(names), "v" * chance.randrange(60) + str(chance.randrange(6))) for _ in range(9)]


@pytest.mark.parametrize("seed", range(30))
def test_what_another_implementation_encodes_is_read(seed: int) -> None:
    chance = random.Random(seed)
    encoder, table = Encoder(), FieldTable()
    for _ in range(60):
        if chance.random() < 0.2:
            encoder.header_table_size = chance.choice((0, 64, 300, 1000, 4096))
        fields = random_fields(chance)
        read = table.decode(encoder.encode(fields, huffman=chance.random() < 0.5))
        assert [(field.name, field.value) for field in read.fields] == fields


@pytest.mark.parametrize("seed", range(30))
def test_from_the_middle_nothing_is_wrong_only_left_out(seed: int) -> None:
    """Blocks are missing at the beginning: what is read is a part of what was sent, in order; the rest is counted."""
    chance = random.Random(seed)
    encoder, table = Encoder(), FieldTable()
    for _ in range(chance.randrange(1, 20)):
        encoder.encode(random_fields(chance))
    table.lose()
    known = 0
    for _ in range(60):
        fields = random_fields(chance)
        read = table.decode(encoder.encode(fields))
        rest = iter(fields)
        assert all((field.name, field.value) in rest for field in read.fields)
        assert len(read.fields) + read.unknown == len(fields)
        assert read.problem is None
        known += len(read.fields)
    assert known > 60 * 9 / 2


def test_a_literal_with_a_name_that_is_not_known_still_takes_its_place_in_the_table() -> None:
    table = FieldTable()
    table.lose()
    read = table.decode(b"\x7e\x01a\x40\x01b\x01c")  # index 62, not known; then a name of its own
    assert ([(f.name, f.value) for f in read.fields], read.unknown) == ([("b", "c")], 1)
    read = table.decode(b"\xbe\xbf")  # the newest, and the one before it
    assert ([(f.name, f.value) for f in read.fields], read.unknown) == ([("b", "c")], 1)


def test_an_index_that_nobody_inserted_is_wrong_only_when_the_table_is_known() -> None:
    table = FieldTable()
    assert table.decode(b"\x88\xbe").problem == "an index points outside of the table"
    assert table.decode(b"\x88\xbe") == table.decode(b"\x88\xbe")  # from here on it is not known
    assert table.decode(b"\x88\xbe").unknown == 1


def test_a_block_that_is_cut_gives_the_fields_before_the_cut() -> None:
    block = Encoder().encode([(":status", "200"), ("x-one", "1"), ("x-two", "22222")])
    for size in range(len(block)):
        read = FieldTable().decode(block[:size], cut=True)
        assert [field.name for field in read.fields] == [":status", "x-one", "x-two"][: len(read.fields)]
        assert read.problem is None
    assert FieldTable().decode(block[:-1]).problem == "it ends in the middle of a field"


def test_a_small_block_that_means_a_huge_list_is_bounded() -> None:
    """HPACK bomb: one long entry, referred to by one byte each time."""
    table = FieldTable()
    bomb = b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000 + b"\xbe" * 50_000
    read = table.decode(bomb)
    assert read.too_large
    assert sum(field.size for field in read.fields) <= MAX_LIST_BYTES
    assert [field.name for field in table.decode(b"\xbe").fields] == ["a"], "the table is still in step"


def test_a_table_that_may_be_huge_is_bounded() -> None:
    table = FieldTable()
    table.decode(b"\x3f\xe1\xff\xff\x07")  # 16 MB
    assert table.limit == MAX_TABLE_BYTES
    for _ in range(200):
        table.decode(b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000)
    assert len(table.decode(b"".join(bytes((0x80 | n,)) for n in range(62, 62 + 15))).fields) == 15
    assert table.decode(b"\xbe" + bytes((0x80 | 62 + 17,))).problem is not None
