"""What the connection does with each kind of message, and what it says when nothing can be read."""

import gc

import pytest

from dissectors.events import CLIENT, SERVER
from dissectors.tls import KeyLog, TlsConnection
from dissectors.tls.ciphers import suite
from dissectors.tls.schedule import next_traffic_secret
from tests.dissectors.tls.dialogue import (
    ALERT,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    LABELS,
    SPLITS,
    Made,
    Sealer,
    feed,
    message,
    outcome,
    plaintext,
    play,
    record,
)
from tests.dissectors.tls.older import Older

AES, AES256, CHACHA = (suite(code) for code in (0x1301, 0x1302, 0x1303))
assert AES is not None
assert AES256 is not None
assert CHACHA is not None
KNOWN = [AES, AES256, CHACHA]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known.name)
def test_key_update_is_followed_in_both_directions(known, split):
    made = Made(known).shake_hands().says(CLIENT, b"old")
    for side in (CLIENT, SERVER, CLIENT):
        made.says(side, message(24, b"\x00"), kind=HANDSHAKE)
        sealer = made.client if side == CLIENT else made.server
        sealer.secret, sealer.sequence = next_traffic_secret(known, sealer.secret), 0
        made.says(side, b"new%d" % side)
    connection, pieces = play(made.turns, made.keys(), split)
    assert plaintext(pieces) == (b"oldnew0new0", b"new1")
    assert connection.decryption == "decrypted"


def test_padding_is_taken_off():
    made = Made(AES).shake_hands()
    made.turns += [(CLIENT, made.client(b"padded", padding=300)), (CLIENT, made.client(b"", padding=9))]
    made.says(CLIENT, b"next")
    connection, pieces = play(made.turns, made.keys())
    assert [piece.data for piece in pieces] == [b"padded", b"next"]
    assert connection.decryption == "decrypted"


def test_content_of_zeros_only_is_odd_and_goes_on():
    made = Made(AES).shake_hands()
    made.turns.append((CLIENT, made.client(b"", kind=0)))
    made.says(CLIENT, b"next")
    connection, pieces = play(made.turns, made.keys())
    assert [piece.data for piece in pieces] == [b"next"]
    assert [anomaly.code for anomaly in connection.anomalies] == ["tls_record_malformed"]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("accepted", [True, False])
def test_early_data_counts_only_when_the_server_takes_it(accepted, split):
    made = Made(AES, early=True)
    made.turns = [(CLIENT, made.hello()), (CLIENT, made.early_client(b"early request"))]
    extensions = b"\x00\x2a\x00\x00" if accepted else b""
    flight = message(8, len(extensions).to_bytes(2, "big") + extensions) + message(20, bytes(32))
    made.turns.append((SERVER, made.answer() + made.server(flight, HANDSHAKE)))
    if accepted:
        made.turns.append((CLIENT, made.early_client(message(5, b""), HANDSHAKE)))
    made.turns.append((CLIENT, made.client(message(20, bytes(32)), HANDSHAKE)))
    made.use_application_keys()
    made.says(CLIENT, b" late request").says(SERVER, b"answer")
    connection, pieces = play(made.turns, made.keys(*LABELS), split)
    assert plaintext(pieces) == (b"early request" * accepted + b" late request", b"answer")
    assert connection.decryption == "decrypted"


def test_handshake_messages_may_be_split_and_joined_at_will():
    made = Made(AES)
    made.turns = [(CLIENT, made.hello()), (SERVER, made.answer())]
    flight = message(8, b"\x00\x00") + message(11, bytes(5000)) + message(20, bytes(32))
    for start, end in ((0, 1), (1, 3), (3, 3000), (3000, len(flight))):
        made.turns.append((SERVER, made.server(flight[start:end], HANDSHAKE)))
    made.turns.append((CLIENT, made.client(message(20, bytes(32)), HANDSHAKE)))
    made.use_application_keys()
    made.says(SERVER, b"data")
    connection, pieces = play(made.turns, made.keys())
    assert plaintext(pieces)[1] == b"data"
    assert connection.decryption == "decrypted"


def test_a_client_hello_over_several_records_is_read():
    made = Made(AES).shake_hands().says(CLIENT, b"data")
    hello = made.hello()[5:]
    split_hello = b"".join(record(HANDSHAKE, hello[at : at + 9], 0x0301) for at in range(0, len(hello), 9))
    made.turns[0] = (CLIENT, split_hello)
    connection, pieces = play(made.turns, made.keys())
    assert plaintext(pieces)[0] == b"data"
    assert connection.facts().sni == "mail.test"


def test_the_answer_may_stand_before_the_hello_in_the_capture():
    made = Made(AES).shake_hands().says(CLIENT, b"up").says(SERVER, b"down")
    made.turns[0], made.turns[1] = made.turns[1], made.turns[0]
    connection, pieces = play(made.turns, made.keys())
    assert plaintext(pieces) == (b"up", b"down")
    assert connection.decryption == "decrypted"


def test_what_comes_too_early_waits_for_the_server_hello():
    made = Made(AES).shake_hands().says(CLIENT, b"up").says(SERVER, b"down")
    clients = [turn for turn in made.turns if turn[0] == CLIENT]
    servers = [turn for turn in made.turns if turn[0] == SERVER]
    connection, pieces = play(clients + servers, made.keys())
    assert plaintext(pieces) == (b"up", b"down")
    assert connection.decryption == "decrypted"


def test_alerts_are_told_with_their_side():
    made = Made(AES).shake_hands().says(SERVER, b"\x02\x28", kind=ALERT).says(CLIENT, b"\x01\x00", kind=ALERT)
    connection, _ = play(made.turns, made.keys())
    facts = connection.facts()
    assert [(side, level, description) for side, _, level, description in facts.alerts] == [(SERVER, 2, 40)]
    assert facts.close_notify_frame == (len(made.turns), None)
    assert facts.close_notify_ns == (len(made.turns) * 10**6, None)


def test_an_alert_in_clear_behind_the_other_sides_change_of_cipher_is_told_without_keys():
    known = suite(0x002F)
    assert known is not None
    turns = Older(known, 0x0303).shake_hands().turns[:4]  # up to the client's Finished
    turns.append((SERVER, record(ALERT, b"\x02\x28")))  # the server wants a certificate
    connection, _ = play(turns, b"")
    assert [(side, *alert) for side, _, *alert in connection.facts().alerts] == [(SERVER, 2, 40)]
    assert connection.why_encrypted == "no_key"


def test_authentication_behind_the_handshake_changes_no_keys():
    made = Made(AES).shake_hands().says(CLIENT, b"before")
    made.says(SERVER, message(13, bytes(3)), kind=HANDSHAKE)  # CertificateRequest
    made.says(CLIENT, message(11, bytes(4)) + message(15, bytes(70)) + message(20, bytes(32)), kind=HANDSHAKE)
    made.says(CLIENT, b"after").says(SERVER, b"answer")
    connection, pieces = play(made.turns, made.keys())
    assert plaintext(pieces) == (b"beforeafter", b"answer")
    assert (connection.decryption, connection.anomalies) == ("decrypted", [])


def test_certificates_are_kept_up_to_their_limit_as_far_as_they_are_whole():
    def with_chain(*sizes: int) -> TlsConnection:
        chain = b"".join(size.to_bytes(3, "big") + bytes((n + 1,)) * size + b"\x00\x00" for n, size in enumerate(sizes))
        made = Made(AES)
        made.turns = [(CLIENT, made.hello()), (SERVER, made.answer())]
        made.says(SERVER, message(8, b"\x00\x00"), kind=HANDSHAKE)
        certificate = message(11, b"\x00" + len(chain).to_bytes(3, "big") + chain)
        for at in range(0, len(certificate), 16_000):
            made.says(SERVER, certificate[at : at + 16_000], kind=HANDSHAKE)
        return play(made.turns, made.keys())[0]

    assert with_chain(5, 3).certificates == ((), (b"\x01" * 5, b"\x02" * 3))
    assert with_chain().certificates == ((), ())
    assert [len(one) for one in with_chain(40_000, 20_000, 10_000).certificates[1]] == [40_000, 20_000]
    broken = Made(AES)
    broken.turns = [(CLIENT, broken.hello()), (SERVER, broken.answer())]
    broken.says(SERVER, message(11, b"\x00\x00\x00\x09\x00\x00\xff"), kind=HANDSHAKE)
    assert play(broken.turns, broken.keys())[0].certificates == ((), ())


def test_a_certificate_refused_in_clear_is_told_without_keys():
    made = Made(AES).shake_hands()
    made.turns[3:] = [(CLIENT, record(ALERT, b"\x02\x30"))]  # as OpenSSL 3.0 does it (shared protocol/tls.md section 2)
    connection, _ = play(made.turns, b"")
    assert [alert[2:] for alert in connection.facts().alerts] == [(2, 48)]
    assert (connection.hopeless, connection.why_encrypted) == (True, "no_key")


# ---------------------------------------------------------------- why not


def why(turns, keys=b""):
    connection, pieces = play(turns, keys)
    assert pieces == []
    for split in SPLITS[1:]:
        assert outcome(*play(turns, keys, split))[3:6] == outcome(connection, pieces)[3:6]
    return connection.decryption, connection.why_encrypted, connection.hopeless


def test_other_protocols_are_not_tls():
    for first in (b"GET / HTTP/1.1\r\n", b"SSH-2.0-x\r\n", b"\x16\x02\x01\x00\x10aaaa", b"\x00" * 40, b"\xff" * 40):
        assert why([(CLIENT, first)]) == ("not_http", "not_tls", True)


def test_a_hello_of_ssl2_is_an_unsupported_version():
    hello = b"\x80\x2e\x01" + b"\x00\x02" + bytes(40)
    assert why([(CLIENT, hello)]) == ("encrypted", "unsupported_version", True)


@pytest.mark.parametrize("split", SPLITS)
def test_a_hello_in_ssl2_format_is_read(split):
    suites = b"\x07\x00\xc0" + b"\x00\x00\x2f"  # one of SSL 2.0, one of TLS
    body = b"\x01\x03\x01" + b"\x00\x06" + b"\x00\x00" + b"\x00\x10" + suites + b"challenge 16 byt"
    connection, _ = play([(CLIENT, b"\x80" + bytes((len(body),)) + body)], b"", split)
    assert connection.client_random == bytes(16) + b"challenge 16 byt"
    assert connection.why_encrypted == "handshake_incomplete"
    assert connection.overhead_bytes == [len(body) + 2, 0]


@pytest.mark.parametrize(
    "body",
    [
        b"\x01\x03\x01" + b"\x00\x06" + b"\x00\x00" + b"\x00\x21" + bytes(6 + 33),  # a challenge of 33 bytes
        b"\x01\x03\x01" + b"\xff\xff" + b"\x00\x00" + b"\x00\x10" + bytes(22),  # suites beyond the end
        b"\x01\x03\x01\x00",  # nothing but the version
    ],
)
def test_a_broken_hello_in_ssl2_format_is_no_handshake(body):
    turns = [(CLIENT, b"\x80" + bytes((len(body),)) + body + bytes(40))]
    assert why(turns) == ("encrypted", "no_handshake", True)


@pytest.mark.parametrize("kind", [20, 21, 23])
def test_a_capture_that_begins_later_has_no_handshake(kind):
    assert why([(CLIENT, record(kind, bytes(60)))]) == ("encrypted", "no_handshake", True)
    assert why([(SERVER, record(kind, bytes(60)))]) == ("encrypted", "no_handshake", True)


def test_an_encrypted_handshake_message_first_is_no_handshake():
    assert why([(CLIENT, record(22, b"\xee" * 60))]) == ("encrypted", "no_handshake", True)


def test_a_hello_without_an_answer_is_incomplete():
    made = Made(AES)
    assert why([(CLIENT, made.hello())], made.keys()) == ("encrypted", "handshake_incomplete", False)


def test_an_answer_in_another_protocol_is_incomplete():
    made = Made(AES)
    turns = [(CLIENT, made.hello()), (SERVER, b"HTTP/1.1 400 Bad Request\r\n\r\n")]
    assert why(turns, made.keys()) == ("encrypted", "handshake_incomplete", True)


@pytest.mark.parametrize("version", [0x0200, 0x0305, 0x7F1C])
def test_other_versions_are_unsupported_and_named(version):
    body = version.to_bytes(2, "big") + bytes(32) + b"\x00" + b"\x00\x2f" + b"\x00"
    made = Made(AES)
    turns = [
        (CLIENT, made.hello()),
        (SERVER, record(HANDSHAKE, message(2, body) + message(14, b""))),
        (CLIENT, record(CHANGE_CIPHER_SPEC, b"\x01") + record(HANDSHAKE, bytes(40))),
        (SERVER, record(CHANGE_CIPHER_SPEC, b"\x01")),
    ]
    assert why(turns, made.keys()) == ("encrypted", "unsupported_version", True)
    facts = play(turns, b"")[0].facts()
    assert (facts.version, facts.cipher) == (
        {0x0200: "unknown (0x0200)", 0x0305: "unknown (0x0305)", 0x7F1C: "TLS 1.3 (draft 28)"}[version],
        "TLS_RSA_WITH_AES_128_CBC_SHA",
    )


def test_an_unknown_suite_is_unsupported_and_told_by_number():
    made = Made(AES).shake_hands()
    made.turns[1] = (SERVER, made.answer().replace(b"\x13\x01\x00", b"\x5a\x5a\x00"))
    assert why(made.turns, made.keys()) == ("encrypted", "unsupported_cipher", True)
    assert play(made.turns, b"")[0].facts().cipher == "unknown (0x5A5A)"


def test_a_secret_of_the_wrong_length_does_not_fit():
    made = Made(AES256).shake_hands().says(CLIENT, b"x")
    keys = "".join(f"{label} {made.random.hex()} {'ab' * 32}\n" for label in LABELS[:4]).encode()
    assert why(made.turns, keys) == ("encrypted", "key_does_not_fit", True)


def test_a_record_too_long_is_told_and_ends_an_unproven_direction():
    made = Made(AES)
    turns = [(CLIENT, made.hello() + b"\x16\x03\x03\xff\xff" + bytes(100))]
    connection, _ = play(turns, made.keys())
    assert [anomaly.code for anomaly in connection.anomalies] == ["tls_record_too_long"]
    assert connection.why_encrypted == "damaged"


# ---------------------------------------------------------------- limits


def test_a_handshake_message_too_long_is_passed_over(monkeypatch):
    monkeypatch.setattr("dissectors.tls.messages.MESSAGE_LIMIT", 1000)
    made = Made(AES).shake_hands(certificate=5000).says(SERVER, b"data")
    connection, pieces = play(made.turns, made.keys())
    assert plaintext(pieces)[1] == b"data"
    assert [anomaly.code for anomaly in connection.anomalies] == ["tls_handshake_too_long"]


def test_records_that_wait_for_a_server_hello_are_limited():
    made = Made(AES)
    turns = [(CLIENT, made.hello())] + [(CLIENT, record(23, bytes(16_000)))] * 20
    connection, _ = play(turns, b"")
    assert connection.hopeless
    assert connection.anomalies[0].code == "tls_buffer_limit"
    assert sum(connection.sealed_bytes) > 0


def test_anomalies_of_one_connection_are_limited():
    made = Made(AES).shake_hands()
    for _ in range(200):
        made.says(SERVER, b"\x07", kind=99)
    connection, _ = play(made.turns, made.keys())
    assert len(connection.anomalies) == 32


def test_a_hopeless_connection_costs_nothing_more():
    connection = TlsConnection(KeyLog())
    assert connection.feed(CLIENT, b"GET / HTTP/1.1", [14], [1], [1]) == []
    assert connection.feed(SERVER, bytes(100), [100], [2], [2]) == []
    assert connection.gap(SERVER, 100, 3, 3) == []
    assert connection.sealed_bytes[SERVER] == 100


def test_sealers_and_readers_agree_on_every_length():
    for known in KNOWN:
        made = Made(known).shake_hands()
        sizes = [1, 2, 15, 16, 17, 1000, 16_384]
        made.says(CLIENT, *[bytes((size % 251,)) * size for size in sizes])
        assert isinstance(made.client, Sealer)
        _, pieces = play(made.turns, made.keys())
        assert [len(piece.data) for piece in pieces] == sizes


def test_a_connection_is_freed_without_the_cycle_collector():
    """The collector is off while captures are read."""
    made = Made(AES).shake_hands().says(CLIENT, b"ask").says(SERVER, b"answer")
    connection, pieces = play(made.turns, made.keys())
    assert connection.decryption == "decrypted"
    gc.collect()
    gc.disable()
    try:
        del connection, pieces
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_connection_that_waits_holds_on_to_no_bytes_of_the_capture():
    made = Made(AES).shake_hands().says(CLIENT, b"ask")
    keylog = KeyLog()
    keylog.add(made.keys(), "keys")
    connection = TlsConnection(keylog)
    feed(connection, made.turns)
    for direction in connection._directions:
        assert (direction.framer.data, direction.framer.ends, direction.framer.frames) == (b"", [], [])
