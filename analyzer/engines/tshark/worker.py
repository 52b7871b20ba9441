"""The child process: runs pyshark and its event loop, and hands events to the parent over its standard output.

pyshark starts tshark, reads its output and cleans up after it; some of its habits are replaced:
- its parser makes an object with untyped access of each layer of each packet, and fails on repeated layers (HTTP/2):
  here the EK line is parsed straight into the types of `packets.py`, many lines at a time;
- it looks up field types by asking tshark for its whole mapping (a second, and a file in the user's cache);
- it installs child watchers, which Python 3.14 no longer has: here it gets an event loop that is already made;
- it forgets all but the last line of what tshark complains about, and may kill tshark before its exit code is known.

The job comes as one line of JSON on standard input, what is found goes out as pickles on standard output. When standard
input closes, the parent is gone: the whole process group is killed, tshark and dumpcap with it.
"""

import asyncio
import json
import os
import pickle
import re
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from analyzer.engines.tshark.fields import parameters
from analyzer.engines.tshark.lives import Lives
from analyzer.engines.tshark.packets import packet
from dissectors.events import Event
from dissectors.tls import KeyLog

# What was not asked for, followed by something else. Unescaped quotes stand in no JSON string, so this matches in none.
_NOT_ASKED = re.compile(
    rb'"[^"\\]*":(?:\{"filtered":"[^"\\]*"\}|\[\{"filtered":"[^"\\]*"\}(?:,\{"filtered":"[^"\\]*"\})*+\]),'
)

BATCH_EVENTS = 2000
STOP = b"stop\n"
MAX_COMPLAINTS = 20
END_LIMIT_S = 10  # for tshark to end after its output has
PACKET_RECORD_BYTES = 16  # of a pcap file, to say how far the reading has come

Line = dict[str, Any]


def main() -> None:
    """Entry point of the child."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that pyshark prints may get between the pickles
    job = json.loads(sys.stdin.buffer.readline())
    run = _Run(job, out)
    threading.Thread(target=run.watch, args=(sys.stdin.buffer,), daemon=True).start()
    try:
        run.run()
    except BaseException as error:
        run.send("failed", f"{type(error).__name__}: {error}", traceback.format_exc())
    out.flush()
    os._exit(0)  # not through pyshark's destructors, which start the event loop again


class _Run:
    """One capture from beginning to end."""

    def __init__(self, job: Line, out: IO[bytes]) -> None:
        self._job = job
        self._out = out
        self._capture: Any = None
        self._stopped = False

    def watch(self, control: IO[bytes]) -> None:
        """Follows the parent's orders, and goes when it is gone."""
        for line in control:
            if line == STOP:
                self._stopped = True
                self._tell_tshark(signal.SIGINT)
        if os.name == "posix":
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    def run(self) -> None:
        job = self._job
        keylog = KeyLog()
        if job["keylog"]:
            keylog.add(Path(job["keylog"]).read_bytes(), "")
        lives = Lives(keylog, job["capture"], job["first_connection_id"], job["notify_ports"])
        totals = Totals()
        events: list[Event] = []
        self._capture = capture = open_capture(job)
        if self._stopped:
            return
        for lines in capture:
            for line in lines:
                layers = line.get("layers")
                found = packet(layers) if isinstance(layers, dict) else None
                if found is None:
                    continue
                totals.add(found.time_ns, found.length, found.captured, found.encapsulation)
                events += lives.take(found)
            if len(events) >= BATCH_EVENTS or job["interface"]:
                self.send("events", events, totals.bytes)
                events = []
        events += lives.finish()
        self.send("events", events, totals.bytes)
        self.send("done", totals.facts(), lives.next_id, capture.complaints, capture.exit_code)

    def send(self, *message: object) -> None:
        with suppress(BrokenPipeError):
            pickle.dump(message, self._out, pickle.HIGHEST_PROTOCOL)
            self._out.flush()

    def _tell_tshark(self, number: int) -> None:
        for process in list(getattr(self._capture, "_running_processes", ())):
            with suppress(ProcessLookupError, OSError):
                process.send_signal(number)


class Totals:
    """What is known of the capture as a whole."""

    def __init__(self) -> None:
        self.frames = self.bytes = self.truncated = 0
        self.start_ns: int | None = None
        self.end_ns: int | None = None
        self.encapsulations: set[int] = set()

    def add(self, time_ns: int, length: int, captured: int, encapsulation: int) -> None:
        self.frames += 1
        self.bytes += captured + PACKET_RECORD_BYTES
        self.truncated += captured < length
        self.start_ns = time_ns if self.start_ns is None else self.start_ns
        self.end_ns = time_ns
        self.encapsulations.add(encapsulation)

    def facts(self) -> dict[str, Any]:
        return {
            "frames": self.frames,
            "bytes": self.bytes,
            "start_ns": self.start_ns,
            "end_ns": self.end_ns,
            "truncated_frames": self.truncated,
            "encapsulations": sorted(self.encapsulations),
        }


def open_capture(job: Line) -> Any:
    """A pyshark capture that gives lists of EK lines."""
    from pyshark.capture.capture import Capture
    from pyshark.capture.file_capture import FileCapture
    from pyshark.tshark.output_parser.tshark_ek import TsharkEkJsonParser

    class Parser(TsharkEkJsonParser):  # type: ignore[misc]
        """Takes the lines of a whole read at once, and keeps an unfinished one in pieces."""

        def __init__(self) -> None:
            self._pieces: list[bytes] = []

        async def get_packets_from_stream(
            self, stream: asyncio.StreamReader, existing_data: bytes, got_first_packet: bool = True
        ) -> tuple[list[Line], bytes]:
            data = await stream.read(self.DEFAULT_BATCH_SIZE)
            if not data:
                raise EOFError
            whole, newline, rest = data.rpartition(b"\n")
            if not newline:
                self._pieces.append(data)
                return [], b""
            lines = b"".join([*self._pieces, whole]).split(b"\n")
            self._pieces = [rest]
            return [parsed for line in lines if (parsed := _parse(line)) is not None], b""

    class Reading:
        """What both kinds of capture do differently from pyshark."""

        complaints: list[str]
        exit_code: int | None

        def _get_tshark_version(self) -> Any:
            from packaging.version import Version

            return Version(job["version"])  # pyshark would start tshark once more to ask

        def _setup_tshark_output_parser(self) -> Parser:
            return Parser()

        async def _handle_process_stderr_forever(self, stderr: asyncio.StreamReader) -> None:
            async for line in stderr:
                text = line.decode("utf-8", "replace").strip()
                if text and len(self.complaints) < MAX_COMPLAINTS:
                    self.complaints.append(text)

        async def _cleanup_subprocess(self, process: asyncio.subprocess.Process) -> None:
            try:
                self.exit_code = await asyncio.wait_for(process.wait(), END_LIMIT_S)
            except TimeoutError:
                process.kill()
                self.exit_code = await process.wait()
            self._running_processes.discard(process)  # type: ignore[attr-defined]
            await asyncio.gather(*self._stderr_handling_tasks)  # type: ignore[attr-defined]

    class File(Reading, FileCapture):  # type: ignore[misc]
        pass

    class Live(Reading, Capture):  # type: ignore[misc]
        """tshark runs dumpcap itself. pyshark's own live capture keeps dumpcap's pipe open and never sees it end."""

        def get_parameters(self, packet_count: int | None = None) -> list[str]:
            given: list[str] = super().get_parameters(packet_count)
            return [*given, "-i", job["interface"]]

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    keylog = Path(job["keylog"]) if job["keylog"] else None
    options: dict[str, Any] = {
        "use_ek": True,
        "tshark_path": job["tshark"],
        "eventloop": loop,
        "custom_parameters": parameters(keylog, [Path(key) for key in job["rsa_keys"]]),
    }
    if job["interface"]:
        if job["seconds"]:
            options["custom_parameters"] += ["-a", f"duration:{job['seconds']}"]
        capture = Live(capture_filter=job["capture_filter"], **options)
    else:
        capture = File(job["path"], keep_packets=False, **options)
    capture.complaints, capture.exit_code = [], None
    return _Iterate(capture)


class _Iterate:
    """The capture's packets; pyshark's own iterators differ between files and interfaces."""

    def __init__(self, capture: Any) -> None:
        self._inner = capture

    def __iter__(self) -> Iterator[list[Line]]:
        yield from self._inner._packets_from_tshark_sync()

    @property
    def complaints(self) -> list[str]:
        found: list[str] = self._inner.complaints
        return found

    @property
    def exit_code(self) -> int | None:
        code: int | None = self._inner.exit_code
        return code

    @property
    def _running_processes(self) -> set[Any]:
        running: set[Any] = self._inner._running_processes
        return running


def _parse(line: bytes) -> Line | None:
    """One EK line; None for the index lines between the packets, and for a line that broke off."""
    if not line.startswith(b'{"timestamp"'):
        return None
    try:
        parsed = json.loads(_NOT_ASKED.sub(b"", line))  # four fifths of it; parsing that takes three times as long
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


if __name__ == "__main__":
    main()
