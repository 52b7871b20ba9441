"""Any bytes: pieces or anomalies, never an exception, in linear time and bounded memory."""

import random
import time
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dissectors.events import CLIENT, SERVER
from dissectors.tls import KeyLog, TlsConnection
from dissectors.tls.ciphers import suite
from tests.dissectors.tls import rfc8448
from tests.dissectors.tls.dialogue import Made, feed, outcome, play
from tests.dissectors.tls.foreign import foreign
from tests.dissectors.tls.older import Older

AES, CBC, RC4 = suite(0x1301), suite(0x002F), suite(0x0005)
assert AES is not None
assert CBC is not None
assert RC4 is not None
KEYS = rfc8448.SIMPLE_KEYS + rfc8448.EARLY_DATA_KEYS + rfc8448.RETRY_KEYS

bytes_or_gap = st.one_of(st.binary(min_size=1, max_size=400), st.integers(1, 400))
headers = st.builds(
    lambda kind, minor, length, body: bytes((kind, 3, minor)) + length.to_bytes(2, "big") + body,
    st.integers(19, 25), st.integers(0, 5), st.integers(0, 300), st.binary(max_size=300),
)  # fmt: skip
any_turns = st.lists(st.tuples(st.sampled_from((CLIENT, SERVER)), st.one_of(bytes_or_gap, headers)), max_size=12)


@given(turns=any_turns)
@example(turns=[(CLIENT, b"\x16\x03\x01\x00\x00")])
@example(turns=[(CLIENT, 1), (SERVER, 1)])
@settings(max_examples=300, deadline=None)
def test_any_bytes_and_gaps_are_survived(turns):
    connection, pieces = play(turns, KEYS)
    assert pieces == []
    assert connection.decryption in ("encrypted", "not_http")
    connection.facts()


@given(
    turns=any_turns, after=st.integers(1, 9), trace=st.sampled_from((rfc8448.SIMPLE, rfc8448.EARLY_DATA, rfc8448.RETRY))
)
@settings(max_examples=300, deadline=None)
def test_any_bytes_in_mid_connection_are_survived(turns, after, trace):
    connection, pieces = play([*trace[:after], *turns, *trace[after:]], KEYS)
    assert all(piece.data in (rfc8448.PAYLOAD, rfc8448.EARLY_PAYLOAD, b"") for piece in pieces if piece.authentic)
    connection.facts()


@given(data=st.data(), trace=st.sampled_from((rfc8448.SIMPLE, rfc8448.EARLY_DATA, rfc8448.RETRY)))
@settings(max_examples=300, deadline=None)
def test_flipped_bits_never_give_wrong_plaintext(data, trace):
    turns = [(side, bytearray(chunk)) for side, chunk in trace]
    for _ in range(data.draw(st.integers(1, 3))):
        _, chunk = turns[data.draw(st.integers(0, len(turns) - 1))]
        chunk[data.draw(st.integers(0, len(chunk) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    flipped = [(side, bytes(chunk)) for side, chunk in turns]
    connection, pieces = play(flipped, KEYS)
    assert all(piece.data in (rfc8448.PAYLOAD, rfc8448.EARLY_PAYLOAD) for piece in pieces if piece.authentic)
    connection.facts()
    seed = data.draw(st.integers(0, 99))
    if not connection.hopeless and not any(d.dead for d in connection._directions):
        assert outcome(*play(flipped, KEYS, "random", seed))[0] == outcome(connection, pieces)[0]


MADE: dict[str, Callable[[], Made | Older]] = {
    "TLS 1.3": lambda: Made(AES),
    "chained CBC": lambda: Older(CBC, 0x0301),
    "encrypt then MAC": lambda: Older(CBC, 0x0303, encrypt_then_mac=True),
    "RC4": lambda: Older(RC4, 0x0301),
}


def made_connection(kind: str = "TLS 1.3") -> TlsConnection:
    made = MADE[kind]().shake_hands().says(SERVER, b"x")
    keylog = KeyLog()
    keylog.add(made.keys(), "keys")
    connection = TlsConnection(keylog)
    feed(connection, made.turns)
    return connection


FLOODS = {
    "headers without end": lambda size: b"\x17\x03\x03\x40\x00" * (size // 5),
    "headers of nothing": lambda size: b"\x17\x03\x03\x00\x00" * (size // 5),
    "small forged records": lambda size: (b"\x17\x03\x03\x00\x20" + bytes(32)) * (size // 37),
    "long forged records": lambda size: (b"\x17\x03\x03\x40\x00" + bytes(16_384)) * (size // 16_389),
    "noise": lambda size: random.Random(1).randbytes(size),
    "zeros": bytes,
}


@pytest.mark.parametrize("name", FLOODS)
@pytest.mark.parametrize("after_gap", [False, True])
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind == "TLS 1.3" else pytest.mark.slow) for kind in MADE]
)
def test_a_flood_costs_linear_time_and_little_memory(kind, name, after_gap):
    def spend(size: int, step: int) -> float:
        connection = made_connection(kind)
        data = FLOODS[name](size)
        start = time.process_time()
        if after_gap:
            connection.gap(SERVER, 10**6, 100, 100)
        for at in range(0, len(data), step):
            part = data[at : at + step]
            connection.feed(SERVER, part, [len(part)], [at + 1], [at + 1])
        connection.close()
        return time.process_time() - start

    assert spend(1_000_000, 1448) < 2.0
    assert spend(1_000_000, 1_000_000) < 2.0
    assert spend(60_000, 1) < 2.0
    tracemalloc.start()
    spend(400_000, 1448)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_400_000  # the flood itself is 0.4 MB


def test_many_segments_in_one_call_cost_linear_time():
    made = Made(AES).shake_hands()
    made.turns.clear()
    for number in range(3000):
        made.says(SERVER, b"a" * (number % 3), kind=23 if number % 2 else 21)
    connection = made_connection()
    data = b"".join(chunk for _, chunk in made.turns if isinstance(chunk, bytes))
    ends = list(range(1, len(data) + 1))  # a segment for each byte
    start = time.process_time()
    connection.feed(SERVER, data, ends, ends, ends)
    assert time.process_time() - start < 1.0


OLD = ("ssl3-rc4-sha", "ssl3-3des", "tls10-aes128-etm", "tls12-3des", "renegotiation-ssl3", "hello-in-ssl2-format")


# Not with encrypt-then-MAC before TLS 1.1: there the MAC does not notice that bytes slipped in took the IV's place.
@given(turns=any_turns, after=st.integers(1, 12), name=st.sampled_from(OLD[:2] + OLD[3:]))
@settings(max_examples=60, deadline=None)
def test_any_bytes_in_mid_connection_of_an_older_version_are_survived(turns, after, name):
    recorded = foreign()[name]
    keylog = recorded.keys(private=not recorded.key_log)
    connection = TlsConnection(keylog)
    pieces = feed(connection, [*recorded.turns[:after], *turns, *recorded.turns[after:]]) + connection.close()
    assert all(piece.data in recorded.sent[piece.side] for piece in pieces if piece.authentic)
    connection.facts()


@given(data=st.data(), name=st.sampled_from(OLD))
@settings(max_examples=60, deadline=None)
def test_flipped_bits_never_give_wrong_plaintext_in_older_versions(data, name):
    recorded = foreign()[name]
    turns = [(side, bytearray(chunk)) for side, chunk in recorded.turns]
    for _ in range(data.draw(st.integers(1, 3))):
        _, chunk = turns[data.draw(st.integers(0, len(turns) - 1))]
        chunk[data.draw(st.integers(0, len(chunk) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    connection = TlsConnection(recorded.keys(private=not recorded.key_log))
    pieces = feed(connection, [(side, bytes(chunk)) for side, chunk in turns]) + connection.close()
    assert all(piece.data in recorded.sent[piece.side] for piece in pieces if piece.authentic)
    connection.facts()


def test_a_cipher_change_behind_a_renegotiation_without_a_usable_suite_is_survived():
    """Found by the test above: a flipped bit in the server's version makes the agreed suite one that it cannot be."""
    recorded = foreign()["renegotiation-ssl3"]
    turns = [(side, bytearray(chunk)) for side, chunk in recorded.turns]
    turns[1][1][9] ^= 1
    connection = TlsConnection(recorded.keys(private=not recorded.key_log))
    pieces = feed(connection, [(side, bytes(chunk)) for side, chunk in turns]) + connection.close()
    assert pieces == []
    assert connection.decryption == "encrypted"
