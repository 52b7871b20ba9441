"""The published traces of TLS 1.3 (RFC 8448): the only foreign truth with every byte and secret printed."""

import pytest

from dissectors.events import CLIENT, SERVER
from dissectors.tls.ciphers import suite
from dissectors.tls.schedule import tls13_keys
from tests.dissectors.tls import rfc8448
from tests.dissectors.tls.dialogue import SPLITS, outcome, plaintext, play


@pytest.mark.parametrize("split", SPLITS)
def test_simple_handshake_of_section_3_is_decrypted(split):
    connection, pieces = play(rfc8448.SIMPLE, rfc8448.SIMPLE_KEYS, split)
    assert plaintext(pieces) == (rfc8448.PAYLOAD, rfc8448.PAYLOAD)
    assert connection.decryption == "decrypted"
    assert connection.why_encrypted is None
    facts = connection.facts()
    assert (facts.version, facts.cipher, facts.sni) == ("TLS 1.3", "TLS_AES_128_GCM_SHA256", "server")
    assert facts.resumed is False
    assert None not in facts.close_notify_frame
    assert connection.sealed_bytes == [0, 0]


@pytest.mark.parametrize("split", SPLITS)
def test_resumed_handshake_of_section_4_with_early_data_is_decrypted(split):
    connection, pieces = play(rfc8448.EARLY_DATA, rfc8448.EARLY_DATA_KEYS, split)
    assert plaintext(pieces) == (rfc8448.EARLY_PAYLOAD + rfc8448.PAYLOAD, rfc8448.PAYLOAD)
    assert connection.decryption == "decrypted"
    assert connection.facts().resumed is True


@pytest.mark.parametrize("split", SPLITS)
def test_early_data_without_its_key_is_skipped_and_the_rest_is_read(split):
    keys = b"\n".join(line for line in rfc8448.EARLY_DATA_KEYS.splitlines() if b"EARLY" not in line)
    connection, pieces = play(rfc8448.EARLY_DATA, keys, split)
    assert plaintext(pieces) == (rfc8448.PAYLOAD, rfc8448.PAYLOAD)
    assert (connection.decryption, connection.why_encrypted) == ("partial", "no_key")
    assert connection.sealed_bytes[CLIENT] == 28 + 26  # early data and EndOfEarlyData
    assert connection.anomalies == []


@pytest.mark.parametrize("split", SPLITS)
def test_hello_retry_of_section_5_is_followed_to_the_end_of_the_handshake(split):
    connection, pieces = play(rfc8448.RETRY, rfc8448.RETRY_KEYS, split)
    assert pieces == []
    assert connection.decryption == "decrypted"  # nothing in it stayed closed
    assert connection.sealed_bytes == [0, 0]
    assert connection.overhead_bytes == [
        sum(len(data) for side, data in rfc8448.RETRY if side == wanted) for wanted in (CLIENT, SERVER)
    ]


def test_overhead_and_pieces_add_up_to_the_wire():
    connection, pieces = play(rfc8448.SIMPLE, rfc8448.SIMPLE_KEYS)
    for side in (CLIENT, SERVER):
        wire = sum(len(data) for turn_side, data in rfc8448.SIMPLE if turn_side == side)
        assert wire == connection.overhead_bytes[side] + sum(p.wire_bytes for p in pieces if p.side == side)


def test_traffic_keys_are_those_of_the_rfc():
    secret = bytes.fromhex("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643")
    known = suite(0x1301)
    assert known is not None
    key, iv = tls13_keys(known, secret)
    assert key.hex() == "9f02283b6c9c07efc26bb9f2ac92e356"
    assert iv.hex() == "cf782b88dd83549aadf1e984"


@pytest.mark.parametrize("turns", [rfc8448.SIMPLE, rfc8448.EARLY_DATA, rfc8448.RETRY])
def test_without_keys_the_facts_are_read_before_it_is_hopeless(turns):
    connection, pieces = play(turns, b"")
    assert pieces == []
    assert (connection.decryption, connection.why_encrypted) == ("encrypted", "no_key")
    assert connection.hopeless
    assert connection.facts().version == "TLS 1.3"
    assert connection.facts().cipher == "TLS_AES_128_GCM_SHA256"


@pytest.mark.parametrize("turns", [rfc8448.SIMPLE, rfc8448.EARLY_DATA, rfc8448.RETRY])
@pytest.mark.parametrize("seed", range(5))
def test_any_split_gives_the_same(turns, seed):
    keys = rfc8448.SIMPLE_KEYS + rfc8448.EARLY_DATA_KEYS + rfc8448.RETRY_KEYS
    assert outcome(*play(turns, keys, "random", seed)) == outcome(*play(turns, keys))
