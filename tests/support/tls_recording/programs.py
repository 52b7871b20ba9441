"""One `openssl s_server` or `openssl s_client`: what is typed into it, what it prints, and that it ends."""

import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from shutil import which
from types import TracebackType
from typing import IO

from tests.support.tls_recording.suites import environment

TIMEOUT_S = 15.0


class ProgramError(RuntimeError):
    """A program did not do what the scenario needs."""


class Program:
    """A running program; `with` ends it, however the test went."""

    def __init__(self, *arguments: str, directory: Path, configuration: Path | None = None) -> None:
        program = which("openssl")
        if program is None:
            raise ProgramError("openssl is not installed")
        self._arguments = arguments
        surroundings = environment()
        if configuration is not None:
            surroundings["OPENSSL_CONF"] = str(configuration)
        self._process = subprocess.Popen(
            [program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=directory,
            env=surroundings,
            bufsize=0,
        )
        self._changed = threading.Condition()
        self._output = bytearray()
        self._errors = bytearray()
        self._ended = False
        self._threads = [
            threading.Thread(target=self._collect, args=part, daemon=True)
            for part in ((self._process.stdout, self._output), (self._process.stderr, self._errors))
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_input()
        try:
            self._process.wait(TIMEOUT_S if kind is None else 0.1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()

    def write(self, data: bytes) -> None:
        """Types."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
        except BrokenPipeError:
            raise ProgramError(f"has ended: {self}") from None

    def close_input(self) -> None:
        """The end of its input: s_client then closes its connection."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it ended with input unread
            self._process.stdin.close()

    def text(self) -> str:
        """What it has printed so far: its output, then its messages."""
        with self._changed:
            return (self._output + self._errors).decode("latin-1")

    def printed(self) -> int:
        """How many bytes it has printed."""
        with self._changed:
            return len(self._output)

    def wait_for(self, text: bytes, start: int = 0) -> bytes:
        """Until `text` is printed behind the first `start` bytes; all that was printed there up to its end."""
        with self._changed:
            found = self._changed.wait_for(lambda: self._ended or self._output.find(text, start) >= 0, TIMEOUT_S)
            at = self._output.find(text, start)
            if at >= 0:
                return bytes(self._output[start : at + len(text)])
        raise ProgramError(f"{'ended' if found else 'waited'} without {text[-60:]!r}: {self}")

    def terminate(self) -> None:
        """Kills it: its connections end without a word of TLS."""
        self._process.kill()

    def _collect(self, stream: IO[bytes], into: bytearray) -> None:
        while data := stream.read(1 << 16):
            with self._changed:
                into += data
                self._changed.notify_all()
        if into is self._output:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def __str__(self) -> str:
        return f"openssl {' '.join(self._arguments)}\n{self.text()[-900:]}"
