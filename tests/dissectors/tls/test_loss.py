"""Bytes that are not in the capture: what is read must be right and in its place, and the rest must be found again."""

import random
import ssl
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors.events import CLIENT, SERVER
from dissectors.tls import Piece
from dissectors.tls.ciphers import suite
from tests.dissectors.tls.dialogue import HTTP_TALK, LABELS, Live, Made, Recording, Turn, play

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
REQUEST = b"POST /Microsoft-Server-ActiveSync HTTP/1.1\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

KINDS = ["1.3", "1.2 gcm", "1.2 chacha20", "1.2 ccm"]


@cache
def recording(kind: str) -> Recording:
    ciphers = {
        "1.3": None,
        "1.2 gcm": "ECDHE-ECDSA-AES128-GCM-SHA256",
        "1.2 chacha20": "ECDHE-ECDSA-CHACHA20-POLY1305",
        "1.2 ccm": "ECDHE-ECDSA-AES128-CCM",
    }
    talk = [*HTTP_TALK, (SERVER, b"x" * 900), *[(SERVER, bytes((n,)) * 50) for n in range(20)], (CLIENT, b"last")]
    return Live(TLS13 if kind == "1.3" else TLS12, ciphers[kind]).record(talk)


def cut(turns: list[Turn], side: int, start: int, length: int) -> list[tuple[int, bytes | int]]:
    """The turns without `length` bytes of one side's stream from `start`."""
    left: list[tuple[int, bytes | int]] = []
    position = 0
    for turn_side, data in turns:
        if turn_side != side:
            left.append((turn_side, data))
            continue
        first = min(max(start - position, 0), len(data))
        last = min(max(start + length - position, 0), len(data))
        position += len(data)
        left += [(side, part) for part in (data[:first], last - first, data[last:]) if part]
    return left


def check_places(pieces: list[Piece], side: int, sent: bytes, exact: bool = True) -> int:
    """Everything read stands where it was sent; returns how many bytes were read."""
    position = read = 0
    for piece in (piece for piece in pieces if piece.side == side):
        assert piece.data == sent[position : position + len(piece.data)]
        position += len(piece.data) + piece.missing
        read += len(piece.data)
    assert not exact or position == len(sent)
    return read


def app_start(kind: str, side: int) -> int:
    """Where a side's application data begins in its stream."""
    whole = recording(kind)
    _, pieces = play(whole.turns, whole.keys)
    wire = sum(len(data) for turn_side, data in whole.turns if turn_side == side)
    return wire - sum(p.wire_bytes for p in pieces if p.side == side)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [1, 3, 100, 1448, 17_000, 50_000])
@pytest.mark.parametrize("seed", range(6))
def test_what_is_lost_is_counted_and_the_rest_is_read(kind, length, seed):
    whole = recording(kind)
    wire = sum(len(data) for side, data in whole.turns if side == SERVER)
    start = random.Random(seed * 100 + length).randrange(app_start(kind, SERVER) + 200, wire - length - 2000)
    connection, pieces = play(cut(whole.turns, SERVER, start, length), whole.keys)
    assert check_places(pieces, CLIENT, whole.sent[CLIENT]) == len(whole.sent[CLIENT])
    read = check_places(pieces, SERVER, whole.sent[SERVER])
    assert len(whole.sent[SERVER]) - read < length + 5 + 40 + 16_500  # at most the records that the loss touches
    assert (connection.decryption, connection.why_encrypted) == ("partial", "gap")


@pytest.mark.parametrize("kind", KINDS)
def test_a_hole_inside_a_record_costs_its_own_bytes_only(kind):
    whole = recording(kind)
    start = app_start(kind, SERVER) + 30_000  # in the middle of a long record
    _, pieces = play(cut(whole.turns, SERVER, start, 1448), whole.keys)
    assert check_places(pieces, SERVER, whole.sent[SERVER]) == len(whole.sent[SERVER]) - 1448
    assert any(piece.missing == 1448 and not piece.authentic for piece in pieces)
    assert all(piece.authentic for piece in pieces if piece.side == CLIENT)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_any_two_losses_leave_no_wrong_byte(kind, data):
    whole = recording(kind)
    turns: list[tuple[int, bytes | int]] = list(whole.turns)
    side = data.draw(st.sampled_from((CLIENT, SERVER)))
    wire = sum(len(chunk) for turn_side, chunk in whole.turns if turn_side == side)
    start = data.draw(st.integers(0, wire - 1))
    length = data.draw(st.integers(1, 3000))
    turns = cut(whole.turns, side, start, length)
    split = data.draw(st.sampled_from(("whole", "random")))
    _, pieces = play(turns, whole.keys, split, seed=start)
    sent = whole.sent[side]
    other = 1 - side
    assert b"".join(p.data for p in pieces if p.side == other) in (whole.sent[other], b"")
    position = 0
    for piece in (piece for piece in pieces if piece.side == side):
        found = sent.find(piece.data, position)
        assert found >= 0  # real bytes, in order
        position = found + len(piece.data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_certificate_costs_nothing(kind):
    whole = recording(kind)
    hello = 5 + int.from_bytes(next(data for side, data in whole.turns if side == SERVER)[3:5], "big")
    _, pieces = play(cut(whole.turns, SERVER, hello + 30, 250), whole.keys)
    assert check_places(pieces, SERVER, whole.sent[SERVER]) == len(whole.sent[SERVER])
    assert check_places(pieces, CLIENT, whole.sent[CLIENT]) == len(whole.sent[CLIENT])


def test_a_lost_server_hello_is_concluded_from_the_key_log_in_tls13():
    whole = recording("1.3")
    connection, pieces = play(cut(whole.turns, SERVER, 0, 300), whole.keys)
    assert check_places(pieces, SERVER, whole.sent[SERVER]) == len(whole.sent[SERVER])
    facts = connection.facts()
    assert (facts.version, facts.cipher) == ("TLS 1.3", "TLS_AES_256_GCM_SHA384")


def test_a_lost_server_hello_cannot_be_replaced_in_tls12():
    whole = recording("1.2 gcm")
    connection, pieces = play(cut(whole.turns, SERVER, 0, 80), whole.keys)
    assert pieces == []
    assert (connection.decryption, connection.why_encrypted) == ("encrypted", "no_handshake")


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_client_hello_is_no_handshake(kind):
    whole = recording(kind)
    connection, pieces = play(cut(whole.turns, CLIENT, 0, 100), whole.keys)
    assert pieces == []
    assert (connection.decryption, connection.why_encrypted) == ("encrypted", "no_handshake")
    assert connection.hopeless


@pytest.mark.parametrize("kind", ["1.2 gcm", "1.2 chacha20", "1.2 ccm"])
def test_a_lost_change_cipher_spec_is_survived(kind):
    whole = recording(kind)
    stream = b"".join(data for side, data in whole.turns if side == SERVER)
    start = stream.index(b"\x14\x03\x03\x00\x01\x01")
    _, pieces = play(cut(whole.turns, SERVER, start, 6), whole.keys)
    assert check_places(pieces, SERVER, whole.sent[SERVER]) == len(whole.sent[SERVER])


# ---------------------------------------------------------------- made by hand

AES, CHACHA = suite(0x1301), suite(0x1303)
assert AES is not None
assert CHACHA is not None


def snapped(made: Made, visible: int) -> list[tuple[int, bytes | int]]:
    """Every turn cut to its first bytes, as a snap length does to each frame."""
    left: list[tuple[int, bytes | int]] = []
    for side, data in made.turns:
        assert isinstance(data, bytes)
        left.append((side, data[:visible]))
        if len(data) > visible:
            left.append((side, len(data) - visible))
    return left


@pytest.mark.parametrize("known", [AES, CHACHA], ids=["aes", "chacha20"])
@pytest.mark.parametrize("visible", [62, 100, 230])
def test_snapped_records_are_read_as_far_as_they_are_seen(known, visible):
    made = Made(known).shake_hands().says(SERVER, b"\x04\x00\x00\x50" + bytes(80), kind=22)
    for _ in range(3):
        made.says(CLIENT, REQUEST + b"q" * 300).says(SERVER, ANSWER + b"a" * 400, b"b" * 500)
    connection, pieces = play(snapped(made, visible), made.keys())
    # One frame holds all of the server's first flight: its end is not seen, the first answer must tell.
    assert check_places(pieces, CLIENT, (REQUEST + b"q" * 300) * 3) == 3 * (visible - 5)
    assert check_places(pieces, SERVER, (ANSWER + b"a" * 400 + b"b" * 500) * 3) == 6 * (visible - 5)
    assert not any(piece.authentic for piece in pieces)
    assert connection.decryption == "partial"
    facts = connection.facts()
    assert (facts.version, facts.cipher) == ("TLS 1.3", known.name)


def test_a_snapped_body_that_nothing_vouches_for_is_not_guessed():
    made = Made(AES).shake_hands().says(SERVER, bytes(range(200)))
    connection, pieces = play(snapped(made, 62), made.keys())
    assert pieces == []
    assert (connection.decryption, connection.why_encrypted) == ("encrypted", "gap")


def test_records_lost_between_two_are_counted_by_the_sequence_number():
    made = Made(AES).shake_hands().says(SERVER, b"before", *[b"lost %d" % n for n in range(40)], b"after")
    lost = made.turns[-41:-1]
    size = sum(len(data) for _, data in lost if isinstance(data, bytes))
    turns = [*made.turns[:-41], (SERVER, size), made.turns[-1]]
    connection, pieces = play(turns, made.keys())
    sizes = sum(len(b"lost %d" % n) for n in range(40))
    assert [(piece.data, piece.missing) for piece in pieces] == [(b"before", 0), (b"", sizes), (b"after", 0)]
    assert [anomaly.code for anomaly in connection.anomalies] == ["tls_records_lost"]


def test_a_damaged_record_costs_itself():
    made = Made(AES).shake_hands().says(SERVER, b"one", b"two", b"three")
    side, data = made.turns[-2]
    assert isinstance(data, bytes)
    made.turns[-2] = (side, data[:-1] + bytes((data[-1] ^ 1,)))
    connection, pieces = play(made.turns, made.keys())
    assert [(piece.data, piece.missing) for piece in pieces] == [(b"one", 0), (b"", 3), (b"three", 0)]
    assert (connection.decryption, connection.why_encrypted) == ("partial", "damaged")
    assert [anomaly.code for anomaly in connection.anomalies] == ["tls_record_not_authentic"]


def test_rubbish_between_records_is_passed_over():
    made = Made(AES).shake_hands().says(SERVER, b"one", b"two")
    made.turns.insert(-1, (SERVER, b"\xff\xff rubbish \x17\x03\x03\x00\x20 that looks like a header"))
    connection, pieces = play(made.turns, made.keys())
    assert [piece.data for piece in pieces if piece.data] == [b"one", b"two"]
    assert connection.anomalies[0].code == "tls_record_malformed"


def test_the_end_of_a_connection_shows_what_was_begun():
    made = Made(AES).shake_hands().says(SERVER, ANSWER, ANSWER * 10)
    side, data = made.turns[-1]
    assert isinstance(data, bytes)
    made.turns[-1] = (side, data[:200])
    _, pieces = play(made.turns, made.keys())
    assert pieces[-1].data == (ANSWER * 10)[:195]
    assert pieces[-1].missing == len(ANSWER) * 10 - 195
    assert not pieces[-1].authentic


def test_without_handshake_secrets_application_data_is_read():
    made = Made(AES).shake_hands().says(CLIENT, b"up").says(SERVER, b"down")
    connection, pieces = play(made.turns, made.keys(*LABELS[2:4]))
    assert [piece.data for piece in pieces] == [b"up", b"down"]
    assert (connection.decryption, connection.anomalies) == ("decrypted", [])


def test_a_secret_of_one_side_only_opens_that_side():
    made = Made(AES).shake_hands().says(CLIENT, b"up").says(SERVER, b"down")
    connection, pieces = play(made.turns, made.keys(LABELS[0], LABELS[1], LABELS[3]))
    assert [piece.data for piece in pieces] == [b"down"]
    assert (connection.decryption, connection.why_encrypted) == ("partial", "no_key")
    assert not connection.hopeless
