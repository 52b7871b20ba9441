"""Frames: cut from pieces, found again behind gaps and in the middle of a connection."""

import gzip
import random

import pytest

from dissectors.events import CLIENT, SERVER, Transaction
from dissectors.http.h2 import framing
from dissectors.http.h2.connection import Http2Connection
from dissectors.http.h2.frames import DEFAULT_MAX_LENGTH, begins_with_frames, find_frames, plausible
from tests.dissectors.http.h2.peers import Peers, answer, post

TEXT = b"The quick brown fox jumps over the lazy dog. \x03\x01\x6a\x00"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


CHAIN = frame(1, 4, 5, b"\x88") + frame(0, 0, 5, TEXT) + frame(8, 0, 5, bytes(4)) + frame(0, 1, 5, b"end")


class Spoken:
    """A connection, the pieces it was fed, and what came of them."""

    def __init__(self) -> None:
        self.connection = Http2Connection(1, lambda *_: True)
        self.done: list[Transaction] = []
        self.frame = 0

    def say(self, side: int, data: bytes, size: int = 1400) -> None:
        for start in range(0, len(data), size):
            self.frame += 1
            part = data[start : start + size]
            self.done += self.connection.feed(
                side, part, self.frame, self.frame, self.frame, self.frame, len(part) + 22
            )

    def gap(self, side: int, length: int | None) -> None:
        self.frame += 1
        self.done += self.connection.gap(side, length, self.frame, self.frame)

    def play(self, turns: list[tuple[int, bytes]]) -> None:
        for side, data in turns:
            self.say(side, data)

    def end(self) -> list[Transaction]:
        self.done += self.connection.close(self.frame)
        return self.done

    @property
    def codes(self) -> list[str]:
        return [anomaly.code for anomaly in self.connection.anomalies]


@pytest.mark.parametrize("before", [b"", TEXT, bytes(100), gzip.compress(TEXT * 9), b"\0\0\1" * 50, b"\xff" * 20])
def test_a_chain_of_frames_is_found_wherever_it_begins(before: bytes) -> None:
    found, _ = find_frames(before + CHAIN, 0, DEFAULT_MAX_LENGTH)
    assert found == len(before)


@pytest.mark.parametrize("seed", range(20))
def test_no_frame_is_found_in_what_has_none(seed: int) -> None:
    chance = random.Random(seed)
    for data in (chance.randbytes(20_000), TEXT * 400, bytes(5000), gzip.compress(chance.randbytes(9000))):
        assert find_frames(data, 0, DEFAULT_MAX_LENGTH)[0] is None


def test_headers_that_cannot_be_are_told() -> None:
    for good in (frame(0, 9, 1, b"\0ab"), frame(1, 0x2D, 3, bytes(9)), frame(4, 1, 0), frame(7, 0, 0, bytes(8))):
        assert plausible(good, 0, DEFAULT_MAX_LENGTH) == len(good)
    for bad in (
        frame(0, 0, 0, b"x"), frame(0, 4, 1, b"x"), frame(4, 1, 0, bytes(6)), frame(3, 0, 1, bytes(5)),
        frame(2, 0, 1, bytes(4)), frame(10, 0, 1), frame(0, 0, 1 << 31 | 1, b"x"), frame(1, 4, 0, b"x"),
        frame(0, 0, 2, b"x"), frame(1, 4, 1 << 24 | 1, b"x"),
    ):  # fmt: skip
        assert plausible(bad, 0, DEFAULT_MAX_LENGTH) == 0


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (CHAIN, True), (CHAIN[:40], True), (CHAIN[:9], None), (CHAIN[:5], None), (CHAIN[1:], False), (b"", None),
        (b"GET", False), (frame(0, 0, 1, bytes(900))[:500], None),
    ],
)  # fmt: skip
def test_first_bytes_are_frames_or_not_or_too_few(data: bytes, expected: bool | None) -> None:
    assert begins_with_frames(data) is expected


# --- gaps -------------------------------------------------------------------------------------------------------------


def exchanges(count: int, size: int = 3000) -> Peers:
    peers = Peers()
    for number in range(count):
        body = bytes([65 + number]) * size
        peers.reply(peers.ask(post(f"/{number}"), b"?"), answer(200, x_number=str(number)), body)
    return peers


def test_a_gap_inside_data_is_counted_and_costs_one_body() -> None:
    spoken = Spoken()
    for side, data in exchanges(3).turns:
        if side == SERVER and b"B" * 2000 in data:
            spoken.say(side, data[:1000])
            spoken.gap(side, 500)
            spoken.say(side, data[1500:])
        else:
            spoken.say(side, data)
    complete = [(t.response.complete, t.response.body_bytes) for t in spoken.end() if t.response]
    assert complete == [(True, 3000), (False, 3000), (True, 3000)]
    second = spoken.done[1].response
    assert second is not None
    assert (second.body, second.decoded_bytes) == (None, None)
    assert spoken.codes == []
    assert [t.response and t.response.headers.get("x-number") for t in spoken.done] == ["0", "1", "2"]


def test_a_gap_over_frames_loses_what_was_in_it_and_goes_on_behind() -> None:
    """The whole answer to the second request is missing."""
    spoken = Spoken()
    for side, data in exchanges(4).turns:
        if side == SERVER and (b"B" * 2000 in data or b"B" * 700 in data):
            spoken.gap(side, len(data))
        else:
            spoken.say(side, data)
    done = {t.stream_id: t for t in spoken.end()}
    assert [stream for stream, t in done.items() if t.response is None] == [3]
    for stream in (1, 5, 7):
        answered = done[stream].response
        assert answered is not None
        assert (answered.status, answered.complete, answered.body_bytes) == (200, True, 3000)
    # what was inserted into the table inside the gap nobody knows, so what is counted from there is left out
    assert set(spoken.codes) <= {"http2_unknown_fields"}


@pytest.mark.parametrize("lost", [1, 8, 9, 10, 50, 1000, 4000])
@pytest.mark.parametrize("seed", range(8))
def test_a_gap_anywhere_never_shifts_an_answer_to_another_request(lost: int, seed: int) -> None:
    chance = random.Random(seed)
    spoken = Spoken()
    turns = exchanges(12, 2500).turns
    at = chance.randrange(4, len(turns) - 4)
    for number, (side, data) in enumerate(turns):
        if number == at:
            where = chance.randrange(len(data))
            spoken.say(side, data[:where])
            spoken.gap(side, min(lost, len(data) - where))
            spoken.say(side, data[where + lost :])
        else:
            spoken.say(side, data)
    done = spoken.end()
    right = 0
    for t in done:
        if t.request is not None and t.request.complete:
            assert t.request.target in ("", f"/{(t.stream_id or 0) // 2}")
        if t.response is not None and t.response.complete:
            assert t.response.body == bytes([65 + (t.stream_id or 0) // 2]) * 2500
            right += 1
    assert right >= 9


def test_the_middle_of_a_connection_is_read_and_what_is_not_known_is_left_out() -> None:
    """The path and the names of an earlier request are in a table that nobody saw being filled."""
    peers = Peers()
    for _ in range(2):
        peers.reply(peers.ask(post(x_ms_a="1"), b"?"), answer(200, x_ms_b="2"), b"!")
    before = len(peers.turns)
    for x in ("1", "3"):
        peers.reply(peers.ask(post(x_ms_a=x), b"?"), answer(200, x_ms_b=x), b"!")
    spoken = Spoken()
    spoken.play(peers.turns[before:])
    first, second = spoken.end()
    assert first.request is not None
    assert second.request is not None
    assert (first.request.method, first.request.target, first.request.headers) == ("POST", "", {})
    assert (first.request.body, first.request.complete) == (b"?", True)
    # the name came as an index into the lost part, so it is left out, value and all
    assert second.request.headers == {}
    assert first.response is not None
    assert first.response.status == 200
    assert [a.code for a in spoken.connection.anomalies] == ["http2_unknown_fields"]


def test_a_compressed_body_says_so_itself_when_its_field_is_not_known() -> None:
    peers = Peers()
    zipped = gzip.compress(TEXT)
    peers.reply(peers.ask(post()), answer(200, content_encoding="gzip"), zipped)
    before = len(peers.turns)
    peers.reply(peers.ask(post()), answer(200, content_encoding="gzip"), zipped)
    spoken = Spoken()
    spoken.play([turn for turn in peers.turns[before:] if turn[0] == SERVER])
    (transaction,) = spoken.end()
    assert transaction.response is not None
    assert transaction.response.headers == {}
    assert (transaction.response.body, transaction.response.body_bytes) == (TEXT, len(zipped))


@pytest.mark.parametrize("offset", range(0, 40, 3))
def test_a_capture_that_begins_inside_a_frame_finds_the_next_one(offset: int) -> None:
    peers = Peers()
    first = peers.ask(post("/1"))
    peers.reply(first, answer(), b"x" * 100)
    for number in range(2, 5):
        peers.reply(peers.ask(post(f"/{number}")), answer(), TEXT)
    spoken = Spoken()
    begun = False
    for side, data in peers.turns:
        if side == SERVER and b"x" * 100 in data:
            data, begun = data[1 + offset :], True
        if begun:
            spoken.say(side, data)
    bodies = [t.response.body for t in spoken.end() if t.response and t.response.complete]
    assert bodies[-3:] == [TEXT] * 3


def test_a_frame_that_spans_many_segments_leads_to_the_next_one() -> None:
    """Behind a gap each segment holds one header at most: where it says the next one is, the next one must be."""
    big = b"".join(frame(0, 0, 1, random.Random(n).randbytes(16_000)) for n in range(6))
    data = bytes(random.Random(9).randbytes(700)) + big + frame(0, 1, 1, b"end")
    peers = Peers()
    peers.ask(post())
    spoken = Spoken()
    spoken.play(peers.turns)
    spoken.say(SERVER, frame(1, 4, 1, b"\x88"))
    spoken.gap(SERVER, 5000)
    spoken.say(SERVER, data)
    (transaction,) = spoken.end()
    assert transaction.response is not None
    assert not transaction.response.complete
    assert transaction.response.body_bytes >= 4 * 16_000
    assert spoken.codes == ["http2_lost"]


def test_a_side_without_frames_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MAX_LOST_BYTES", 100_000)
    spoken = Spoken()
    for side in (CLIENT, SERVER):
        spoken.say(side, b"x" * 200_000)
    assert spoken.connection.hopeless
    assert spoken.codes == ["http2_lost"] * 4  # each side: no frame at first, and then none at all
    assert spoken.end() == []


def test_a_head_cut_by_a_snap_length_gives_the_fields_before_the_cut() -> None:
    peers = Peers()
    peers.ask(post(x_long="\x7f" * 300), b"body")
    spoken = Spoken()
    for side, data in peers.turns:
        if b"body" in data:
            spoken.say(side, data[:150])
            spoken.gap(side, len(data) - 150 - 13)  # up to DATA
            spoken.say(side, data[-13:])
        else:
            spoken.say(side, data)
    (transaction,) = spoken.end()
    assert transaction.request is not None
    assert transaction.request.headers == {"host": "mail.example.com"}
    assert (transaction.request.body_bytes, transaction.request.complete) == (4, False)


def test_a_gap_in_a_header_block_makes_the_table_unknown() -> None:
    peers = Peers()
    peers.ask(post("/1", x_new="1" * 50))
    peers.ask(post("/2", x_new="1" * 50))
    spoken = Spoken()
    for number, (side, data) in enumerate(peers.turns):
        if side == CLIENT and number == len(peers.turns) - 2:
            spoken.say(side, data[:20])
            spoken.gap(side, len(data) - 20)
        else:
            spoken.say(side, data)
    first, second = spoken.end()
    assert first.request is not None
    assert second.request is not None
    assert not first.request.complete
    assert "x-new" not in second.request.headers
    assert "http2_unknown_fields" in spoken.codes


def test_an_answer_whose_head_is_lost_is_an_answer_without_status() -> None:
    spoken = Spoken()
    peers = exchanges(1)
    for side, data in peers.turns:
        if side == SERVER and data.endswith(b"A" * 3000):
            head = data.index(b"A" * 3000) - 9
            spoken.gap(side, head)
            data = data[head:]
        spoken.say(side, data)
    (transaction,) = spoken.end()
    assert transaction.request is not None
    assert transaction.request.complete
    assert transaction.response is not None
    assert (transaction.response.status, transaction.response.complete) == (0, False)
    assert transaction.response.body_bytes == 3000


def test_wire_bytes_of_a_cut_record_are_counted_once() -> None:
    """A snap length took the rest of a record whose wire bytes came with its first piece."""
    spoken = Spoken()
    peers = Peers()
    peers.ask(post())
    spoken.play(peers.turns)
    head = frame(1, 4, 1, b"\x88")
    connection = spoken.connection
    connection.feed(SERVER, head, 50, 50, 50, 50, len(head) + 22)
    record = frame(0, 1, 1, b"x" * 400)
    connection.feed(SERVER, record[:100], 51, 51, 51, 51, len(record) + 22)
    (transaction,) = connection.gap(SERVER, len(record) - 100, 51, 51)
    assert transaction.response is not None
    assert transaction.response.body_bytes == 400
    assert transaction.response.wire_bytes == len(head) + 22 + len(record) + 22
