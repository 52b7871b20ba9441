"""TLS key schedules: from the secrets of a key log to keys and nonces (RFC 5246 5 and 6.3, RFC 8446 7.1 and 7.3)."""

import hmac

from dissectors.tls.ciphers import Suite

KeyPairs = tuple[tuple[bytes, bytes], tuple[bytes, bytes]]  # (key, fixed nonce part) of the client and of the server


def prf(hash_name: str, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """The TLS 1.2 pseudo-random function (RFC 5246 5)."""
    seed = label + seed
    output = b""
    block = seed
    while len(output) < length:
        block = hmac.digest(secret, block, hash_name)
        output += hmac.digest(secret, block + seed, hash_name)
    return output[:length]


def tls12_keys(suite: Suite, master: bytes, client_random: bytes, server_random: bytes) -> KeyPairs:
    """(key, fixed nonce part) of the client and of the server, for AEAD suites (RFC 5246 6.3)."""
    key, iv = suite.key_bytes, suite.iv_bytes
    block = prf(suite.hash_name, master, b"key expansion", server_random + client_random, 2 * (key + iv))
    ivs = block[2 * key :]
    return (block[:key], ivs[:iv]), (block[key : 2 * key], ivs[iv:])


def hkdf_expand_label(hash_name: str, secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 7.1)."""
    label = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes((len(label),)) + label + b"\x00"
    output = block = b""
    counter = 0
    while len(output) < length:
        counter += 1
        block = hmac.digest(secret, block + info + bytes((counter,)), hash_name)
        output += block
    return output[:length]


def tls13_keys(suite: Suite, secret: bytes) -> tuple[bytes, bytes]:
    """(key, iv) of one traffic secret (RFC 8446 7.3)."""
    return (
        hkdf_expand_label(suite.hash_name, secret, b"key", suite.key_bytes),
        hkdf_expand_label(suite.hash_name, secret, b"iv", suite.iv_bytes),
    )


def next_traffic_secret(suite: Suite, secret: bytes) -> bytes:
    """The traffic secret after a KeyUpdate (RFC 8446 7.2)."""
    return hkdf_expand_label(suite.hash_name, secret, b"traffic upd", suite.hash_bytes)
