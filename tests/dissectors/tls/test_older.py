"""SSL 3.0 to TLS 1.2 without AEAD: every algorithm and layout, and loss."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors.events import CLIENT, SERVER
from dissectors.tls.cipher_names import NAMES
from dissectors.tls.ciphers import Suite, suite
from dissectors.tls.primitives import available
from tests.dissectors.tls.dialogue import ALERT, SPLITS, outcome, plaintext, play
from tests.dissectors.tls.older import SSL_3_0, TLS_1_0, TLS_1_1, TLS_1_2, Older

VERSIONS = {"SSL 3.0": SSL_3_0, "TLS 1.0": TLS_1_0, "TLS 1.1": TLS_1_1, "TLS 1.2": TLS_1_2}
MADE = ("AES", "CAMELLIA", "3DES_EDE", "SEED", "IDEA", "DES", "RC4", "NULL")


def kinds() -> list[Suite]:
    """One suite for each way that records are protected."""
    found: dict[tuple[object, ...], Suite] = {}
    for code in sorted(NAMES):
        known = suite(code)
        if known and known.mode in ("cbc", "stream") and known.algorithm in MADE:
            way = (known.algorithm, known.key_bytes, known.material_bytes, known.mac_name, known.hash_name)
            found.setdefault(way, known)
    return list(found.values())


def named(name: str) -> Suite:
    return next(known for code, given in NAMES.items() if given == name and (known := suite(code)))


AES, DES3 = named("TLS_RSA_WITH_AES_128_CBC_SHA"), named("TLS_RSA_WITH_3DES_EDE_CBC_SHA")
RC4, NULL = named("TLS_RSA_WITH_RC4_128_MD5"), named("TLS_RSA_WITH_NULL_SHA")
CONTENTS = [b"GET / HTTP/1.1\r\n\r\n", b"", b"x", b"fifteen bytes ..", bytes(range(256)) * 40]


WAYS = [
    pytest.param(known, version, id=f"{version} {known.name}")
    for known in kinds()
    for version in VERSIONS
    if version != "SSL 3.0" or known.mac_name in ("md5", "sha1")
]


@pytest.mark.parametrize(("known", "version"), WAYS)
def test_every_algorithm_is_decrypted(known, version):
    if not available(known):
        pytest.skip("this machine's cryptography does not have it")
    made = Older(known, VERSIONS[version]).shake_hands().says(CLIENT, *CONTENTS).says(SERVER, *CONTENTS)
    connection, pieces = play(made.turns, made.keys())
    assert plaintext(pieces) == (b"".join(CONTENTS), b"".join(CONTENTS))
    assert (connection.decryption, connection.anomalies) == ("decrypted", [])
    assert (connection.facts().version, connection.facts().cipher) == (version, known.name)


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("version", [TLS_1_0, TLS_1_1, TLS_1_2])
def test_macs_after_encryption_and_truncated_ones(version, after, truncated, split):
    made = Older(AES, version, encrypt_then_mac=after, truncated_mac=truncated).shake_hands()
    made.says(CLIENT, *CONTENTS).says(SERVER, b"long padding", padding=14).says(SERVER, b"\x01\x00", kind=ALERT)
    connection, pieces = play(made.turns, made.keys(), split)
    assert plaintext(pieces) == (b"".join(CONTENTS), b"long padding")
    assert connection.decryption == "decrypted"
    assert connection.facts().close_notify_frame[SERVER] is not None


def test_extensions_for_block_ciphers_change_nothing_for_others():
    made = Older(RC4, TLS_1_0).shake_hands().says(CLIENT, *CONTENTS)
    sealed_as_usual = list(made.turns)
    agreed = replace(made, encrypt_then_mac=True, turns=[])
    sealed_as_usual[1] = (SERVER, agreed.answer() + made.turns[1][1][len(made.answer()) :])
    connection, pieces = play(sealed_as_usual, made.keys())
    assert plaintext(pieces)[0] == b"".join(CONTENTS)
    assert connection.decryption == "decrypted"


def test_compression_is_not_supported_and_said():
    made = Older(AES, TLS_1_0, compression=1).shake_hands().says(CLIENT, b"x")
    connection, pieces = play(made.turns, made.keys())
    assert pieces == []
    assert (connection.decryption, connection.why_encrypted) == ("encrypted", "unsupported_cipher")


def test_aead_before_tls_1_2_is_not_taken_for_a_suite():
    made = Older(AES, TLS_1_1).shake_hands().says(CLIENT, b"x")
    made.turns[1] = (SERVER, made.turns[1][1].replace(b"\x00\x2f\x00", b"\x00\x9c\x00", 1))
    connection, _ = play(made.turns, made.keys())
    assert connection.why_encrypted == "unsupported_cipher"
    assert connection.facts().cipher == "TLS_RSA_WITH_AES_128_GCM_SHA256"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("known", [AES, DES3, RC4, NULL], ids=lambda known: known.name)
@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
def test_a_damaged_record_is_not_authentic_and_the_rest_goes_on(version, known, after):
    made = Older(known, version, encrypt_then_mac=after and known.mode == "cbc" and version != SSL_3_0).shake_hands()
    made.says(SERVER, b"one" * 20, b"two" * 20, b"three" * 20, b"four" * 20, b"five" * 20)
    side, data = made.turns[-4]
    made.turns[-4] = (side, data[:20] + bytes((data[20] ^ 1,)) + data[21:])
    connection, pieces = play(made.turns, made.keys())
    read = [piece.data for piece in pieces if piece.data]
    # The next record's IV is in the damaged one. A MAC over ciphertext would not notice a wrong one: it is lost, too.
    blind = made.encrypt_then_mac and version == TLS_1_0
    assert read == [b"one" * 20, *([] if blind else [b"three" * 20]), b"four" * 20, b"five" * 20]
    assert (connection.decryption, connection.why_encrypted) == ("partial", "damaged")
    assert [anomaly.code for anomaly in connection.anomalies] == ["tls_record_not_authentic"] * (1 + blind)


# ---------------------------------------------------------------- loss

LAYOUTS = [
    (SSL_3_0, DES3, False),
    (SSL_3_0, RC4, False),
    (TLS_1_0, AES, False),
    (TLS_1_0, AES, True),
    (TLS_1_0, DES3, False),
    (TLS_1_0, RC4, False),
    (TLS_1_0, NULL, False),
    (TLS_1_1, AES, True),
    (TLS_1_2, AES, False),
    (TLS_1_2, RC4, False),
]
NAMES_OF_LAYOUTS = [f"{version:04x} {known.algorithm}{' EtM' * after}" for version, known, after in LAYOUTS]
SENT = [b"%d:" % number + bytes(random.Random(number).randbytes(number * 37 % 700)) for number in range(40)]


def lossy(layout: tuple[int, Suite, bool], start: int, length: int):
    """The server's application data without `length` bytes from `start`."""
    version, known, after = layout
    made = Older(known, version, encrypt_then_mac=after).shake_hands()
    handshake = len(made.turns)
    made.says(SERVER, *SENT)
    stream = b"".join(data for _, data in made.turns[handshake:])
    start = start % (len(stream) - length - 2500)
    turns = [*made.turns[:handshake], (SERVER, stream[:start]), (SERVER, length), (SERVER, stream[start + length :])]
    sizes = [len(data) for _, data in made.turns[handshake:]]
    touched = [n for n in range(len(sizes)) if sum(sizes[: n + 1]) > start and sum(sizes[:n]) < start + length]
    return made, [turn for turn in turns if turn[1]], touched


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMES_OF_LAYOUTS)
@given(start=st.integers(0, 10**6), length=st.integers(1, 4000))
@settings(max_examples=20, deadline=None)
def test_behind_a_loss_reading_goes_on(layout, start, length):
    made, turns, touched = lossy(layout, start, length)
    connection, pieces = play(turns, made.keys())
    authentic = [piece.data for piece in pieces if piece.authentic and piece.data]
    expected = [content for number, content in enumerate(SENT) if number not in touched]
    if layout[1].mode == "cbc" and layout[0] <= TLS_1_0:
        # The IV stands at the end of the record before: when that is lost, the record found first is, too.
        missing = [content for content in expected if content not in authentic]
        assert missing in ([], [SENT[touched[-1] + 1]])
        expected = [content for content in expected if content not in missing]
    assert authentic == expected
    whole = b"".join(SENT)
    for piece in pieces:
        assert piece.data in whole  # nothing wrong is read of cut records either
    assert (connection.decryption, connection.why_encrypted) == ("partial", "gap")


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMES_OF_LAYOUTS)
def test_what_is_lost_is_counted_to_within_the_padding(layout):
    for start in (500, 2000, 5000):
        made, turns, touched = lossy(layout, start, 1448)
        _, pieces = play(turns, made.keys())
        counted = sum(len(piece.data) + piece.missing for piece in pieces)
        padding = layout[1].block_bytes * (len(touched) + 1)
        assert len(b"".join(SENT)) <= counted <= len(b"".join(SENT)) + padding


LOOK_ALIKES = {
    "that never ends": b"\x17\x03\x01\x40\x00",
    "that ends in the middle of another": b"\x17\x03\x01\x00\x50",
    "of another version": b"\x17\x03\x03\x40\x00",
    "many": b"\x17\x03\x01\x40\x00" * 60,
}


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("what", LOOK_ALIKES)
def test_what_only_looks_like_a_header_keeps_no_record_from_being_found(what, split):
    made = Older(NULL, TLS_1_0).shake_hands()
    made.says(SERVER, b"one" * 50, b"lost" * 50 + LOOK_ALIKES[what] + b"x" * 30, b"two" * 50, b"three" * 50)
    side, data = made.turns[-3]
    made.turns[-3:-2] = [(side, 100), (side, data[100:])]
    connection, pieces = play(made.turns, made.keys(), split)
    assert [piece.data for piece in pieces if piece.data] == [b"one" * 50, b"two" * 50, b"three" * 50]
    assert connection.decryption == "partial"
    assert [anomaly.code for anomaly in connection.anomalies] == ["tls_records_lost"]


def test_what_is_never_found_again_is_counted_at_the_end():
    made = Older(NULL, TLS_1_0).shake_hands().says(SERVER, b"one", b"two" * 50)
    side, data = made.turns[-1]
    made.turns[-1:] = [(side, 50), (side, data[50:] + b"and what is no record" * 10)]
    connection, pieces = play(made.turns, made.keys())
    assert [piece.data for piece in pieces if piece.data] == [b"one"]
    assert pieces[-1].missing == len(data) + 210
    assert [anomaly.detail for anomaly in connection.anomalies] == [f"{len(data) + 210} bytes at the end"]
    assert connection.decryption == "partial"


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMES_OF_LAYOUTS)
@pytest.mark.parametrize("lost", ["change cipher spec", "finished", "both"])
def test_a_lost_end_of_the_handshake_is_survived(layout, lost):
    version, known, after = layout
    made = Older(known, version, encrypt_then_mac=after).shake_hands().says(SERVER, b"first", b"second", b"third")
    change, finished = (made.turns[at][1] for at in (4, 5))
    gone = {"change cipher spec": (4, 5), "finished": (5, 6), "both": (4, 6)}[lost]
    size = sum(len(data) for _, data in made.turns[gone[0] : gone[1]])
    assert size in (len(change), len(finished), len(change) + len(finished))
    turns = [*made.turns[: gone[0]], (SERVER, size), *made.turns[gone[1] :]]
    connection, pieces = play(turns, made.keys())
    read = b"".join(piece.data for piece in pieces)
    chained = known.mode == "cbc" and version <= TLS_1_0 and lost != "change cipher spec"
    assert read == (b"secondthird" if chained else b"firstsecondthird")
    assert connection.decryption == ("partial" if chained else "decrypted")


@pytest.mark.parametrize("layout", LAYOUTS, ids=NAMES_OF_LAYOUTS)
@given(data=st.data())
@settings(max_examples=5, deadline=None)
def test_any_split_of_the_bytes_gives_the_same(layout, data):
    made, turns, _ = lossy(layout, data.draw(st.integers(0, 10**6)), data.draw(st.integers(1, 2000)))
    whole = outcome(*play(turns, made.keys()))
    for split in SPLITS[1:]:
        assert outcome(*play(turns, made.keys(), split, data.draw(st.integers(0, 99))))[:6] == whole[:6]


def test_a_loss_too_long_for_rc4_ends_the_direction_and_is_said(monkeypatch):
    monkeypatch.setattr("dissectors.tls.stream_cipher.SKIP_LIMIT", 1000)
    made, turns, _ = lossy((TLS_1_0, RC4, False), 3000, 1448)
    connection, pieces = play(turns, made.keys())
    assert sum(len(piece.data) for piece in pieces) <= 3000
    assert (connection.decryption, connection.why_encrypted) == ("partial", "gap")
