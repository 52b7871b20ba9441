"""GCM over a block cipher that is handed in, and ARIA: against AES-GCM of a library and against RFC 5794."""

import random
import time

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dissectors.tls.blockmodes import BlockGcm
from dissectors.tls.libcrypto import Aria

KEY = bytes(range(16))


def aes_gcm() -> BlockGcm:
    return BlockGcm(Cipher(algorithms.AES(KEY), modes.ECB()).encryptor().update)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 31, 32, 33, 1000, 16_384])
def test_it_is_gcm(size):
    chance = random.Random(size)
    nonce, data, associated = chance.randbytes(12), chance.randbytes(size), chance.randbytes(size % 29)
    sealed = AESGCM(KEY).encrypt(nonce, data, associated)
    assert aes_gcm().decrypt(nonce, sealed, associated) == data
    assert aes_gcm().counter(nonce).update(sealed[:size]) == data
    for at in {0, size // 2, len(sealed) - 1}:
        broken = bytearray(sealed)
        broken[at] ^= 1
        with pytest.raises(InvalidTag):
            aes_gcm().decrypt(nonce, bytes(broken), associated)
    with pytest.raises(InvalidTag):
        aes_gcm().decrypt(nonce, sealed, associated + b"x")


def test_too_short_for_a_tag_is_not_authentic():
    with pytest.raises(InvalidTag):
        aes_gcm().decrypt(bytes(12), b"short", b"")


def test_a_long_record_takes_milliseconds():
    sealed = AESGCM(KEY).encrypt(bytes(12), bytes(16_384), b"")
    mode = aes_gcm()
    start = time.process_time()
    mode.decrypt(bytes(12), sealed, b"")
    assert time.process_time() - start < 0.1


@pytest.mark.parametrize(
    ("key", "sealed"),  # RFC 5794 appendix A
    [
        ("000102030405060708090a0b0c0d0e0f", "d718fbd6ab644c739da95f3be6451778"),
        ("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "f92bd7c79fb72e2f2b8f80c1972d24fc"),
    ],
)
def test_aria_is_aria(key, sealed):
    try:
        cipher = Aria(bytes.fromhex(key), "ecb", encrypt=True)
    except LookupError:
        pytest.skip("this interpreter's OpenSSL has no ARIA, or cannot be reached")
    assert cipher.update(bytes.fromhex("00112233445566778899aabbccddeeff")) == bytes.fromhex(sealed)
    assert Aria(bytes.fromhex(key), "cbc", encrypt=False).update(bytes.fromhex(sealed)) == bytes.fromhex(
        "00112233445566778899aabbccddeeff"
    )


def test_a_key_of_another_length_has_no_aria():
    with pytest.raises(LookupError):
        Aria(bytes(5), "ecb", encrypt=True)
