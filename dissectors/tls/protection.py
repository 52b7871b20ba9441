"""Record protection: one object per direction and key, which opens records. The kinds stand in files of their own:

    aead           GCM, CCM, ChaCha20-Poly1305 of TLS 1.2 and 1.3
    block_cipher   CBC of SSL 3.0 to TLS 1.2, MAC before or after encryption
    stream_cipher  RC4 and NULL of SSL 3.0 to TLS 1.2

`open` authenticates and moves on to the next record; without success nothing moves. Where records are lost, `seek` says
how many and what is known of the bytes between, and `open` is tried again.
"""

from abc import ABC, abstractmethod
from typing import Final, NamedTuple

from dissectors.tls.ciphers import Suite

HEADER_BYTES: Final = 5
APPLICATION: Final = 23  # content type, RFC 8446 B.1

Opened = tuple[int, bytes]  # content type and plaintext


class Mark(NamedTuple):
    """A place in a direction's records: all that changes from one to the next."""

    sequence: int
    position: int = 0  # bytes of keystream used
    iv: bytes | None = None  # of the next record, where that is chained


class Protection(ABC):
    """Opens the records of one key."""

    __slots__ = ("epoch", "explicit", "overhead", "proven", "sequence", "suite")

    needs_sequence = False  # a record cannot be read, not only not be authenticated, without its sequence number

    def __init__(self, suite: Suite, epoch: str, explicit: int, overhead: int) -> None:
        self.suite = suite
        self.epoch = epoch  # "early", "handshake" or "application", as all before TLS 1.3 are
        self.explicit = explicit  # bytes of nonce or IV at the start of each record
        self.overhead = overhead  # record bytes that are no content, at least
        self.sequence = 0
        self.proven = False  # a record was authenticated

    @abstractmethod
    def open(self, data: bytes, start: int, end: int) -> Opened | None:
        """The record at data[start:end], header included, as the next one; None: it cannot be authenticated."""

    def open_data(self, record: bytes) -> bytes | None:
        """The application data of a record that is the next one and has any; None: it is not so, and nothing moves."""
        mark = self.mark()
        opened = self.open(record, 0, len(record))
        if opened is None:
            return None
        kind, plain = opened
        if kind == APPLICATION and plain:
            return plain
        self.restore(mark)
        return None

    @abstractmethod
    def peek(self, body: bytes) -> bytes:
        """What bytes of the next record from behind its header decrypt to, unverified (MAC or tag to nonsense)."""

    def mark(self) -> Mark:
        """Where it stands."""
        return Mark(self.sequence)

    def restore(self, mark: Mark) -> None:
        """Goes back there."""
        self.sequence = mark.sequence

    def seek(self, mark: Mark, records: int, lost: int, before: bytes) -> None:
        """Goes on from a mark over `records` with so many `lost` bytes of body; `before` are the last bytes seen."""
        self.sequence = mark.sequence + records

    def pass_over(self, length: int, end: bytes) -> None:  # noqa: B027 (nothing to do where records stand alone)
        """The next record cannot be authenticated: what its body of so many bytes used up is gone.

        `end` is what is seen without a hole at its end. The sequence number stays: whether the sender counted the
        record is for the caller to say.
        """

    def pass_over_damaged(self, body: bytes) -> None:
        """The same for a record that is whole and was refused by `open` just now: its bytes cannot be relied on."""
        self.pass_over(len(body), body)
