"""Record protection: one object per direction and key, which opens records (RFC 5246 6.2.3.3, RFC 7905, RFC 8446 5.2).

Three layouts cover all AEAD suites: TLS 1.3; TLS 1.2 with a nonce from the sequence number (ChaCha20); TLS 1.2 with
part of the nonce in the record (GCM, CCM). Each has `open`, which verifies the tag, and all share `peek`, which
decrypts without: for records that are not whole in the capture. AEAD modes are counter modes inside, so any part of
a record can be read by itself, it only cannot be verified. A new kind (CBC, stream ciphers) is one more class with
the same members.
"""

from struct import Struct

from cryptography.exceptions import InvalidTag

from dissectors.tls.ciphers import Suite
from dissectors.tls.schedule import next_traffic_secret, tls13_keys

HEADER_BYTES = 5

_ASSOCIATED = Struct(">Q3sH").pack  # sequence number, type and version, length (RFC 5246 6.2.3.3)

Opened = tuple[int, bytes]  # content type and plaintext


class Tls13Protection:
    """Opens TLS 1.3 records of one traffic secret."""

    __slots__ = ("_decrypt", "_iv", "_key", "_secret", "epoch", "explicit", "overhead", "proven", "sequence", "suite")

    def __init__(self, suite: Suite, secret: bytes, epoch: str) -> None:
        self.suite = suite
        self.epoch = epoch
        self._secret = secret
        self._key, iv = tls13_keys(suite, secret)
        self._iv = int.from_bytes(iv, "big")
        self._decrypt = suite.cipher(self._key).decrypt
        self.sequence = 0
        self.proven = False  # a record was authenticated
        self.explicit = 0  # nonce bytes in each record
        self.overhead = suite.tag_bytes + 1  # record bytes that are no content: inner type and tag

    def open(self, data: bytes, start: int, end: int) -> Opened | None:
        """The record at data[start:end], header included, under the next sequence number; None: its tag is wrong."""
        sequence = self.sequence
        try:
            plain = self._decrypt(
                (self._iv ^ sequence).to_bytes(12, "big"), data[start + 5 : end], data[start : start + 5]
            )
        except InvalidTag:
            return None
        self.sequence = sequence + 1
        self.proven = True
        if plain and plain[-1]:
            return plain[-1], plain[:-1]
        plain = plain.rstrip(b"\x00")  # padding (RFC 8446 5.4)
        return (plain[-1], plain[:-1]) if plain else (0, b"")

    def peek(self, body: bytes, sequence: int) -> bytes:
        """What bytes of a record from behind its header decrypt to, unverified (the tag to nonsense)."""
        nonce = (self._iv ^ sequence).to_bytes(12, "big")
        return _keystream_xor(self.suite, self._key, nonce, body)

    def updated(self) -> "Tls13Protection":
        """The protection after a KeyUpdate (RFC 8446 7.2)."""
        return Tls13Protection(self.suite, next_traffic_secret(self.suite, self._secret), self.epoch)


class Tls12Protection:
    """Opens TLS 1.2 AEAD records of one key; the nonce is partly in the record or comes from the sequence number."""

    __slots__ = ("_decrypt", "_iv", "_key", "_salt", "epoch", "explicit", "overhead", "proven", "sequence", "suite")

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        self.suite = suite
        self.epoch = "application"
        self._key = key
        self._salt = iv
        self._iv = int.from_bytes(iv, "big")
        self.explicit = suite.explicit_nonce_bytes
        self._decrypt = suite.cipher(key).decrypt
        self.sequence = 0
        self.proven = False
        self.overhead = self.explicit + suite.tag_bytes

    def open(self, data: bytes, start: int, end: int) -> Opened | None:
        """The record at data[start:end], header included, under the next sequence number; None: its tag is wrong."""
        sequence = self.sequence
        length = end - start - 5 - self.overhead
        if length < 0:
            return None
        body = start + 5 + self.explicit
        nonce = self._salt + data[start + 5 : body] if self.explicit else (self._iv ^ sequence).to_bytes(12, "big")
        try:
            plain = self._decrypt(
                nonce,
                data[body:end],
                _ASSOCIATED(sequence, data[start : start + 3], length),
            )
        except InvalidTag:
            return None
        self.sequence = sequence + 1
        self.proven = True
        return data[start], plain

    def peek(self, body: bytes, sequence: int) -> bytes:
        """What bytes of a record from behind its header decrypt to, unverified (the tag to nonsense)."""
        explicit = self.explicit
        nonce = self._salt + body[:explicit] if explicit else (self._iv ^ sequence).to_bytes(12, "big")
        return _keystream_xor(self.suite, self._key, nonce, body[explicit:])


Protection = Tls13Protection | Tls12Protection


def _keystream_xor(suite: Suite, key: bytes, nonce: bytes, data: bytes) -> bytes:
    """The counter mode inside an AEAD.

    GCM starts at 2 (NIST SP 800-38D 7.1), CCM (RFC 3610 2.3) and ChaCha20 (RFC 8439 2.8) at 1.
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if len(nonce) != 12:
        return b""
    if suite.aead == "chacha20":
        return Cipher(algorithms.ChaCha20(key, (1).to_bytes(4, "little") + nonce), None).decryptor().update(data)
    first = nonce + (2).to_bytes(4, "big") if suite.aead == "gcm" else b"\x02" + nonce + (1).to_bytes(3, "big")
    return Cipher(algorithms.AES(key), modes.CTR(first)).decryptor().update(data)
