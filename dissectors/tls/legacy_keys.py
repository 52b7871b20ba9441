"""Keys of SSL 3.0 to TLS 1.2: from premaster to master secret to the keys of both directions.

RFC 6101 5.6 and 6 (SSL 3.0), RFC 2246 and 4346 5, 6.3 and 8.1 (TLS 1.0, 1.1), RFC 5246 (TLS 1.2), RFC 7627 (extended
master secret).
"""

import hashlib
import hmac
from typing import Final, NamedTuple

from dissectors.tls.ciphers import Suite
from dissectors.tls.handshake import SSL_3_0, TLS_1_2

MASTER_BYTES: Final = 48
MD5_SHA1: Final = "md5+sha1"  # half of the secret to each


class KeyMaterial(NamedTuple):
    """What one direction works with."""

    mac_secret: bytes
    key: bytes
    iv: bytes  # or the fixed part of the nonce


KeyPair = tuple[KeyMaterial, KeyMaterial]  # of the client and of the server


def prf(hash_name: str, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """The pseudo-random function of TLS 1.2 (RFC 5246 5); with the name "md5+sha1" that of TLS 1.0 and 1.1."""
    seed = label + seed
    if hash_name == MD5_SHA1:
        half = (len(secret) + 1) // 2
        left = _expand("md5", secret[:half], seed, length)
        right = _expand("sha1", secret[-half:] if half else b"", seed, length)
        return bytes(a ^ b for a, b in zip(left, right, strict=True))
    return _expand(hash_name, secret, seed, length)


def prf_hash(version: int, suite: Suite) -> str:
    """Which hash the pseudo-random function of a connection uses."""
    return suite.hash_name if version >= TLS_1_2 else MD5_SHA1


def master_secret(version: int, suite: Suite, premaster: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """The master secret (RFC 5246 8.1)."""
    randoms = client_random + server_random
    if version == SSL_3_0:
        return _ssl3_expand(premaster, randoms, MASTER_BYTES)
    return prf(prf_hash(version, suite), premaster, b"master secret", randoms, MASTER_BYTES)


def extended_master_secret(version: int, suite: Suite, premaster: bytes, transcript: bytes) -> bytes:
    """The master secret bound to the handshake messages up to ClientKeyExchange (RFC 7627 4)."""
    hash_name = prf_hash(version, suite)
    names = ("md5", "sha1") if hash_name == MD5_SHA1 else (hash_name,)
    session = b"".join(hashlib.new(name, transcript).digest() for name in names)
    return prf(hash_name, premaster, b"extended master secret", session, MASTER_BYTES)


def key_pair(version: int, suite: Suite, master: bytes, client_random: bytes, server_random: bytes) -> KeyPair:
    """MAC secrets, keys and IVs of both directions (RFC 5246 6.3)."""
    sizes = (suite.mac_bytes, suite.material_bytes, 0 if suite.export else suite.iv_bytes)
    randoms = server_random + client_random
    length = 2 * sum(sizes)
    if version == SSL_3_0:
        block = _ssl3_expand(master, randoms, length)
    else:
        block = prf(prf_hash(version, suite), master, b"key expansion", randoms, length)
    parts: list[bytes] = []
    position = 0
    for size in sizes:
        for _ in range(2):
            parts.append(block[position : position + size])
            position += size
    pair = (KeyMaterial(*parts[0::2]), KeyMaterial(*parts[1::2]))
    return _exported(version, suite, pair, client_random, server_random) if suite.export else pair


def _exported(version: int, suite: Suite, pair: KeyPair, client_random: bytes, server_random: bytes) -> KeyPair:
    """The final keys of export suites, and IVs that depend on nothing secret (RFC 2246 6.3.1, RFC 6101 6.2.2.1)."""
    size = suite.iv_bytes
    both = (client_random + server_random, server_random + client_random)
    if version == SSL_3_0:
        keys = [hashlib.md5(own.key + randoms).digest() for own, randoms in zip(pair, both, strict=True)]
        ivs = [hashlib.md5(randoms).digest()[:size] for randoms in both]
    else:
        labels = (b"client write key", b"server write key")
        keys = [
            prf(MD5_SHA1, own.key, label, both[0], suite.key_bytes) for own, label in zip(pair, labels, strict=True)
        ]
        block = prf(MD5_SHA1, b"", b"IV block", both[0], 2 * size)
        ivs = [block[:size], block[size:]]
    client, server = pair
    length = suite.key_bytes
    return (
        KeyMaterial(client.mac_secret, keys[0][:length], ivs[0]),
        KeyMaterial(server.mac_secret, keys[1][:length], ivs[1]),
    )


def _expand(hash_name: str, secret: bytes, seed: bytes, length: int) -> bytes:
    """P_hash (RFC 5246 5)."""
    output = b""
    block = seed
    while len(output) < length:
        block = hmac.digest(secret, block, hash_name)
        output += hmac.digest(secret, block + seed, hash_name)
    return output[:length]


def _ssl3_expand(secret: bytes, seed: bytes, length: int) -> bytes:
    """RFC 6101 6.1 and 6.2.2: MD5 over SHA-1 over "A", "BB", "CCC"..."""
    output = b""
    number = 0
    while len(output) < length:
        number += 1
        salt = bytes((0x40 + number,)) * number
        output += hashlib.md5(secret + hashlib.sha1(salt + secret + seed).digest()).digest()
    return output[:length]
