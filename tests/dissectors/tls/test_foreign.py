"""Conversations of other implementations (tlslite-ng, Java, GnuTLS), by the server's private key and by the key log."""

import pytest

from dissectors.events import CLIENT, SERVER
from dissectors.tls import TlsConnection
from dissectors.tls.cipher_names import NAMES
from dissectors.tls.ciphers import suite
from dissectors.tls.primitives import available
from tests.dissectors.tls.dialogue import RANDOM, SPLITS, feed, outcome, plaintext
from tests.dissectors.tls.foreign import Foreign, foreign

ALL = sorted(foreign())
RSA = [name for name in ALL if foreign()[name].rsa]
LOGGED = [name for name in ALL if foreign()[name].key_log]


def read(recorded: Foreign, *, private: bool, split: str = "whole", seed: int = 0):
    connection = TlsConnection(recorded.keys(private=private))
    pieces = feed(connection, recorded.turns, split, seed)
    return connection, pieces + connection.close()


def check(recorded: Foreign, *, private: bool) -> None:
    connection, pieces = read(recorded, private=private)
    assert plaintext(pieces) == recorded.sent
    assert (connection.decryption, connection.why_encrypted, connection.anomalies) == ("decrypted", None, [])
    facts = connection.facts()
    assert (facts.version, facts.cipher, facts.resumed) == (recorded.version, recorded.suite, False)
    for side in (CLIENT, SERVER):
        wire = sum(len(data) for turn_side, data in recorded.turns if turn_side == side)
        assert wire == connection.overhead_bytes[side] + sum(p.wire_bytes for p in pieces if p.side == side)
    for split in SPLITS[1:] if private or not recorded.rsa else (RANDOM,):  # byte by byte once is enough
        assert outcome(*read(recorded, private=private, split=split)) == outcome(connection, pieces)


@pytest.mark.parametrize("name", LOGGED)
def test_the_key_log_opens_it(name):
    check(foreign()[name], private=False)


@pytest.mark.parametrize("name", RSA)
def test_the_private_key_opens_it(name):
    check(foreign()[name], private=True)


@pytest.mark.parametrize("name", [name for name in ALL if name not in RSA])
def test_a_private_key_does_not_open_a_forward_secret_exchange_and_that_is_said(name):
    connection, pieces = read(foreign()[name], private=True)
    assert pieces == []
    assert (connection.decryption, connection.why_encrypted) == ("encrypted", "forward_secret")
    assert connection.hopeless


@pytest.mark.parametrize("name", RSA)
def test_without_any_key_it_stays_closed(name):
    recorded = foreign()[name]
    other = next(one for one in foreign().values() if one.private_key != recorded.private_key)
    for keys in (recorded.keys(private=True).__class__(), other.keys(private=True)):
        connection = TlsConnection(keys)
        assert feed(connection, recorded.turns) + connection.close() == []
        assert (connection.decryption, connection.why_encrypted) == ("encrypted", "no_key")


@pytest.mark.parametrize("name", RSA)
def test_every_key_is_tried_where_the_certificate_is_not_in_the_capture(name):
    recorded = foreign()[name]
    keys = next(one for one in foreign().values() if one.private_key != recorded.private_key).keys(private=True)
    assert keys.add_private_key(recorded.private_key, "key.pem") == []
    connection = TlsConnection(keys)
    chain = cut_certificate(recorded)
    pieces = feed(connection, chain) + connection.close()
    if connection.why_encrypted == "gap":
        assert "extended master secret" in recorded_extensions(recorded)
    else:
        assert plaintext(pieces) == recorded.sent
        assert connection.decryption == "decrypted"


def cut_certificate(recorded: Foreign) -> list[tuple[int, bytes | int]]:
    """Without 40 bytes in the middle of the server's certificate."""
    turns: list[tuple[int, bytes | int]] = []
    for side, data in recorded.turns:
        at = data.find(b"mail.test") if side == SERVER else -1
        turns += [(side, data)] if at < 0 else [(side, data[: at - 20]), (side, 40), (side, data[at + 20 :])]
    return turns


def recorded_extensions(recorded: Foreign) -> str:
    """What the ServerHello agrees on, in words."""
    hello = next(data for side, data in recorded.turns if side == SERVER)
    return "extended master secret" if b"\x00\x17\x00\x00" in hello[:200] else ""


@pytest.mark.parametrize("name", ALL)
def test_the_libraries_here_have_what_it_needs(name):
    needed = [known for code in NAMES if (known := suite(code)) and known.name == foreign()[name].suite]
    assert needed
    assert all(map(available, needed))


def test_the_certificates_of_both_sides_are_kept():
    connection, _ = read(foreign()["renegotiation-3des"], private=True)
    client, server = connection.certificates
    assert len(client) == len(server) == 1
    assert b"mail.test" in client[0]
    assert client == server  # the same key pair serves both here
    connection, _ = read(foreign()["tls12-aes256gcm"], private=True)
    assert [len(chain) for chain in connection.certificates] == [0, 1]
