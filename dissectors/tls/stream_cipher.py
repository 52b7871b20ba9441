"""Records of SSL 3.0 to TLS 1.2 under RC4, or under a MAC only (RFC 5246 6.2.3.1).

RC4's keystream runs on from record to record. TCP says how many bytes are lost, and all of them but five a record used
up keystream: each number of records that may have been lost is one place to try, and the MAC says which is right.
"""

from typing import Final

from dissectors.tls import primitives
from dissectors.tls.ciphers import Suite
from dissectors.tls.handshake import SSL_3_0
from dissectors.tls.protection import HEADER_BYTES, Mark, Opened, Protection
from dissectors.tls.record_mac import TRUNCATED_BYTES, record_mac

SKIP_LIMIT: Final = 16 << 20  # bytes of keystream made to get over a gap
KEPT_BYTES: Final = 64 * 1024  # of keystream kept while places are tried; the window of numbers needs 5 KB

_FINISHED_BYTES: Final = 4 + 12  # RFC 5246 7.4.9
_FINISHED_BYTES_SSL3: Final = 4 + 36  # RFC 6101 5.6.9


class StreamProtection(Protection):
    """Opens records of one MAC secret, and one RC4 key where there is encryption."""

    __slots__ = ("_finished", "_kept", "_kept_at", "_keystream", "_mac", "_position", "_reached", "mac_bytes")

    def __init__(self, suite: Suite, version: int, mac_secret: bytes, key: bytes, *, truncated_mac: bool) -> None:
        self.mac_bytes = TRUNCATED_BYTES if truncated_mac else suite.mac_bytes
        super().__init__(suite, "application", 0, self.mac_bytes)
        self._mac = record_mac(version, suite.mac_name, mac_secret, self.mac_bytes)
        self._keystream = primitives.rc4(key).update if key else None
        self._position = 0  # of the next record in the keystream
        self._kept = bytearray()  # keystream that was made and may be wanted again
        self._kept_at = 0  # its position
        self._reached = 0  # position behind the last record opened
        self._finished = self.mac_bytes + (_FINISHED_BYTES_SSL3 if version == SSL_3_0 else _FINISHED_BYTES)

    def open(self, data: bytes, start: int, end: int) -> Opened | None:
        """See `Protection.open`."""
        length = end - start - HEADER_BYTES - self.mac_bytes
        if length < 0:
            return None
        plain = self.peek(data[start + HEADER_BYTES : end])
        content = plain[:length]
        if not plain or self._mac(self.sequence, data[start : start + 3], content) != plain[length:]:
            return None
        self._drop(self._position)  # not that of this record: after a search it is opened once more
        self._position += length + self.mac_bytes
        self._reached = self._position
        self.sequence += 1
        self.proven = True
        return data[start], content

    def peek(self, body: bytes) -> bytes:
        """See `Protection.peek`; nothing when the place in the keystream is out of reach."""
        if self._keystream is None:
            return body
        start = self._position
        end = start + len(body)
        kept = self._kept
        if start < self._kept_at or end - self._reached > SKIP_LIMIT:
            return b""
        while (missing := end - self._kept_at - len(kept)) > 0:
            kept += self._keystream(bytes(min(missing, KEPT_BYTES)))
            self._drop(end - KEPT_BYTES)
        stream = kept[start - self._kept_at : end - self._kept_at]
        return (int.from_bytes(body, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(body), "big")

    def mark(self) -> Mark:
        """See `Protection.mark`."""
        return Mark(self.sequence, self._position)

    def restore(self, mark: Mark) -> None:
        """See `Protection.restore`."""
        self.sequence, self._position, _ = mark

    def seek(self, mark: Mark, records: int, lost: int, before: bytes) -> None:
        """See `Protection.seek`."""
        self.sequence = mark.sequence + records
        if not self.proven and records <= 1 and lost:  # where it began is not known; the first record is the Finished
            self._position = records * self._finished
        else:
            self._position = mark.position + lost

    def pass_over(self, length: int, end: bytes) -> None:
        """See `Protection.pass_over`."""
        self._position += length

    def _drop(self, position: int) -> None:
        """Lets go of keystream before a position."""
        spare = min(position - self._kept_at, len(self._kept))
        if spare > 0:
            del self._kept[:spare]
            self._kept_at += spare
