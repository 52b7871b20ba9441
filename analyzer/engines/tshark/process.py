"""The parent's end of the child process: starts it, takes its messages, and leaves nothing behind.

The child leads a process group of its own, so that a Ctrl-C in the terminal reaches the parent alone, and one signal to
the group ends tshark and dumpcap too. tshark is given a moment to remove its temporary files.
"""

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any

from analyzer.engines.tshark.worker import STOP
from analyzer.sources import SourceError

GRACE_S = 2.0
ROOT = Path(__file__).resolve().parents[3]
_START = "from analyzer.engines.tshark.worker import main; main()"
_FAULT_HINT = "use --engine builtin, and please report what --debug shows"


class Worker:
    """A running child. Use it as a context manager: on leaving, nothing of it is left running."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._errors = TemporaryFile()  # noqa: SIM115  closed in __exit__
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), environment.get("PYTHONPATH", "")]))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=ROOT,  # pyshark takes programs from a config.ini of the working directory
            env=environment,
            start_new_session=True,
        )
        self._give(json.dumps(job).encode() + b"\n")

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
        self._signal(signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """Ends a live capture: what is there is still read to its end."""
        self._give(STOP)

    def messages(self) -> Iterator[tuple[Any, ...]]:
        """What the child sends until it is done. Raises SourceError when it breaks down."""
        assert self._process.stdout is not None
        while True:
            try:
                message = pickle.load(self._process.stdout)
            except (EOFError, pickle.UnpicklingError):
                raise SourceError(f"the tshark engine broke down: {self._last_words()}", _FAULT_HINT) from None
            if message[0] == "failed":
                raise SourceError(f"the tshark engine broke down: {message[1]}", _FAULT_HINT)
            yield message
            if message[0] == "done":
                return

    def _give(self, line: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def _signal(self, number: int) -> None:
        """To the whole group; it may outlive its leader."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(self._process.pid, number)
            else:
                self._process.kill()

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it ended without a word")
