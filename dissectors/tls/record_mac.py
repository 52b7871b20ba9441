"""The MAC of records that are not AEAD (RFC 5246 6.2.3.1; SSL 3.0: RFC 6101 5.2.3.1)."""

import hashlib
import hmac
from collections.abc import Callable
from struct import Struct
from typing import Final

from dissectors.tls.handshake import SSL_3_0

TRUNCATED_BYTES: Final = 10  # RFC 6066 7

_OF_TLS: Final = Struct(">Q3sH").pack  # sequence number, type and version, length
_OF_SSL3: Final = Struct(">QBH").pack  # sequence number, type, length
_SSL3_PAD_BYTES: Final = {"md5": 48, "sha1": 40}

Mac = Callable[[int, bytes, bytes], bytes]  # of (sequence number, type and version of the record, content)


def record_mac(version: int, hash_name: str, secret: bytes, size: int) -> Mac:
    """The MAC under one secret, its first `size` bytes."""

    def of_tls(sequence: int, head: bytes, content: bytes) -> bytes:
        return hmac.digest(secret, _OF_TLS(sequence, head, len(content)) + content, hash_name)[:size]

    if version != SSL_3_0:
        return of_tls
    pad = _SSL3_PAD_BYTES.get(hash_name, 0)
    inside, outside = secret + b"\x36" * pad, secret + b"\x5c" * pad

    def of_ssl3(sequence: int, head: bytes, content: bytes) -> bytes:
        inner = hashlib.new(hash_name, inside + _OF_SSL3(sequence, head[0], len(content)) + content)
        return hashlib.new(hash_name, outside + inner.digest()).digest()[:size]

    return of_ssl3
