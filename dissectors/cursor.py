"""A bounds-checked reader over bytes: the only thing in protocol parsers that touches offsets (CONVENTIONS 12)."""

from dissectors.errors import Truncated


class Cursor:
    """Reads big-endian integers and slices from `data[position:end]`.

    Raises `Truncated` instead of reading past `end`; the position does not move then.
    """

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes, position: int = 0, end: int | None = None) -> None:
        self.data = data
        self.position = position
        self.end = len(data) if end is None else min(end, len(data))

    def __len__(self) -> int:
        return self.end - self.position

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        start = self.position
        if count < 0 or start + count > self.end:
            raise Truncated(f"{count} bytes wanted, {self.end - start} left")
        self.position = start + count
        return self.data[start : start + count]

    def u8(self) -> int:
        return self.take(1)[0]

    def u16(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def u24(self) -> int:
        return int.from_bytes(self.take(3), "big")

    def u32(self) -> int:
        return int.from_bytes(self.take(4), "big")

    def vector(self, length_bytes: int) -> "Cursor":
        """A cursor over the next vector, whose length stands before it in `length_bytes` bytes (RFC 8446 3.4)."""
        length = int.from_bytes(self.take(length_bytes), "big")
        start = self.position
        self.take(length)
        return Cursor(self.data, start, start + length)

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(self.end - self.position)
