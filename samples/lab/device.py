"""The lab's device: an EAS client that goes through a script and writes down what it saw, for each request.

`python -m samples.lab.device OPTIONS` with OPTIONS as JSON: server, port, source, first_port, journal, keylog, name,
script, grace_s, keep_alive, tls, close, tries. A script is a list of steps:

    ["options"] ["foldersync"] ["sync", FOLDER] ["hsync", FOLDER, SECONDS] ["think", SECONDS] ["new"] ["close"]
    ["ping", SECONDS]                    ["ping", SECONDS, GIVE_UP_AFTER]
    ["leave", SECONDS, AFTER, SOURCE]    a ping, and in the middle of it the device goes to another network

Like a phone it keeps one request open at a time, gives up when an answer is overdue, and then connects anew.
"""

from __future__ import annotations

import json
import socket
import ssl
import sys
import time
from typing import Any

from samples.lab import eas, sockets
from samples.lab.journal import Journal

USER_AGENT = "LabPhone/1.0"
REFUSED_PAUSE_S, REFUSED_TRIES = 0.7, 12
RECONNECT_PAUSE_S = 0.2


class Device:
    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.journal = Journal(options["journal"])
        self.tls = sockets.client_context(options)
        self.source = options["source"]
        self.next_port = options["first_port"]
        self.sock: socket.socket | None = None
        self.left: list[socket.socket] = []
        self.conn: dict[str, Any] = {}
        self.buffer = bytearray()
        self.seq = 0
        self.keys: dict[str, int] = {}  # folder → Sync key

    def run(self) -> None:
        self.journal.write("start")
        try:
            for step in self.options["script"]:
                self._step(*step)
        except ConnectionError as error:
            self.journal.write("gave_up", why=str(error))
            return
        self._close("the script is over", self.options.get("close", "notify"))
        self.journal.write("end")

    def _step(self, what: str, *values: Any) -> None:
        if what == "options":
            self._request("OPTIONS", b"")
        elif what == "foldersync":
            self._request("FolderSync", eas.foldersync_request())
        elif what in ("sync", "hsync"):
            folder, interval_s = values[0], values[1] if what == "hsync" else None
            if folder not in self.keys:
                self._request("Sync", eas.sync_request(folder, "0", None))
                self.keys[folder] = 1
            if self._request("Sync", eas.sync_request(folder, str(self.keys[folder]), interval_s), interval_s):
                self.keys[folder] += 1
        elif what == "ping":
            give_up_after_s = values[1] if len(values) > 1 else None
            self._request("Ping", eas.ping_request(values[0], ["5", "6"]), values[0], give_up_after_s)
        elif what == "think":
            time.sleep(values[0])
        elif what == "new":
            self._close("the device wants a new connection", "notify")
        elif what == "close":
            self._close("the device has no more to ask", self.options.get("close", "notify"))
        elif what == "leave":
            self._request("Ping", eas.ping_request(values[0], ["5", "6"]), values[0], values[1], leave=True)
            self.journal.write("roamed", old=self.source, new=values[2])
            self.source = values[2]
        else:
            raise ValueError(f"a script knows no step {what!r}")

    # ------------------------------------------------------------------------------------------------- connection

    def _connect(self) -> None:
        """A new connection, from a port that says which device and which connection it is."""
        for _ in range(self.options.get("tries", REFUSED_TRIES)):
            port, self.next_port = self.next_port, self.next_port + 1
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((self.source, port))
            sock.settimeout(8)
            if self.options.get("keep_alive"):
                sockets.keep_alive(sock, self.options["keep_alive"])
            self.journal.write("dial", local=f"{self.source}:{port}")
            try:
                sock.connect((self.options["server"], self.options["port"]))
                tls = self.tls.wrap_socket(sock, server_hostname="eas.lab.test")
            except (ConnectionRefusedError, ConnectionResetError, TimeoutError, EOFError, ssl.SSLError) as error:
                self.journal.write("dial_failed", local=f"{self.source}:{port}", why=type(error).__name__)
                sock.close()
                time.sleep(REFUSED_PAUSE_S)
                continue
            cipher = tls.cipher()
            self.sock, self.buffer = tls, bytearray()
            self.conn = {
                "local": f"{self.source}:{port}",
                "remote": f"{self.options['server']}:{self.options['port']}",
                "tls": (tls.version() or "").replace("TLSv", "TLS "),
                "cipher": cipher[0] if cipher else "",
                "resumed": tls.session_reused or False,
                "alpn": "",
            }
            self.journal.write("connected", **self.conn)
            return
        raise ConnectionError("the server cannot be reached")

    def _close(self, why: str, how: str) -> None:
        if self.sock is None:
            return
        sockets.close(self.sock, how)
        self.journal.write("closed", local=self.conn["local"], why=why, how=how)
        self.sock = None

    # --------------------------------------------------------------------------------------------------- requests

    def _request(
        self,
        command: str,
        body: bytes,
        interval_s: int | None = None,
        give_up_after_s: float | None = None,
        leave: bool = False,
    ) -> bool:
        """One request and its answer; says whether there was one. What happened is an `exchange` in the journal."""
        reused = self.sock is not None
        if self.sock is None:
            self._connect()
        assert self.sock is not None
        self.seq += 1
        started = time.time()
        method = "OPTIONS" if command == "OPTIONS" else "POST"
        exchange: dict[str, Any] = {
            "seq": self.seq,
            "cmd": command,
            "method": method,
            "device_id": self.options["name"],
            "t_start": started,
            "req_body_wire": len(body),
            "req_body_plain": len(body),
        }
        if interval_s is not None:
            exchange |= {"heartbeat_requested": interval_s, "hanging_sync": command == "Sync", "folders": ["5"]}
        patience_s = interval_s + self.options.get("grace_s", 2.0) if interval_s is not None else 6.0
        self.sock.settimeout(patience_s if give_up_after_s is None else give_up_after_s)
        self.journal.write("asks", seq=self.seq, cmd=command, local=self.conn["local"])
        answer = None
        try:
            self.sock.sendall(self._head(command, method, body) + body)
            exchange["conn"] = [{**self.conn, "reused": reused, "t": started, "t_written": time.time()}]
            if not sockets.readable(self.sock, self.sock.gettimeout() or 0):
                raise TimeoutError
            exchange["t_first_byte"] = time.time()
            answer = sockets.read_message(self.sock, self.buffer)
            outcome = (
                "connection-closed-by-peer (EOF)" if answer is None else self._outcome(command, answer, interval_s)
            )
        except TimeoutError:
            outcome = "client-timeout" if give_up_after_s is None else "client-aborted"
        except (EOFError, ssl.SSLEOFError):
            outcome = "connection-closed-by-peer (EOF)"
        except ConnectionResetError:
            outcome = "connection-reset"
        except OSError as error:
            outcome = f"error {type(error).__name__}"
        exchange.setdefault("conn", [{**self.conn, "reused": reused, "t": started, "t_written": started}])
        exchange |= {"t_end": time.time(), "outcome": outcome}
        if answer is None:
            exchange.pop("t_first_byte", None)
        else:
            first, headers, received = answer
            exchange |= {"http_status": int(first.split()[1]), "resp_body_wire": len(received)}
            exchange |= {"resp_body_plain": len(received), "resp_Server": headers.get("server", "")}
        exchange["duration"] = exchange["t_end"] - started
        self.journal.write("exchange", **exchange)
        if leave:
            self.left.append(self.sock)  # kept open: the old network is gone, nothing can be sent there, not even a FIN
            self.sock = None
            return False
        closing = answer is not None and answer[1].get("connection") == "close"
        if answer is None or closing:
            self._close(outcome if answer is None else "Connection: close", self.options.get("close", "notify"))
            time.sleep(RECONNECT_PAUSE_S if outcome != "client-aborted" else 0.05)
        return outcome in ("ok", "changes", "heartbeat-expired")

    def _head(self, command: str, method: str, body: bytes) -> bytes:
        name = self.options["name"]
        query = "" if method == "OPTIONS" else f"?Cmd={command}&User={name.lower()}&DeviceId={name}&DeviceType=LabPhone"
        lines = [
            f"{method} {eas.PATH}{query} HTTP/1.1",
            "Host: eas.lab.test",
            f"User-Agent: {USER_AGENT}",
            f"X-Lab-Request: {name}/{self.seq}",
            f"Content-Length: {len(body)}",
        ]
        if method == "POST":
            lines += ["MS-ASProtocolVersion: 14.1", f"Content-Type: {eas.CONTENT_TYPE}"]
        return "\r\n".join([*lines, "", ""]).encode()

    @staticmethod
    def _outcome(command: str, answer: tuple[str, dict[str, str], bytes], interval_s: int | None) -> str:
        first, _, body = answer
        status = int(first.split()[1])
        if status != 200:
            return f"http-{status}"
        if interval_s is None:
            return "ok"
        if command == "Ping":
            return "changes" if eas.text_of(body, "Status") == str(eas.CHANGED) else "heartbeat-expired"
        return "changes" if body else "heartbeat-expired"


if __name__ == "__main__":
    Device(json.loads(sys.argv[1])).run()
