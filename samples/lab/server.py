"""The lab's server: an EAS responder over HTTP/1.1, with TLS or behind a proxy without. One thread a connection.

`python -m samples.lab.server OPTIONS` with OPTIONS as JSON: listen, port, journal, certificate (null: no TLS),
keep_alive, faults (what it does wrong, see `Server._fault`). Commands come on standard input, one JSON object a line:
`{"do": "deliver", "folder": "5"}`. SIGTERM closes every connection in good order and ends it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import socket
import ssl
import sys
import threading
import time
import urllib.parse
from types import FrameType
from typing import Any

from samples.lab import eas, sockets
from samples.lab.journal import Journal

LOOK_EVERY_S = 0.03  # how often a held request looks for changes and for a client that went away
STALLED = "never answers"


class Server:
    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.journal = Journal(options["journal"])
        self.tls = sockets.server_context(options) if options.get("certificate") else None
        self.changes: dict[str, int] = {}  # folder → mails that no Sync has fetched
        self.waits = 0  # held requests so far, to count faults by
        self.open: set[socket.socket] = set()
        self.lock = threading.Lock()

    def run(self) -> None:
        listener = socket.create_server((self.options["listen"], self.options["port"]), backlog=64)
        threading.Thread(target=self._commands, daemon=True).start()
        signal.signal(signal.SIGTERM, self._stop)
        self.journal.write("ready")
        for number in itertools.count(1):
            sock, peer = listener.accept()
            threading.Thread(target=self._serve, args=(sock, peer, number), daemon=True).start()

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.journal.write("sigterm")
        for sock in list(self.open):
            sockets.close(sock, "notify")
        sys.exit(0)

    def _commands(self) -> None:
        for line in sys.stdin:
            command = json.loads(line)
            with self.lock:
                self.changes[command["folder"]] = self.changes.get(command["folder"], 0) + command.get("mails", 1)
            self.journal.write("delivery", folder=command["folder"])

    def _serve(self, sock: socket.socket, peer: tuple[str, int], number: int) -> None:
        if self.options.get("keep_alive"):
            sockets.keep_alive(sock, self.options["keep_alive"])
        self.journal.write("accepted", conn=number, peer=f"{peer[0]}:{peer[1]}")
        ended = "closed by client"
        try:
            sock.settimeout(20)
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
            sock.settimeout(None)
            self.open.add(sock)
            buffer = bytearray()
            while (message := sockets.read_message(sock, buffer)) is not None:
                ended = self._answer(sock, message, number)
                if ended != "answered":
                    break
                ended = "closed by client"
        except (OSError, EOFError, ssl.SSLError) as error:
            ended = type(error).__name__
        self.open.discard(sock)
        self.journal.write("closed", conn=number, why=ended)
        sockets.close(sock, "notify")

    def _answer(self, sock: socket.socket, message: tuple[str, dict[str, str], bytes], conn: int) -> str:
        """Handles one request; says "answered", or how the connection ended."""
        first, headers, body = message
        method, target, _ = first.split(" ", 2)
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(target).query))
        command = query.get("Cmd", method)
        entry = {"conn": conn, "req": first, "cmd": command, "lab_request": headers.get("x-lab-request")}
        self.journal.write("request", **entry)
        started = time.monotonic()
        answer = self._reply(sock, command, body)
        held = round(time.monotonic() - started, 6)
        if isinstance(answer, str):
            self.journal.write("unanswered", **entry, why=answer, request_time=held)
            return answer
        head = [
            "HTTP/1.1 200 OK",
            "Server: directpush-lab",
            f"Date: {time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime())}",
            "MS-Server-ActiveSync: 14.1",
            f"Content-Length: {len(answer)}",
        ]
        if method == "OPTIONS":
            head += ["MS-ASProtocolVersions: 12.1,14.0,14.1", "MS-ASProtocolCommands: Sync,FolderSync,Ping"]
        elif answer:
            head += [f"Content-Type: {eas.CONTENT_TYPE}"]
        sock.sendall("\r\n".join([*head, "", ""]).encode() + answer)
        self.journal.write("answered", **entry, status=200, request_time=held)
        return "answered"

    def _reply(self, sock: socket.socket, command: str, body: bytes) -> bytes | str:
        """The body of the answer; a word when there is no answer any more."""
        if command == "Ping":
            folders = self._watched(body)
            interval_s = float(eas.text_of(body, "HeartbeatInterval") or 60)
            changed = self._hold(sock, interval_s, folders)
            if isinstance(changed, str):
                return changed
            return eas.ping_response(eas.CHANGED if changed else eas.EXPIRED, changed)
        if command == "FolderSync":
            return eas.foldersync_response()
        if command == "Sync":
            folder = eas.text_of(body, "CollectionId") or "5"
            key = int(eas.text_of(body, "SyncKey") or 0)
            interval = eas.text_of(body, "HeartbeatInterval")
            if interval is not None and key:
                changed = self._hold(sock, float(interval), [folder])
                if isinstance(changed, str):
                    return changed
                if not changed:
                    return b""
            with self.lock:
                mails = self.changes.pop(folder, 0) if key else 0
            return eas.sync_response(folder, str(key + 1), mails)
        return b""

    @staticmethod
    def _watched(body: bytes) -> list[str]:
        return [folder for folder in eas.FOLDERS if b"\x03" + folder.encode() + b"\x00" in body]

    def _hold(self, sock: socket.socket, interval_s: float, folders: list[str]) -> list[str] | str:
        """Holds a request until a folder changes or the interval is over; a word when the connection ended."""
        with self.lock:
            self.waits += 1
            fault = (self.options.get("faults") or {}).get(str(self.waits))
        due = time.monotonic() + interval_s
        fails = due if fault is None else time.monotonic() + fault["after_s"]
        while (now := time.monotonic()) < due or (fault or {}).get("how") == STALLED:
            changed = [folder for folder in folders if self.changes.get(folder)]
            if changed and not fault:
                return changed
            if fault and fault["how"] != STALLED and now >= fails:
                sockets.close(sock, fault["how"])
                return f"closed by server ({fault['how']})"
            if sockets.readable(sock, LOOK_EVERY_S):
                with contextlib.suppress(ssl.SSLWantReadError):
                    return "closed by client while waiting" if not sock.recv(1) else "request while waiting"
        return []


if __name__ == "__main__":
    Server(json.loads(sys.argv[1])).run()
