"""The diary that each part of the lab keeps: one JSON object a line, with the wall clock and the monotonic clock.

The truth of a recording is made of these lines, never of packets. `follow` lets a story wait for something to happen.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Entry = dict[str, Any]

LOOK_AGAIN_S = 0.02
STOP = threading.Event()  # the lab is being abandoned: nobody waits any longer


class Journal:
    """Appends entries to a file; each line is whole even when the writer is killed."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "a", buffering=1)  # noqa: SIM115 (open as long as the process lives)
        self._lock = threading.Lock()

    def write(self, kind: str, **facts: object) -> None:
        line = json.dumps({"kind": kind, "t": time.time(), "monotonic": time.monotonic(), **facts})
        with self._lock:
            self._file.write(line + "\n")


def read(path: Path) -> list[Entry]:
    """All whole lines so far."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def follow(path: Path, wanted: Callable[[Entry], bool], times: int = 1, timeout_s: float = 60.0) -> Entry:
    """Waits until the journal has the entry for the n-th time, and returns it."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and not STOP.is_set():
        found = [entry for entry in read(path) if wanted(entry)]
        if len(found) >= times:
            return found[times - 1]
        time.sleep(LOOK_AGAIN_S)
    raise TimeoutError(f"{path.name}: what the story waits for did not happen within {timeout_s:.0f} s")
