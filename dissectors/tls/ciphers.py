"""What a cipher suite means for decryption: algorithm, key length, nonce layout, hash.

The properties follow from the suite's IANA name (RFC 5246 A.5, RFC 8446 B.4), so the only table is the list of names
in `cipher_names`. Suites that are not decrypted here have a name and no `Suite`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Literal, Protocol

from dissectors.tls.cipher_names import NAMES

Aead = Literal["gcm", "ccm", "chacha20"]

_SUITE = re.compile(
    r"TLS_(?:(?P<exchange>\w+)_WITH_)?"
    r"(?:AES_(?P<bits>128|256)_(?P<mode>GCM|CCM)(?P<short>_8)?|(?P<chacha>CHACHA20_POLY1305))"
    r"(?:_SHA(?P<hash>256|384))?"
)


class Cipher(Protocol):
    """The one method of `cryptography`'s AEAD classes that is needed."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None, /) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A cipher suite that can be decrypted."""

    code: int
    name: str
    aead: Aead
    key_bytes: int
    tag_bytes: int
    hash_name: str  # of the key schedule, in hashlib's words
    hash_bytes: int
    tls13: bool

    @property
    def explicit_nonce_bytes(self) -> int:
        """Nonce bytes that stand at the start of each record (RFC 5288 3, RFC 6655 3)."""
        return 0 if self.tls13 or self.aead == "chacha20" else 8

    @property
    def iv_bytes(self) -> int:
        """Nonce bytes that come from the key schedule."""
        return 12 - self.explicit_nonce_bytes

    def cipher(self, key: bytes) -> Cipher:
        """The AEAD object for one key; make it once per key, it costs as much as three small records."""
        return _constructor(self.aead, self.tag_bytes)(key)


def cipher_name(code: int) -> str:
    """The IANA name of a suite, or words that hold its code."""
    return NAMES.get(code) or f"unknown (0x{code:04X})"


@cache
def suite(code: int) -> Suite | None:
    """The properties of a suite, or None when it is not decrypted here."""
    name = NAMES.get(code, "")
    match = _SUITE.fullmatch(name)
    if match is None:
        return None
    hash_bits = int(match["hash"] or 256)  # the CCM suites of TLS 1.2 are named without it (RFC 6655 3)
    return Suite(
        code=code,
        name=name,
        aead="chacha20" if match["chacha"] else "gcm" if match["mode"] == "GCM" else "ccm",
        key_bytes=int(match["bits"] or 256) // 8,
        tag_bytes=8 if match["short"] else 16,
        hash_name=f"sha{hash_bits}",
        hash_bytes=hash_bits // 8,
        tls13=match["exchange"] is None,
    )


@cache
def _constructor(aead: Aead, tag_bytes: int) -> Callable[[bytes], Cipher]:
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

    if aead == "ccm":
        return partial(AESCCM, tag_length=tag_bytes)
    return AESGCM if aead == "gcm" else ChaCha20Poly1305
