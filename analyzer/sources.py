"""Opens what a person names (a path or `-`, plain or compressed) and drives the capture reader over it.

Bytes are read or mapped block by block (`windows.py`), never the whole file: memory stays bounded and pipes work.
Compression is known by its first bytes, not by the name. What cannot be opened is a `SourceError` in one line with a
hint; what breaks in the middle is an anomaly, after everything readable was given.
"""

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import BinaryIO, Literal, Protocol, cast

from analyzer.reading import BLOCK_BYTES
from analyzer.windows import Copied, Mapped
from dissectors.capture import HEAD_BYTES, CaptureReader, Frames, NotACapture, looks_like, open_capture
from dissectors.capture.sniff import EMPTY, EVENT_TRACE, KEY_LOG, PRIVATE_KEY
from dissectors.events import Anomaly

COMPRESSED_BYTES = 64 << 10
"""How much compressed data is read at once."""
ZSTD_SLICE = 2 << 10
"""How much of it zstd is given at once: its output cannot be bounded otherwise (at most 128 KiB from each 4 bytes)."""
MAX_WINDOW = 128 << 20
"""Largest memory that a compressed file may ask its decompressor for (zstd --long=27, xz)."""

HINTS = {
    KEY_LOG: "give it with --keylog, and a pcap or pcapng file as CAPTURE",
    PRIVATE_KEY: "give it with --rsa-key, and a pcap or pcapng file as CAPTURE",
    EVENT_TRACE: "convert it with etl2pcapng (github.com/microsoft/etl2pcapng) or `pktmon etl2pcap`",
    EMPTY: "was the capture stopped before anything was written?",
    "a tar archive": "unpack it first",
    "a zip archive": "unpack it first",
    "a 7-Zip archive": "unpack it first",
    "a RAR archive": "unpack it first",
    "lz4-compressed data": "unpack it first: lz4 -d FILE",
}
DEFAULT_HINT = "pcap and pcapng are read, plain or as .gz, .zst, .xz, .bz2"
CONVERT_HINT = "convert it with Wireshark's editcap: editcap -F pcapng FILE capture.pcapng"


class SourceError(Exception):
    """Nothing can be read here. `message` says what happened, `hint` what to do; one line each."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Decompressor(Protocol):
    """What the decompressors of isal, lzma and bz2 have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...


class _Zstd:
    """zstandard's decompressor in the same shape."""

    def __init__(self) -> None:
        import zstandard

        self._frame = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()
        self._waiting = memoryview(b"")

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def needs_input(self) -> bool:
        return not self._waiting

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data + self._waiting.tobytes()

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        """Output of one slice of the input: how long it is, `max_length` cannot say."""
        if data:
            self._waiting = memoryview(data)
        piece, self._waiting = self._waiting[:ZSTD_SLICE], self._waiting[ZSTD_SLICE:]
        return self._frame.decompress(piece)


def _gzip() -> Decompressor:
    from isal import igzip_lib

    return cast(Decompressor, igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP))


def _xz() -> Decompressor:
    import lzma

    return lzma.LZMADecompressor(memlimit=MAX_WINDOW)


def _bzip2() -> Decompressor:
    import bz2

    return bz2.BZ2Decompressor()


DECOMPRESSORS: dict[bytes, Callable[[], Decompressor]] = {
    b"\x1f\x8b": _gzip,
    b"\x28\xb5\x2f\xfd": _Zstd,
    b"\xfd7zXZ\0": _xz,
    b"BZh": _bzip2,
}


def _decompressor(head: bytes) -> Callable[[], Decompressor] | None:
    """What unpacks data that begins so; None for data that is not compressed."""
    if head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5:  # RFC 8878 3.1.2: a skippable frame, pzstd begins with one
        return _Zstd
    return next((make for magic, make in DECOMPRESSORS.items() if head.startswith(magic)), None)


class _Plain:
    """Bytes of a file or pipe as they are, read straight into the caller's buffer."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._front = b""  # what `peek` has read ahead
        self.position = 0
        self.trouble: str | None = None  # why it ended before its end

    def peek(self, count: int) -> bytes:
        """The next bytes, without taking them; fewer at the end."""
        while len(self._front) < count and (more := self.take(count - len(self._front))):
            self._front += more
        return self._front

    def unread(self, data: bytes) -> None:
        """Give back bytes that were taken."""
        self._front = data + self._front

    def take(self, count: int) -> bytes:
        """Up to `count` fresh bytes."""
        try:
            more = self._file.read(count) or b""
        except OSError as error:
            self.trouble = f"reading failed: {error.strerror}"
            return b""
        self.position += len(more)
        return more

    def read(self, count: int) -> bytes:
        """Up to `count` bytes; none at the end."""
        if self._front:
            front, self._front = self._front[:count], self._front[count:]
            return front
        return self.take(count)

    def readinto(self, view: memoryview) -> int:
        if self._front:
            front = self.read(len(view))
            view[: len(front)] = front
            return len(front)
        try:
            count = cast(int, self._file.readinto(view) or 0)  # type: ignore[attr-defined]
        except OSError as error:
            self.trouble = f"reading failed: {error.strerror}"
            return 0
        self.position += count
        return count


class _Unpacked:
    """The bytes inside a compressed file, which may consist of several members one after the other."""

    def __init__(self, packed: _Plain, make: Callable[[], Decompressor]) -> None:
        self._packed = packed
        self._member: Decompressor | None = make()
        self._ready = memoryview(b"")  # unpacked and not yet given
        self.trouble: str | None = None  # why it ended before its end

    def readinto(self, view: memoryview) -> int:
        """Fill `view` as far as one piece goes; 0 at the end."""
        while not self._ready and self._member is not None:
            self._ready = memoryview(self._unpack(len(view)))
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _unpack(self, wanted: int) -> bytes:
        member = self._member
        assert member is not None
        packed = b""
        try:
            if member.eof:
                self._packed.unread(member.unused_data)
                self._member = self._next_member()
                return b""
            if member.needs_input:
                packed = self._packed.read(COMPRESSED_BYTES)
                if not packed:
                    self._member = None
                    self.trouble = self._packed.trouble or "it ends in the middle"
                    return b""
            return member.decompress(packed, wanted)
        except Exception as error:  # each library has exceptions of its own; all of them mean bad bytes
            self._member = None
            self.trouble = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'damaged'}"
            return b""

    def _next_member(self) -> Decompressor | None:
        """The member that follows; None at the end. Zeros at the end are padding (tapes, some tools)."""
        make = _decompressor(self._packed.peek(6))
        if make:
            return make()
        while rest := self._packed.read(COMPRESSED_BYTES):
            if rest.strip(b"\0"):
                self.trouble = "after its end there are bytes that are not compressed data"
                break
        return None


class Source(AbstractContextManager["Source"]):
    """One capture, open. Made by `open_source`; closes its file at the end of the `with` block."""

    def __init__(self, name: str, file: BinaryIO, *, size: int | None, own: bool, block_bytes: int) -> None:
        self.name = name
        self.size = size  # bytes on disk, None if not known (pipes)
        self.rewindable = size is not None  # can be opened and read a second time
        self._file = file
        self._own = own
        self._block_bytes = block_bytes
        self._packed = _Plain(file)
        first = self._packed.peek(6)
        make = _decompressor(first)
        self._packing = looks_like(first) if make else None
        self._input: _Plain | _Unpacked = _Unpacked(self._packed, make) if make else self._packed
        self._head = self._read_head()
        self.reader: CaptureReader = self._open_reader()
        self._started = False

    @property
    def position(self) -> int:
        """Bytes of the file read so far (compressed ones, if it is)."""
        return self._packed.position

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._own:
            self._file.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def blocks(self) -> Iterator[Frames]:
        """The frames, block by block; each `Frames.data` is valid until the next one is asked for. Can be had once."""
        if self._started:
            raise ValueError("a source is read once; open it again")
        self._started = True
        reader = self.reader
        consumed, ended = 0, False
        windows: Copied | Mapped = self._windows()
        while not ended:
            try:
                data, ended = windows.after(consumed, reader.needed)
            except OSError:  # what is wrong, reading tells
                windows = self._copied(reader.position)
                data, ended = windows.after(0, reader.needed)
            if isinstance(windows, Mapped):
                self._packed.position = windows.end
            if ended and self._input.trouble:
                code = "read_failed" if self._packed.trouble else "compressed_data_damaged"
                reader.anomalies.append(Anomaly(code=code, frame=None, time_ns=None, detail=self._input.trouble))
            before = reader.position
            found = [reader.parse(data, last=ended)[0]]
            del data
            if len(found[0]):
                yield found.pop()  # and not kept here: who takes the columns can let go of them
            consumed = reader.position - before

    def _windows(self) -> Copied | Mapped:
        """What follows the head that was read, or all of it."""
        head, self._head = self._head, b""
        if self._input is not self._packed or self.size is None:
            return Copied(self._input, head, self._block_bytes)
        if self.size > self._block_bytes:
            with suppress(OSError):
                return Mapped(self._file, self._block_bytes)
        return Copied(self._input, head, min(self._block_bytes, self.size + 1))  # to meet the end in the same go

    def _copied(self, begin: int) -> Copied:
        """The rest of a plain file, from there on."""
        self._file.seek(begin)
        self._packed.position = begin
        return Copied(self._packed, b"", self._block_bytes)

    def _read_head(self) -> bytes:
        head = memoryview(bytearray(HEAD_BYTES))
        filled = 0
        while filled < HEAD_BYTES and (count := self._input.readinto(head[filled:])):
            filled += count
        return head[:filled].tobytes()

    def _open_reader(self) -> CaptureReader:
        kind = looks_like(self._head)
        try:
            return open_capture(self._head)
        except NotACapture as error:
            problem = "the file is empty" if kind == EMPTY else f"not a packet capture ({error})"
            hint = HINTS.get(kind, CONVERT_HINT if kind.endswith(" capture") else DEFAULT_HINT)
        if self._input.trouble:  # so little came out that it could not be known
            problem = f"{self._packing}, damaged: {self._input.trouble}" if self._packing else self._input.trouble
            hint = "copy it again from where it was made"
        raise SourceError(f"{self.name}: {problem}", hint)


def open_source(path: str | os.PathLike[str] | Literal["-"], *, block_bytes: int = BLOCK_BYTES) -> Source:
    """Open one capture for reading; `-` is standard input. Raises `SourceError` if nothing can be read."""
    name = os.fspath(path)
    if name == "-":
        if sys.stdin.isatty():
            raise SourceError("standard input is a terminal", "pipe a capture into it: tcpdump -w - | directpush ...")
        return Source("standard input", sys.stdin.buffer, size=None, own=False, block_bytes=block_bytes)
    file: BinaryIO | None = None
    try:
        status = os.stat(name)
        if stat.S_ISDIR(status.st_mode):
            raise SourceError(f"{name}: is a directory", f"name the captures in it: {os.path.join(name, '*.pcapng')}")
        file = cast(BinaryIO, open(name, "rb", buffering=0))  # noqa: SIM115 - the Source closes it
        size = status.st_size if stat.S_ISREG(status.st_mode) else None
        return Source(name, file, size=size, own=True, block_bytes=block_bytes)
    except OSError as error:
        raise SourceError(f"{name}: {_reason(error)}", _open_hint(error)) from None
    finally:
        if file is not None and sys.exc_info()[0] is not None:
            file.close()


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "no such file"
    return f"cannot be read ({error.strerror})"


def _open_hint(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "check the name; a pattern that matches nothing is passed on as it is"
    if error.errno in (errno.EACCES, errno.EPERM):
        return 'captures made as root can often only be read by root: sudo chown "$USER" FILE'
    return "copy the file to a local disk and try again"
