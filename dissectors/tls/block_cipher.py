"""CBC records of SSL 3.0 to TLS 1.2 (RFC 6101 5.2.3.2, RFC 2246, 4346 and 5246 6.2.3.2, RFC 7366).

From TLS 1.1 on each record brings its IV. Before that the IV is the last block of the record before, so behind loss
the first record needs the bytes that stood in front of it, and with those everything can be read again. CBC decrypts
each block with the one before it: a hole costs itself, rounded to blocks, and one block behind it.
"""

from dissectors.tls import primitives
from dissectors.tls.ciphers import Suite
from dissectors.tls.handshake import SSL_3_0, TLS_1_1
from dissectors.tls.protection import HEADER_BYTES, Mark, Opened, Protection
from dissectors.tls.record_mac import TRUNCATED_BYTES, record_mac


class CbcProtection(Protection):
    """Opens CBC records of one key and one MAC secret."""

    __slots__ = ("_after", "_decrypt", "_iv", "_mac", "_strict", "_vouched", "block_bytes", "mac_bytes")

    def __init__(
        self,
        suite: Suite,
        version: int,
        mac_secret: bytes,
        key: bytes,
        iv: bytes,
        *,
        encrypt_then_mac: bool,
        truncated_mac: bool,
    ) -> None:
        block = suite.block_bytes
        mac_bytes = TRUNCATED_BYTES if truncated_mac else suite.mac_bytes
        explicit = block if version >= TLS_1_1 else 0
        super().__init__(suite, "application", explicit, explicit + mac_bytes + 1)
        self.block_bytes = block
        self.mac_bytes = mac_bytes
        self._mac = record_mac(version, suite.mac_name, mac_secret, mac_bytes)
        self._after = encrypt_then_mac
        self._strict = version != SSL_3_0  # padding bytes have a value
        self._decrypt = primitives.cbc_decryptor(suite, key).update
        self._iv: bytes | None = iv if not explicit else b""
        self._vouched = False  # the MAC over the ciphertext was right, whatever came of the record

    @property
    def blind(self) -> bool:
        """Whether the next record's first block cannot be read."""
        return self._iv is None

    def open(self, data: bytes, start: int, end: int) -> Opened | None:
        """See `Protection.open`."""
        iv, block, size = self._iv, self.block_bytes, self.mac_bytes
        body = data[start + HEADER_BYTES : end]
        if self._after:
            tag, body = body[-size:], body[:-size]
            self._vouched = self._mac(self.sequence, data[start : start + 3], body) == tag
            if not self._vouched:
                return None
        if iv is None:
            return None
        if len(body) % block or len(body) < self.explicit + block:
            return None
        plain = self._decrypt(iv + body)[block:]
        last = plain[-1]
        length = len(plain) - last - 1
        if self._strict:
            if length < 0 or plain[length:] != bytes((last,)) * (last + 1):
                return None
        elif last >= block:  # RFC 6101 5.2.3.2
            return None
        if not self._after:
            length -= size
            if length < 0 or self._mac(self.sequence, data[start : start + 3], plain[:length]) != plain[length:][:size]:
                return None
        if not self.explicit:
            self._iv = body[-block:]
        self.sequence += 1
        self.proven = True
        return data[start], plain[:length]

    def peek(self, body: bytes) -> bytes:
        """See `Protection.peek`; whole blocks only, and the first is nonsense when the protection is `blind`."""
        block = self.block_bytes
        iv = bytes(block) if self._iv is None else self._iv
        whole = len(body) - len(body) % block
        return self._decrypt(iv + body[:whole])[block:] if whole else b""

    def block_part(self, length: int) -> int:
        """How many bytes of a record's body are blocks."""
        return length - self.mac_bytes if self._after else length

    def mac_inside(self) -> int:
        """How many bytes of MAC stand between content and padding."""
        return 0 if self._after else self.mac_bytes

    def mark(self) -> Mark:
        """See `Protection.mark`."""
        return Mark(self.sequence, 0, self._iv)

    def restore(self, mark: Mark) -> None:
        """See `Protection.restore`."""
        self.sequence, _, self._iv = mark

    def seek(self, mark: Mark, records: int, lost: int, before: bytes) -> None:
        """See `Protection.seek`."""
        self.sequence = mark.sequence + records
        self._iv = self._iv_behind(before) if records and not self.explicit else mark.iv

    def pass_over(self, length: int, end: bytes) -> None:
        """See `Protection.pass_over`."""
        if not self.explicit:
            self._iv = self._iv_behind(end)

    def pass_over_damaged(self, body: bytes) -> None:
        """See `Protection.pass_over_damaged`.

        The MAC over the ciphertext says nothing about the IV: with a wrong one it would vouch for a wrong first block.
        """
        self.pass_over(len(body), body if self._vouched or not self._after else b"")

    def _iv_behind(self, data: bytes) -> bytes | None:
        """The last block of a record that ends with `data`."""
        end = self.block_part(len(data))
        return data[end - self.block_bytes : end] if end >= self.block_bytes else None
