"""Any bytes, in any pieces, with gaps anywhere: transactions or anomalies, never an exception;
time linear in the input.
"""

import random
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors.events import CLIENT, SERVER, Transaction
from dissectors.http import HttpConnection
from tests.dissectors.http.dialogue import chunked, request, response

FRAGMENTS = [
    b"GET / HTTP/1.1\r\n", b"POST /Microsoft-Server-ActiveSync HTTP/1.1\r\n", b"HEAD / HTTP/1.0\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 C\r\n",
    b"HTTP/1.1 101 S\r\n", b"Upgrade: TLS/1.2\r\n", b"\x16\x03\x01\0\x05",
    b"HTTP/1.1 304 N\r\n", b"Content-Length: 5\r\n", b"Content-Length: 50000\r\n",
    b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n",
    b"Content-Encoding: gzip\r\n", b"Content-Encoding: deflate\r\n", b"\r\n", b"\n", b"\r", b" folded\r\n", b": \r\n",
    b"\0", b"5\r\nhello\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"\x1f\x8b\x08\0\0\0",
    b"Authorization: Basic YTpi\r\n", b'WWW-Authenticate: "\\\r\n', request(body=b"abc"), response(body=b"abc"),
    response(headers="Transfer-Encoding: chunked\r\n", length=False) + chunked(b"abc"),
]  # fmt: skip

STEP = st.tuples(
    st.sampled_from([CLIENT, SERVER]),
    st.one_of(st.lists(st.sampled_from(FRAGMENTS), max_size=6).map(b"".join), st.binary(max_size=60)),
    st.sampled_from(["feed", "feed", "feed", "bytes", "gap", "unknown gap", "fin"]),
)


@settings(max_examples=600, deadline=None)
@given(st.lists(STEP, max_size=12))
def test_any_bytes_give_transactions_or_anomalies_and_sizes_add_up(steps: list[tuple[int, bytes, str]]) -> None:
    connection = HttpConnection(1, lambda *_: True)
    done: list[Transaction] = []
    sent = [0, 0]
    gaps = False
    for frame, (side, data, how) in enumerate(steps, 1):
        if how in ("feed", "bytes"):
            pieces = [data] if how == "feed" else [data[i : i + 1] for i in range(len(data))]
            sent[side] += len(data)
            for piece in pieces:
                done += connection.feed(side, piece, frame, frame, frame, frame, len(piece) + 5)
        elif how == "fin":
            done += connection.fin(side)
        else:
            gaps = True
            done += connection.gap(side, len(data) * 3 if how == "gap" else None, frame, frame)
    done += connection.close(99)
    assert [t.number for t in done] == list(range(1, len(done) + 1))
    assert all(t.request or t.response for t in done)
    for side in (CLIENT, SERVER):
        messages = [message for t in done if (message := t.response if side else t.request)]
        counted = sum(message.http_bytes for message in messages) + connection.skipped_bytes[side]
        counted += sum(len(held.data) for held in connection.backlog.pieces if held.side == side)
        assert counted >= sent[side] if gaps else counted == sent[side]
        assert all(message.body is None or message.complete for message in messages)


def fed(side: int, data: bytes, size: int) -> HttpConnection:
    connection = HttpConnection(1, lambda *_: True)
    connection.feed(CLIENT, request(), 1, 1, 1, 1, 100)
    for start in range(0, len(data), size):
        connection.feed(side, data[start : start + size], 1, 1, 1, 1, size)
    connection.close(1)
    return connection


CHUNKED_HEAD = response(headers="Transfer-Encoding: chunked\r\n", length=False)
TRAPS: dict[str, tuple[int, Callable[[int], bytes], int]] = {
    "tiny chunks": (SERVER, lambda n: CHUNKED_HEAD + b"1\r\nx\r\n" * n + b"0\r\n\r\n", 16_384),
    "tiny chunks in one piece": (SERVER, lambda n: CHUNKED_HEAD + b"1\r\nx\r\n" * n, 1 << 30),
    "one-byte pieces": (SERVER, lambda n: response(body=b"x" * n), 1),
    "one-byte pieces of a head": (CLIENT, lambda n: b"GET / HTTP/1.1\r\n" + b"X-A: 1\r\n" * (n // 8), 1),
    "requests with bare LF in one piece": (CLIENT, lambda n: b"GET / HTTP/1.1\n\n" * (n // 4), 1 << 30),
    "one header many times": (CLIENT, lambda n: b"GET / HTTP/1.1\r\n" + b"A:1\r\n" * n + b"\r\n", 1 << 30),
    "one header folded many times": (CLIENT, lambda n: b"GET / HTTP/1.1\r\nA:1\r\n" + b" 2\r\n" * n + b"\r\n", 1 << 30),
    "empty lines": (CLIENT, lambda n: b"\r\n" * n, 1 << 30),
    "endless chunk line": (SERVER, lambda n: CHUNKED_HEAD + b"1;" + b"x" * n, 1),
    "interim responses": (SERVER, lambda n: b"HTTP/1.1 100 Continue\r\n\r\n" * (n // 8), 1 << 30),
    "rubbish": (CLIENT, lambda n: b"x" * n, 1),
    "almost a request": (CLIENT, lambda n: b"FOO " + b"x" * n, 1),
}


@pytest.mark.parametrize("name", TRAPS)
def test_time_grows_with_the_input_and_no_faster(name: str) -> None:
    side, make, size = TRAPS[name]

    def seconds(count: int) -> float:
        data = make(count)
        best = 9.0
        for _ in range(3):
            started = time.process_time()
            fed(side, data, size)
            best = min(best, time.process_time() - started)
        return best

    assert seconds(24_000) < 16 * seconds(4_000) + 0.02  # six times the input; a square would be 36


@pytest.mark.parametrize("seed", range(20))
def test_damaged_traffic_is_survived(seed: int) -> None:
    chance = random.Random(seed)
    connection = HttpConnection(1)
    good = request(body=b"hello") * 3, (response(body=b"hello") + CHUNKED_HEAD + chunked(b"a" * 50)) * 2
    for _ in range(50):
        side = chance.randrange(2)
        data = bytearray(good[side])
        for _ in range(chance.randrange(4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        connection.feed(side, bytes(data), 1, 1, 1, 1, len(data))
    connection.close(1)
    assert len(connection.anomalies) < 100
