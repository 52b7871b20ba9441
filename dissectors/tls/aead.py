"""AEAD records (RFC 5246 6.2.3.3, RFC 7905, RFC 8446 5.2).

Three layouts cover all suites: TLS 1.3; TLS 1.2 with a nonce from the sequence number (ChaCha20); TLS 1.2 with part of
the nonce in the record (GCM, CCM). AEAD modes are counter modes inside, so any part of a record can be read by itself,
it only cannot be verified.
"""

from struct import Struct

from cryptography.exceptions import InvalidTag

from dissectors.tls import primitives
from dissectors.tls.ciphers import Suite
from dissectors.tls.protection import APPLICATION, Opened, Protection
from dissectors.tls.schedule import next_traffic_secret, tls13_keys

_ASSOCIATED = Struct(">Q3sH").pack  # sequence number, type and version, length (RFC 5246 6.2.3.3)
_ASSOCIATED_DATA = Struct(">QBHH").pack  # the same, from numbers: in half the time
_DATA_12 = b"\x17\x03\x03"  # application data of TLS 1.2
_NONCE_BYTES = 12


class Tls13Protection(Protection):
    """Opens TLS 1.3 records of one traffic secret."""

    __slots__ = ("_decrypt", "_iv", "_key", "_secret")

    needs_sequence = True

    def __init__(self, suite: Suite, secret: bytes, epoch: str) -> None:
        super().__init__(suite, epoch, 0, suite.tag_bytes + 1)  # the inner type and the tag
        self._secret = secret
        self._key, iv = tls13_keys(suite, secret)
        self._iv = int.from_bytes(iv, "big")
        self._decrypt = primitives.aead(suite, self._key).decrypt

    def open(self, data: bytes, start: int, end: int) -> Opened | None:
        """See `Protection.open`."""
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

    def open_data(self, record: bytes) -> bytes | None:
        """See `Protection.open_data`."""
        sequence = self.sequence
        if record[0] != APPLICATION:
            return None
        try:
            plain = self._decrypt((self._iv ^ sequence).to_bytes(12, "big"), record[5:], record[:5])
        except InvalidTag:
            return None
        if len(plain) < 2 or plain[-1] != APPLICATION:  # padded, or something else
            return None
        self.sequence = sequence + 1
        self.proven = True
        return plain[:-1]

    def peek(self, body: bytes) -> bytes:
        """See `Protection.peek`."""
        nonce = (self._iv ^ self.sequence).to_bytes(_NONCE_BYTES, "big")
        return primitives.keystream(self.suite, self._key, nonce).update(body)

    def updated(self) -> "Tls13Protection":
        """The protection after a KeyUpdate (RFC 8446 7.2)."""
        return Tls13Protection(self.suite, next_traffic_secret(self.suite, self._secret), self.epoch)


class Tls12Protection(Protection):
    """Opens TLS 1.2 AEAD records of one key; the nonce is partly in the record or comes from the sequence number."""

    __slots__ = ("_decrypt", "_iv", "_key", "_salt", "needs_sequence")

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        explicit = suite.explicit_nonce_bytes
        super().__init__(suite, "application", explicit, explicit + suite.tag_bytes)
        self.needs_sequence = not explicit
        self._key = key
        self._salt = iv
        self._iv = int.from_bytes(iv, "big")
        self._decrypt = primitives.aead(suite, key).decrypt

    def open(self, data: bytes, start: int, end: int) -> Opened | None:
        """See `Protection.open`."""
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

    def open_data(self, record: bytes) -> bytes | None:
        """See `Protection.open_data`."""
        sequence = self.sequence
        length = len(record) - 5 - self.overhead
        if length <= 0 or not record.startswith(_DATA_12):
            return None
        if self.explicit:
            nonce, sealed = self._salt + record[5:13], record[13:]
        else:
            nonce, sealed = (self._iv ^ sequence).to_bytes(12, "big"), record[5:]
        try:
            plain = self._decrypt(nonce, sealed, _ASSOCIATED_DATA(sequence, 0x17, 0x0303, length))
        except InvalidTag:
            return None
        self.sequence = sequence + 1
        self.proven = True
        return plain

    def peek(self, body: bytes) -> bytes:
        """See `Protection.peek`."""
        explicit = self.explicit
        nonce = self._salt + body[:explicit] if explicit else (self._iv ^ self.sequence).to_bytes(_NONCE_BYTES, "big")
        if len(nonce) != _NONCE_BYTES:
            return b""
        return primitives.keystream(self.suite, self._key, nonce).update(body[explicit:])
