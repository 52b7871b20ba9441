"""Any bytes as HTTP/2, in any pieces, with gaps anywhere: transactions or anomalies, never an exception; time linear in
the input, memory bounded.
"""

import random
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors.events import CLIENT, SERVER, Transaction
from dissectors.http.h2.connection import Http2Connection
from dissectors.http.h2.frames import PREFACE
from dissectors.http.h2.registry import MAX_CLOSED_STREAMS, MAX_STREAMS
from tests.dissectors.http.h2.peers import Peers, answer, post


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


BLOCK = st.one_of(
    st.binary(max_size=12),
    st.lists(
        st.sampled_from(
            [
                *(b"\x82", b"\x83", b"\x84", b"\x87", b"\x88", b"\x8e", b"\xbe", b"\xbf", b"\x40\x01a\x01b", b"\x20"),
                *(b"\x3f\xe1\x1f", b"\x5c\x015", b"\x0f\x0d\x015", b"\x5a\x04gzip", b"\x7f\x20\x01x"),
                *(b"\x00\x84\xff\xff\xff\xff\x00", b"\x48\x03100"),
            ]
        ),
        max_size=8,
    ).map(b"".join),
)  # fmt: skip
FRAME = st.builds(
    frame,
    st.sampled_from([0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xEE]),
    st.sampled_from([0, 1, 4, 5, 8, 9, 0x0D, 0x25, 0x2D, 0xFF]),
    st.sampled_from([0, 1, 1, 3, 5, 2, 1 << 31 | 1, (1 << 31) - 1]),
    BLOCK,
)
STEP = st.tuples(
    st.sampled_from([CLIENT, SERVER]),
    st.one_of(st.lists(FRAME, max_size=6).map(b"".join), st.binary(max_size=60), st.just(PREFACE)),
    st.sampled_from(["feed", "feed", "feed", "bytes", "gap", "unknown gap", "fin", "part"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEP, max_size=12), st.booleans())
def test_any_bytes_give_transactions_or_anomalies_and_sizes_add_up(
    steps: list[tuple[int, bytes, str]], preface: bool
) -> None:
    connection = Http2Connection(1, lambda *_: True)
    done: list[Transaction] = []
    sent, wire = [0, 0], [0, 0]
    gaps = False
    if preface:
        steps = [(CLIENT, PREFACE, "feed"), (SERVER, frame(4, 0, 0), "feed"), *steps]
    for number, (side, data, how) in enumerate(steps, 1):
        if how in ("feed", "bytes", "part"):
            cut = data[: len(data) // 2] if how == "part" else data
            for piece in [cut] if how != "bytes" else [data[i : i + 1] for i in range(len(data))]:
                if piece:
                    sent[side] += len(piece)
                    wire[side] += len(piece) + 5
                    done += connection.feed(side, piece, number, number, number, number, len(piece) + 5)
        elif how == "fin":
            done += connection.fin(side)
        else:
            gaps = True
            done += connection.gap(side, len(data) if how == "gap" else None, number, number)
    done += connection.close(99)
    assert sorted(t.number for t in done) == list(range(1, len(done) + 1))
    assert all(t.request or t.response for t in done)
    for side in (CLIENT, SERVER):
        messages = [message for t in done if (message := t.response if side else t.request)]
        counted = sum(message.http_bytes for message in messages) + connection.outside_bytes[side]
        on_wire = sum(message.wire_bytes for message in messages) + connection.outside_wire[side]
        assert counted >= sent[side] if gaps else counted == sent[side]
        assert on_wire >= wire[side] if gaps else on_wire == wire[side]
        assert all(message.body is None or message.complete for message in messages)
    assert len(connection.anomalies) < 100


@settings(max_examples=150, deadline=None)
@given(st.lists(FRAME, max_size=30), st.randoms(use_true_random=False))
def test_any_split_of_any_frames_gives_the_same(frames: list[bytes], chance: random.Random) -> None:
    """From the beginning on and without gaps, whatever the frames say."""
    start = (PREFACE, frame(4, 0, 0))
    sides = [b"".join(frames[side::2]) for side in (CLIENT, SERVER)]

    def fed(step: Callable[[], int]) -> tuple[list[tuple[object, ...]], list[str]]:
        connection = Http2Connection(1, lambda *_: True)
        done: list[Transaction] = []
        for side in (CLIENT, SERVER):
            data, position = start[side] + sides[side], 0
            while position < len(data):
                size = step()
                done += connection.feed(side, data[position : position + size], 1, 1, 1, 1, 1)
                position += size
        done += connection.close(1)
        kept = [
            (t.number, t.stream_id, t.request and (t.request[4:9], t.request[10:]),
             t.response and (t.response[4:8], t.response[9:]), t.stream_reset)
            for t in done
        ]  # fmt: skip
        return kept, [f"{a.code} {a.detail}" for a in connection.anomalies if a.code != "http2_lost"]

    whole = fed(lambda: 1 << 20)
    assert fed(lambda: chance.choice((1, 2, 9, 10, 40))) == whole


@pytest.mark.parametrize("seed", range(30))
def test_damaged_traffic_is_survived(seed: int) -> None:
    chance = random.Random(seed)
    peers = Peers()
    for number in range(10):
        peers.reply(peers.ask(post(f"/{number}", x_ms=str(number)), b"q" * 500), answer(200), b"a" * 5000)
    connection = Http2Connection(1, lambda *_: True)
    for side, data in peers.turns:
        damaged = bytearray(data)
        for _ in range(chance.randrange(3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        connection.feed(side, bytes(damaged), 1, 1, 1, 1, len(damaged))
    connection.close(1)
    assert len(connection.anomalies) < 100


HEAD = b"\x83\x84\x87"
LITERAL = b"\x00\x01a\x01b"
TRAPS: dict[str, Callable[[int], bytes]] = {
    "rapid reset": lambda n: b"".join(
        frame(1, 5, s, HEAD) + frame(3, 0, s, bytes(4)) for s in range(1, n // 12, 2)
    ),
    "streams that stay open": lambda n: b"".join(frame(1, 5, s, HEAD) for s in range(1, n // 6, 2)),
    "CONTINUATION without end": lambda n: frame(1, 0, 1, HEAD) + frame(9, 0, 1) * (n // 9),
    "CONTINUATION of literals without end": lambda n: frame(1, 0, 1, HEAD) + frame(9, 0, 1, LITERAL * 9) * (n // 54),
    "empty DATA": lambda n: frame(1, 4, 1, HEAD) + frame(0, 0, 1) * (n // 9),
    "PING": lambda n: frame(6, 0, 0, bytes(8)) * (n // 17),
    "SETTINGS": lambda n: frame(4, 0, 0, b"\0\5\0\xff\xff\xff" * 9) * (n // 63),
    "one-byte DATA": lambda n: frame(1, 4, 1, HEAD) + frame(0, 0, 1, b"x") * (n // 10),
    "one literal after the other": lambda n: frame(1, 5, 1, HEAD + LITERAL * 600) * (n // 3000),
    "the table goes round": lambda n: frame(1, 5, 1, b"\x40\x01a\x7f\x80\x1e" + b"x" * 3967) * (n // 4000),
    "size updates": lambda n: frame(1, 5, 1, b"\x20\x3f\xe1\x1f" * 1000) * (n // 4000),
    "frames of no kind": lambda n: b"\xff" * n,
    "zeros": bytes,
    "headers that lead nowhere": lambda n: b"\0\x40\0\0\0\0\0\0\1" * (n // 9),
    "almost headers": lambda n: b"\0\0\1\0\0\0\0\0\1" * (n // 9),
}  # fmt: skip


@pytest.mark.parametrize("piece", [1 << 30, 1400, 7])
@pytest.mark.parametrize("name", TRAPS)
def test_time_grows_with_the_input_and_no_faster(name: str, piece: int) -> None:
    def seconds(count: int) -> float:
        data = TRAPS[name](count)
        best = 9.0
        for _ in range(2):
            connection = Http2Connection(1, lambda *_: True)
            connection.feed(CLIENT, PREFACE, 1, 1, 1, 1, 24)
            started = time.process_time()
            for start in range(0, len(data), piece):
                connection.feed(CLIENT, data[start : start + piece], 1, 1, 1, 1, piece)
            connection.close(1)
            best = min(best, time.process_time() - started)
        return best

    assert seconds(90_000) < 16 * seconds(15_000) + 0.03  # six times the input; a square would be 36


def test_what_is_remembered_of_streams_is_bounded() -> None:
    connection = Http2Connection(1)
    connection.feed(CLIENT, PREFACE, 1, 1, 1, 1, 24)
    for stream in range(1, 20_000, 2):
        data = frame(1, 5, stream, HEAD) + (frame(3, 0, stream, bytes(4)) if stream % 3 else b"")
        connection.feed(CLIENT, data, 1, 1, 1, 1, len(data))
    assert MAX_STREAMS - 1 <= len(connection._streams.all()) <= MAX_STREAMS
    assert sum(map(connection._streams.is_over, range(20_000))) == MAX_CLOSED_STREAMS


def test_bodies_that_nobody_ends_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dissectors.http.h2.connection.MAX_KEPT_BYTES", 100_000)
    connection = Http2Connection(1, lambda *_: True)
    connection.feed(CLIENT, PREFACE, 1, 1, 1, 1, 24)
    for stream in range(1, 41, 2):
        data = frame(1, 4, stream, HEAD) + frame(0, 0, stream, b"x" * 10_000)
        connection.feed(CLIENT, data, 1, 1, 1, 1, len(data))
    held = sum(half.body.size for s in connection._streams.all() for half in s.halves if half.body.pieces is not None)
    assert held <= 100_000
    sizes = [t.request.body_bytes for t in connection.close(1) if t.request]
    assert sizes == [10_000] * 20
    assert {anomaly.code for anomaly in connection.anomalies} == {"http_body_too_large"}


def test_a_block_of_references_to_one_long_field_does_not_become_a_long_text_for_each_request():
    h2 = Http2Connection(1)
    first = b"\x83\x86\x84\x40\x05x-big" + b"\x7f\xa1\x1e" + b"A" * 4000  # POST, http, / and a field for the table
    done = h2.feed(CLIENT, PREFACE + frame(4, 0, 0) + frame(1, 5, 1, first), 1, 1, 1, 1, 5000)
    for stream in range(3, 1003, 2):
        block = b"\x83\x86\x84" + b"\xbe" * 31  # the newest entry, 31 times: 34 bytes that stand for 124,000
        done += h2.feed(CLIENT, frame(1, 5, stream, block), 1, 1, 1, 1, 43)
    done += h2.close(2)
    heads = [each.request.headers for each in done]
    assert (len(heads), {len(head["x-big"]) for head in heads}) == (501, {4000})
    assert len({id(head["x-big"]) for head in heads}) == 1  # one text that all of them share
    assert "http_head_too_large" in [odd.code for odd in h2.anomalies]


def test_repeated_fields_are_joined_as_long_as_they_are_short():
    h2 = Http2Connection(1)
    block = b"\x83\x86\x84" + b"\x00\x01a\x01b" * 500
    done = h2.feed(CLIENT, PREFACE + frame(4, 0, 0) + frame(1, 5, 1, block), 1, 1, 1, 1, 5000) + h2.close(2)
    assert done[0].request.headers["a"] == ", ".join("b" * 500)
    assert h2.anomalies == []
