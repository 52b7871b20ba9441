"""The TLS 1.3 key schedule: from the secrets of a key log to keys and nonces (RFC 8446 7.1 to 7.3)."""

import hmac

from dissectors.tls.ciphers import Suite


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
