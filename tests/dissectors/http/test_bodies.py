"""The three machines that find the end of a body."""

import pytest

from dissectors.http.bodies import MAX_CHUNK_LINE_BYTES, Body, Chunked, FixedLength, UntilClose, lone_chunk
from tests.dissectors.http.dialogue import chunked

FRAMED = chunked(b"hello", b"world!", extension=b' ;a="b"', trailer=b"X-Sum: 1\r\nX-Two: 2\r\n")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_chunks_are_joined_and_what_follows_is_left(size: int, line_end: bytes) -> None:
    data = FRAMED.replace(b"\r\n", line_end) + b"HTTP/1.1 200"
    body, framing, taken = Body(True), Chunked(), 0
    while not framing.done:
        piece = data[taken : taken + size]
        taken += framing.feed(piece, 0, body)
    assert body.join() == b"helloworld!"
    assert body.size == 11
    assert data[taken:] == b"HTTP/1.1 200"


@pytest.mark.parametrize(
    "framed",
    [b"\r\n", b"x\r\n", b"-5\r\n", b"+5\r\n", b"0x5\r\n", b"1_0\r\n", b"5 5\r\n", b"f" * 16 + b"\r\n", b"1\r\nab\r\n"],
)
def test_broken_chunk_framing_is_noticed(framed: bytes) -> None:
    framing = Chunked()
    framing.feed(framed, 0, Body(True))
    assert framing.broken
    assert not framing.done


def test_endless_lines_and_trailers_are_broken() -> None:
    endless = Chunked()
    endless.feed(b"5;" + b"x" * MAX_CHUNK_LINE_BYTES, 0, Body(True))
    trailers = Chunked()
    trailers.feed(b"0\r\n" + b"X-Flood: 1\r\n" * 10_000, 0, Body(True))
    assert endless.broken
    assert trailers.broken


def test_a_gap_inside_a_chunk_keeps_the_framing_and_no_other_does() -> None:
    body, framing = Body(True), Chunked()
    framing.feed(b"5\r\nhe", 0, body)
    assert not framing.skip(4, body)
    assert not framing.skip(None, body)
    assert framing.skip(3, body)
    assert (body.size, body.join()) == (5, None)
    assert not framing.skip(1, body)  # the line end behind the chunk
    framing.feed(b"\r\n0\r\n\r\n", 0, body)
    assert framing.done


def test_a_gap_in_a_body_of_known_length() -> None:
    body, framing = Body(True), FixedLength(10)
    assert framing.feed(b"abc", 0, body) == 3
    assert not framing.skip(8, body)
    assert framing.skip(7, body)
    assert framing.done
    assert body.size == 10


def test_a_body_until_close_survives_any_gap() -> None:
    body, framing = Body(True), UntilClose()
    assert framing.skip(None, body)
    assert framing.skip(5, body)
    assert framing.feed(b"abc", 0, body) == 3
    assert (body.size, body.join(), framing.done) == (8, None, False)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (chunked(b"hello"), (3, 8)),
        (chunked(b"x" * 300), (5, 305)),
        (chunked(b"a", b"b"), None),
        (chunked(b"hello", trailer=b"A: 1\r\n"), None),
        (chunked(b"hello", extension=b";a"), None),
        (chunked(b"hello") + b"H", None),
        (chunked(b"hello")[:-1], None),
        (chunked(), None),
        (b"\r\n0\r\n\r\n", None),
        (b"zz\r\n0\r\n\r\n", None),
    ],
)
def test_a_lone_chunk_is_told_from_all_else(data: bytes, place: tuple[int, int] | None) -> None:
    assert lone_chunk(data, 0) == place


def test_many_tiny_pieces_are_kept_in_few_objects() -> None:
    body = Body(True)
    for _ in range(100_000):
        body.add(b"x", 0, 1)
    assert body.pieces is not None
    assert len(body.pieces) < 200
    assert body.join() == b"x" * 100_000
