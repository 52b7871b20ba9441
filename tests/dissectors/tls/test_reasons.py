"""Every reason of `why_encrypted` with a connection that shows it, and no other."""

import pytest

from dissectors.events import CLIENT, SERVER
from dissectors.tls import ANOMALIES, WHY, KeyLog, TlsConnection
from dissectors.tls.ciphers import suite
from tests.dissectors.tls.dialogue import Made, feed, record
from tests.dissectors.tls.foreign import foreign
from tests.dissectors.tls.older import TLS_1_0, Older

AES13, AES, RC4 = suite(0x1301), suite(0x002F), suite(0x0005)
assert AES13 is not None
assert AES is not None
assert RC4 is not None

Turns = list[tuple[int, bytes | int]]


def made() -> Made:
    return (
        Made(AES13).shake_hands().says(CLIENT, b"GET / HTTP/1.1\r\n\r\n").says(SERVER, b"HTTP/1.1 200 OK\r\n\r\n" * 20)
    )


def older() -> Older:
    return Older(AES, TLS_1_0).shake_hands().says(CLIENT, b"ask" * 20).says(SERVER, b"answer" * 20)


def logged(keys: bytes) -> KeyLog:
    log = KeyLog()
    assert log.add(keys, "keys") == []
    return log


def snapped() -> Turns:
    turns: Turns = []
    for side, data in made().turns:
        assert isinstance(data, bytes)
        turns += [(side, data[:90]), *([(side, len(data) - 90)] if len(data) > 90 else [])]
    return turns


def feed_snapped(connection: TlsConnection, turns: Turns) -> None:
    for frame, (side, data) in enumerate(turns, 1):
        if isinstance(data, int):
            connection.gap(side, data, frame - 1, frame)  # the frame that came last was cut
        else:
            connection.feed(side, data, [len(data)], [frame], [frame])


def damaged() -> Turns:
    turns = older().says(SERVER, b"more" * 20).turns
    side, data = turns[-2]
    assert isinstance(data, bytes)
    return [*turns[:-2], (side, data[:-1] + bytes((data[-1] ^ 1,))), turns[-1]]


def other_suite() -> Turns:
    turns = older().turns
    return [
        (side, data.replace(b"\x00\x2f\x00", b"\x00\x06\x00") if isinstance(data, bytes) else data)
        for side, data in turns
    ]


def without_first_answer() -> Turns:
    turns = Older(RC4, TLS_1_0).shake_hands().says(SERVER, b"one", b"two", b"three").turns
    return [*turns[:-3], (SERVER, 1 << 30), *turns[-2:]]  # more than can be skipped


FORWARD = foreign()["tls12-3des"]
PAIR = foreign()["tls12-rc4"]

SHOWN: dict[str, tuple[Turns, KeyLog]] = {
    "not_tls": ([(CLIENT, b"SSH-2.0-x\r\n")], KeyLog()),
    "no_handshake": ([(CLIENT, record(23, bytes(60)))], KeyLog()),
    "handshake_incomplete": (made().turns[:1], logged(made().keys())),
    "no_key": (made().turns, KeyLog()),
    "forward_secret": (list(FORWARD.turns), FORWARD.keys(private=True)),
    "key_does_not_fit": (
        older().turns,
        logged(b"CLIENT_RANDOM " + bytes(range(32)).hex().encode() + b" " + b"5a" * 48),
    ),
    "unsupported_version": ([(CLIENT, b"\x80\x2e\x01\x00\x02" + bytes(44))], KeyLog()),
    "unsupported_cipher": (other_suite(), logged(older().keys())),
    "gap": (without_first_answer(), logged(older().keys())),
    "snapped": (snapped(), logged(made().keys())),
    "damaged": (damaged(), logged(older().keys())),
}


@pytest.mark.parametrize("reason", WHY)
def test_every_reason_has_a_connection_that_shows_it(reason):
    turns, keys = SHOWN[reason]
    connection = TlsConnection(keys)
    if reason == "snapped":
        feed_snapped(connection, turns)
    else:
        feed(connection, turns)
    connection.close()
    assert connection.why_encrypted == reason
    assert connection.decryption in ("encrypted", "partial", "not_http")


def test_no_other_reason_is_shown():
    assert set(SHOWN) == set(WHY)


def test_reasons_and_anomalies_are_explained_in_sentences():
    for text in (*WHY.values(), *ANOMALIES.values()):
        assert text[0].isupper()
        assert text.endswith(".")
        assert len(text) > 30
