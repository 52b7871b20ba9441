"""Where a message body ends: three small machines (RFC 9112 sections 6.3 and 7).

`feed(data, position, body)` takes what is offered until the body is `done` or the framing `broken` and returns the
position behind it. `skip(count, body)` says whether the machine can go on behind `count` bytes that were not captured
(None: unknown how many). Trailers are read over, not kept.
"""

MAX_BODY_BYTES = 64 * 1024 * 1024  # kept; sizes are counted beyond
MAX_CHUNK_LINE_BYTES = 4096  # size and extensions
MAX_TRAILER_BYTES = 64 * 1024

_SMALL = 1024
_HEX = b"0123456789abcdefABCDEF"
_MAX_SIZE_DIGITS = 15
_LAST_CHUNK = b"\r\n0\r\n\r\n"


class Body:
    """The bytes of one body as sent, chunk framing removed: always counted, kept on request."""

    __slots__ = ("pieces", "size", "too_large")

    def __init__(self, keep: bool) -> None:
        self.size = 0
        self.pieces: list[bytes | bytearray] | None = [] if keep else None
        self.too_large = False

    def add(self, data: bytes, start: int, end: int) -> None:
        """`data[start:end]` is the next part of the body."""
        count = end - start
        self.size += count
        pieces = self.pieces
        if pieces is None:
            return
        if self.size > MAX_BODY_BYTES:
            self.too_large = True
            self.pieces = None
        elif count >= _SMALL:
            pieces.append(data if count == len(data) else data[start:end])
        elif pieces and len(pieces[-1]) < _SMALL and type(pieces[-1]) is bytearray:
            pieces[-1] += data[start:end]  # a million one-byte pieces must not become a million objects
        else:
            pieces.append(bytearray(data[start:end]))

    def miss(self, count: int) -> None:
        """`count` bytes were sent but not captured: what is left cannot be put together."""
        self.size += count
        self.pieces = None

    def join(self) -> bytes | None:
        """The whole body, or None when it was not kept."""
        return None if self.pieces is None else b"".join(self.pieces)


class FixedLength:
    """A body of known length."""

    __slots__ = ("broken", "done", "remaining")

    def __init__(self, length: int) -> None:
        self.remaining = length
        self.done = False
        self.broken = False

    def feed(self, data: bytes, position: int, body: Body) -> int:
        end = min(len(data), position + self.remaining)
        body.add(data, position, end)
        self.remaining -= end - position
        self.done = not self.remaining
        return end

    def skip(self, count: int | None, body: Body) -> bool:
        if count is None or count > self.remaining:
            return False
        body.miss(count)
        self.remaining -= count
        self.done = not self.remaining
        return True


class UntilClose:
    """A body that lasts until its side closes the connection. Never done by itself."""

    __slots__ = ()
    done = False
    broken = False

    def feed(self, data: bytes, position: int, body: Body) -> int:
        body.add(data, position, len(data))
        return len(data)

    def skip(self, count: int | None, body: Body) -> bool:
        body.miss(count or 0)
        return True


class Chunked:
    """The chunked transfer coding, extensions and trailers included (RFC 9112 7.1); bare LF tolerated.

        size line → data → line end → size line → ... → size 0 → trailer lines → empty line

    `remaining` is what is left of the current chunk's data; lines are gathered in `line` while they are incomplete.
    """

    __slots__ = ("bare_lf", "broken", "done", "line", "place", "remaining", "trailer_bytes")

    SIZE, DATA, END, TRAILER = range(4)

    def __init__(self) -> None:
        self.place = self.SIZE
        self.remaining = 0
        self.line = bytearray()
        self.trailer_bytes = 0
        self.bare_lf = False  # a line ended in LF without CR
        self.done = False
        self.broken = False

    def feed(self, data: bytes, position: int, body: Body) -> int:
        size = len(data)
        while position < size and not self.done and not self.broken:
            if self.place == self.DATA:
                end = min(size, position + self.remaining)
                body.add(data, position, end)
                self.remaining -= end - position
                position = end
                if not self.remaining:
                    self.place = self.END
                continue
            newline = data.find(b"\n", position, position + MAX_CHUNK_LINE_BYTES)
            end = newline + 1 if newline >= 0 else min(size, position + MAX_CHUNK_LINE_BYTES)
            if newline >= 0 and not self.line:
                self._take_line(data[position:newline])
            else:
                self.line += data[position:end]
                if newline >= 0:
                    line = bytes(self.line[:-1])
                    self.line.clear()
                    self._take_line(line)
                elif len(self.line) >= MAX_CHUNK_LINE_BYTES:
                    self.broken = True
            position = end
        return position

    def skip(self, count: int | None, body: Body) -> bool:
        if self.place != self.DATA or count is None or count > self.remaining:
            return False
        body.miss(count)
        self.remaining -= count
        if not self.remaining:
            self.place = self.END
        return True

    def _take_line(self, line: bytes) -> None:
        """One line without its LF."""
        if line.endswith(b"\r"):
            line = line[:-1]
        else:
            self.bare_lf = True
        if self.place == self.SIZE:
            digits = line.partition(b";")[0].strip(b" \t")
            # int() alone would take signs, underscores and "0x"
            if not digits or len(digits) > _MAX_SIZE_DIGITS or digits.translate(None, _HEX):
                self.broken = True
                return
            self.remaining = int(digits, 16)
            self.place = self.DATA if self.remaining else self.TRAILER
        elif self.place == self.END:
            self.place = self.SIZE
            self.broken = bool(line)
        elif not line:
            self.done = True
        else:
            self.trailer_bytes += len(line)
            self.broken = self.trailer_bytes > MAX_TRAILER_BYTES


def lone_chunk(data: bytes, position: int) -> tuple[int, int] | None:
    """Where the chunk is when the rest of `data` is one chunk and the end without trailers, as in small bodies."""
    start = data.find(b"\r\n", position, position + _MAX_SIZE_DIGITS) + 2
    digits = data[position : start - 2]
    if start < 2 or not digits or digits.translate(None, _HEX):
        return None
    end = start + int(digits, 16)
    return (start, end) if data[end:] == _LAST_CHUNK else None


Framing = FixedLength | UntilClose | Chunked
