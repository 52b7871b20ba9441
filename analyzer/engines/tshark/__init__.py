"""The tshark engine: Wireshark reads the capture, and the events are those of the built-in engine.

    parent                      child (own process)                        tshark
    process.py ◀─ pickles ── worker.py: pyshark, asyncio ◀─ EK lines ──  fields.py says what is asked
                             packets.py   the door: lines → typed packets
                             lives.py     connections · halves.py evidence, positions
                             handshakes.py TLS facts · messages.py HTTP/1 · streams.py HTTP/2

Independent of the built-in engine: capture formats, link types, IP, TCP order and reassembly, which packets are a
connection, TLS, HTTP framing, HPACK, pairing of requests and answers, and the code that gathers TCP evidence.
Shared: the meaning of that evidence (`dissectors.net.evidence`), what of a header may be shown
(`dissectors.http.redact`), gzip and deflate, which bodies are ActiveSync, names of ciphers, versions and ICMP errors,
and everything above the seam.

What tshark does not say: bytes of a message that did not end (such a request or answer is not there at all), HTTP
bodies other than those of ActiveSync, the first byte of a turn, how many embedded secrets a file holds, odd bytes (its
only Anomaly is a capture that breaks off). Behind a byte that is not in the capture it reads nothing more of that
direction.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from analyzer.engines.tshark.process import Worker
from analyzer.engines.tshark.program import Tshark, need_tshark
from analyzer.sources import SourceError
from analyzer.timeline.facts import CaptureFacts
from dissectors.events import Anomaly, Connection, Event

NOTIFY_PORT = 2883
MAX_KEY_BYTES = 1 << 20
Progress = Callable[[int], None]
PathLike = str | os.PathLike[str]

INTERFACE_HINT = "tshark -D lists the interfaces; capturing needs rights: `directpush doctor` says which"
FILE_HINT = "look at it with `capinfos FILE`; the built-in engine may still read a part: --engine builtin"
STDIN_HINT = "save it to a file, or use --engine builtin, which reads pipes"

_CHATTER = ("Running as user", "Capturing on")

# Wireshark's own numbers (wiretap/wtap.h) for the names of dissectors.net.links.names
_ENCAPSULATIONS = {
    1: "Ethernet", 3: "PPP", 4: "PPP", 7: "raw IP", 15: "BSD loopback", 18: "PPP", 19: "PPP with direction",
    20: "802.11", 23: "802.11 with radiotap", 25: "Linux cooked", 32: "OpenBSD loopback", 129: "raw IPv4",
    130: "raw IPv6", 210: "Linux cooked v2",
}  # fmt: skip


class TsharkEngine:
    """Reads one capture file, or one interface. Needs a path: tshark opens the file itself."""

    def __init__(
        self,
        path: PathLike | None,
        keylog: Sequence[PathLike] = (),
        *,
        rsa_keys: Sequence[PathLike] = (),
        interface: str | None = None,
        capture_filter: str | None = None,
        seconds: int | None = None,
        capture: int = 0,
        first_connection_id: int = 1,
        notify_ports: Collection[int] = (NOTIFY_PORT,),
    ) -> None:
        """Raises SourceError when tshark is missing or too old, or there is no such file."""
        self.program: Tshark = need_tshark()
        self.name = interface if path is None else os.fspath(path)
        self.next_connection_id = first_connection_id
        self.remarks: list[str] = []
        self.keys_came_late = False  # tshark takes a file's own secrets in the order in which they come
        self.unread_links: str | None = None
        self.nothing_read = False
        self._keylog = [Path(file).absolute() for file in keylog if os.access(file, os.R_OK)]
        self._capture = capture
        self._missing_bytes = 0
        self._complete = True
        self._totals: dict[str, Any] = {}
        self._worker: Worker | None = None
        if path is not None:
            if os.fspath(path) == "-":
                raise SourceError("standard input cannot be given to tshark", STDIN_HINT)
            with open(path, "rb"):  # an OSError in our own words
                pass
        self._job = {
            "tshark": str(self.program.path),
            "version": self.program.text,
            "path": None if path is None else str(Path(path).absolute()),
            "rsa_keys": [str(Path(file).absolute()) for file in rsa_keys if self._usable(file)],
            "interface": interface if path is None else None,
            "capture_filter": capture_filter,
            "seconds": seconds,
            "capture": capture,
            "first_connection_id": first_connection_id,
            "notify_ports": list(notify_ports),
        }

    def read(self, progress: Progress | None = None) -> Iterator[Event]:
        """Every event of the capture. However it is left, nothing stays running."""
        with _OneKeylog(self._keylog) as keylog, Worker({**self._job, "keylog": keylog}) as worker:
            self._worker = worker
            try:
                for kind, *parts in worker.messages():
                    if kind == "events":
                        yield from self._noted(parts[0])
                        if progress is not None:
                            progress(parts[1])
                    else:
                        yield from self._done(*parts)
            finally:
                self._worker = None

    def stop(self) -> None:
        """Ends a live capture from another thread or between two events; `read` then yields what is left."""
        if self._worker is not None:
            self._worker.stop()

    @property
    def worker_pid(self) -> int | None:
        """The child, and the group of all that it starts, while `read` runs."""
        return self._worker.pid if self._worker is not None else None

    def facts(self) -> CaptureFacts:
        """What is known of the file as a whole, after `read`."""
        totals = self._totals
        return CaptureFacts(
            name=self.name or "",
            engine="tshark",
            frames=totals["frames"],
            bytes=totals["bytes"],
            start_ns=totals["start_ns"],
            end_ns=totals["end_ns"],
            link_types=tuple(
                dict.fromkeys(
                    _ENCAPSULATIONS.get(number, f"Wireshark encapsulation {number}")
                    for number in totals["encapsulations"]
                )
            ),
            truncated_frames=totals["truncated_frames"],
            missing_bytes=self._missing_bytes,
            complete=self._complete,
        )

    def _usable(self, rsa_key: PathLike) -> bool:
        """Whether tshark takes this key: it refuses to start with one that it cannot read."""
        try:
            with open(rsa_key, "rb") as file:
                text = file.read(MAX_KEY_BYTES)
        except OSError:
            return False  # whoever reads the keys for the built-in engine says so
        if b"-----BEGIN" in text and b"ENCRYPTED" not in text:
            return True
        self.remarks.append(f"{os.fspath(rsa_key)}: tshark is only given private keys as PEM without a password")
        return False

    def _noted(self, events: list[Event]) -> Iterator[Event]:
        for event in events:
            if isinstance(event, Connection):
                self._missing_bytes += event.client.missing_bytes + event.server.missing_bytes
            yield event

    def _done(
        self, totals: dict[str, Any], next_id: int, complaints: list[str], exit_code: int | None
    ) -> Iterator[Event]:
        """The child's last message: how it ended."""
        self._totals, self.next_connection_id = totals, next_id
        if not exit_code:
            return
        words = _reason(complaints, exit_code)
        if not totals["frames"]:
            hint = INTERFACE_HINT if self._job["interface"] else FILE_HINT
            raise SourceError(f"{self.name}: tshark cannot read it: {words}", hint)
        self._complete = False
        yield Anomaly(
            code="capture_truncated",
            frame=totals["frames"],
            time_ns=totals["end_ns"],
            detail=f"tshark stopped before the end: {words}",
            capture=self._capture,
        )


def live(
    interface: str,
    keylog: Sequence[PathLike] = (),
    *,
    capture_filter: str | None = None,
    seconds: int | None = None,
    notify_ports: Collection[int] = (NOTIFY_PORT,),
) -> TsharkEngine:
    """An engine that captures on an interface (`any` is all) until `stop`, or for so many seconds.

    Needs the right to capture (dumpcap). A key log is read by tshark while it grows.
    """
    return TsharkEngine(
        None,
        keylog,
        interface=interface,
        capture_filter=capture_filter,
        seconds=seconds,
        notify_ports=notify_ports,
    )


def _reason(complaints: list[str], exit_code: int) -> str:
    """Why tshark ended, in its own words where it has some."""
    if exit_code < 0:
        return f"it was ended by signal {-exit_code}"
    told = (line.removeprefix("tshark: ") for line in complaints if not line.startswith(_CHATTER))
    return next(told, f"it ended with code {exit_code}")


class _OneKeylog:
    """The path of one key log that holds all of them: tshark takes only one. Removed afterwards."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self._made: Path | None = None

    def __enter__(self) -> str | None:
        if len(self._files) < 2:
            return str(self._files[0]) if self._files else None
        handle, name = tempfile.mkstemp(prefix="directpush-", suffix=".keys")  # readable by its owner only
        self._made = Path(name)
        with os.fdopen(handle, "wb") as out:
            for file in self._files:
                out.write(file.read_bytes() + b"\n")
        return name

    def __exit__(self, *_: object) -> None:
        if self._made is not None:
            self._made.unlink(missing_ok=True)
