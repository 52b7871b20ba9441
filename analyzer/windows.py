"""The bytes of a capture, a window at a time: copied into one buffer, or the file itself, mapped into memory.

A copy works with everything. Mapping saves it, a seventh of the time that mixed traffic takes, but needs a regular file
that stays as it is: touching a page that has gone (the file was cut, the disk fails) kills the process. So the kernel
is asked to hold back whoever wants to open the file for writing or to cut it (a read lease, fcntl(2)) until the window
that is being worked on is done; then the rest is copied. And the pages of a window are all asked for before any is
touched. Where one of both is refused (somebody writes to the file already, it is somebody else's, the file system or
the kernel cannot do that), the file is copied, and what reading then says is told.
"""

import mmap
import os
import signal
import sys
from typing import BinaryIO, Protocol

import numpy as np

from dissectors.capture.frames import Bytes

if sys.platform == "linux":
    import fcntl

MADV_POPULATE_READ = 22  # Linux 5.14: fails where touching would kill; not in Python's mmap yet


class Input(Protocol):
    """Where bytes come from."""

    def readinto(self, view: memoryview, /) -> int: ...


class Copied:
    """Windows of any input, in one reused buffer."""

    def __init__(self, source: Input, head: bytes, size: int) -> None:
        """`head`: bytes that were read before; `size`: of a window, at first."""
        self._source = source
        self._buffer = np.empty(max(size, len(head)), np.uint8)
        self._buffer[: len(head)] = np.frombuffer(head, np.uint8)
        self._filled = len(head)

    def after(self, consumed: int, needed: int) -> tuple[Bytes, bool]:
        """What follows the first `consumed` bytes of the last window, at least `needed` bytes; and whether it is all
        that is left.
        """
        rest = self._buffer[consumed : self._filled]
        if needed > len(self._buffer):  # one record is larger than the buffer
            self._buffer = np.empty(needed, np.uint8)
        self._buffer[: len(rest)] = rest
        self._filled = len(rest)
        view = self._buffer.data
        while self._filled < len(view):
            count = self._source.readinto(view[self._filled :])
            if not count:
                return self._buffer[: self._filled], True
            self._filled += count
        return self._buffer, False


class Mapped:
    """Windows of a regular file, in place. An `OSError` says that it has to be read."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        """`size`: of a window."""
        self._lease = _Lease(file)
        self._file = file
        self._size = size
        self.begin = 0  # of the window that comes next
        self.end = 0  # of the last one

    def after(self, consumed: int, needed: int) -> tuple[Bytes, bool]:
        """As `Copied.after`. The window before must not be touched any more."""
        self.begin += consumed
        try:
            return self._next(needed)
        except OSError:
            self._lease.release()
            raise

    def _next(self, needed: int) -> tuple[Bytes, bool]:
        if not self._lease.held:
            raise OSError("somebody wants to write to it")
        page = self.begin - self.begin % mmap.ALLOCATIONGRANULARITY
        length = os.fstat(self._file.fileno()).st_size
        self.end = min(length, self.begin + max(self._size, needed))
        if self.end <= self.begin:
            raise OSError("nothing is left to be mapped")
        window = mmap.mmap(self._file.fileno(), self.end - page, prot=mmap.PROT_READ, offset=page)
        window.madvise(MADV_POPULATE_READ)
        return np.frombuffer(window, np.uint8)[self.begin - page :], self.end == length


class _Lease:
    """Holds back whoever wants to open a file for writing or to cut it. An `OSError` says that it cannot be had."""

    def __init__(self, file: BinaryIO) -> None:
        if sys.platform != "linux":
            raise OSError("there are no leases here")
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)  # tells that somebody waits: the usual signal would end us
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        self._file = file

    @property
    def held(self) -> bool:
        """Nobody waits. The kernel lets them wait for /proc/sys/fs/lease-break-time, 45 s."""
        return fcntl.fcntl(self._file, fcntl.F_GETLEASE) == fcntl.F_RDLCK

    def release(self) -> None:
        """Those who wait may go on."""
        fcntl.fcntl(self._file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
