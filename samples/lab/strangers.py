"""Other long-lived traffic over TLS that must not be taken for ActiveSync: a server and a client of each kind.

`python -m samples.lab.strangers OPTIONS`, with OPTIONS as those of the server or the device and `role`, `kind`. Times
are scaled as everywhere in the lab. What they say follows the protocols as far as lengths and rhythm go.
"""

from __future__ import annotations

import json
import random
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from samples.lab import sockets
from samples.lab.journal import Journal

Talk = Callable[[ssl.SSLSocket], None]
RUNS_S = 28.0


def main(options: dict[str, Any]) -> None:
    serve, use = KINDS[options["kind"]]
    journal = Journal(options["journal"])
    random.seed(options["kind"])
    if options["role"] == "server":
        listener = socket.create_server((options["listen"], options["port"]))
        context = sockets.server_context(options)
        journal.write("ready")
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=_served, args=(serve, context, sock), daemon=True).start()
    journal.write("start")
    sock = socket.create_connection(
        (options["server"], options["port"]), source_address=(options["source"], options["first_port"])
    )
    with sockets.client_context(options).wrap_socket(sock, server_hostname="other.lab.test") as tls:
        journal.write("connected", local=f"{options['source']}:{options['first_port']}")
        use(tls)
        sockets.close(tls, "notify")
    journal.write("end")


def _served(serve: Talk, context: ssl.SSLContext, sock: socket.socket) -> None:
    try:
        serve(context.wrap_socket(sock, server_side=True))
    except (OSError, EOFError):
        return


def _drain(sock: ssl.SSLSocket, seconds: float) -> bytes:
    """What comes within that time."""
    until, found = time.monotonic() + seconds, b""
    while (left := until - time.monotonic()) > 0:
        if sockets.readable(sock, left):
            part = sock.recv(65536)
            if not part:
                raise EOFError
            found += part
    return found


def _http(first: str, body: bytes = b"", *headers: str) -> bytes:
    return "\r\n".join([first, *headers, f"Content-Length: {len(body)}", "", ""]).encode() + body


# ---------------------------------------------------------------------------------------------- IMAP IDLE (RFC 2177)


def imap_server(sock: ssl.SSLSocket) -> None:
    sock.sendall(b"* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n")
    mails = 7
    while line := sock.recv(4096).decode():
        tag = line.split(" ")[0].strip()
        if "IDLE" in line:
            sock.sendall(b"+ idling\r\n")
            started = time.monotonic()
            while not sockets.readable(sock, 1.0):
                if mails % 2 and time.monotonic() - started > 3:
                    mails += 1
                    sock.sendall(f"* {mails} EXISTS\r\n* 1 RECENT\r\n".encode())
            mails += 1
            sock.recv(4096)  # DONE
            sock.sendall(f"{tag} OK IDLE terminated\r\n".encode())
        elif "FETCH" in line:
            sock.sendall(b"* 8 FETCH (BODY[HEADER] {900}\r\n" + b"x" * 900 + b")\r\n" + f"{tag} OK\r\n".encode())
        else:
            sock.sendall(f"{tag} OK {line.split()[1]} completed\r\n".encode())


def imap_client(sock: ssl.SSLSocket) -> None:
    sock.recv(4096)
    for number, command in enumerate(["LOGIN user invented", "SELECT INBOX"]):
        sock.sendall(f"a{number} {command}\r\n".encode())
        sock.recv(4096)
    for number in range(4):
        sock.sendall(f"b{number} IDLE\r\n".encode())
        _drain(sock, 8.0)
        sock.sendall(b"DONE\r\n")
        _drain(sock, 0.2)
        if number % 2 == 0:
            sock.sendall(f"c{number} FETCH 8 BODY.PEEK[HEADER]\r\n".encode())
            _drain(sock, 0.3)


# ----------------------------------------------------------------------------------------------- WebSocket (RFC 6455)


def websocket_server(sock: ssl.SSLSocket) -> None:
    sock.recv(4096)
    upgrade = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    sock.sendall(f"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{upgrade}\r\n\r\n".encode())
    for turn in range(100):
        sock.sendall(b"\x89\x04ping")
        _drain(sock, 4.0)
        if turn % 3 == 1:
            sock.sendall(b"\x82\x7e\x01\x2c" + bytes(300))


def websocket_client(sock: ssl.SSLSocket) -> None:
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    head = f"GET /live HTTP/1.1\r\nHost: other.lab.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n"
    sock.sendall(head.encode() + b"Sec-WebSocket-Version: 13\r\n\r\n")
    until = time.monotonic() + RUNS_S
    while time.monotonic() < until:
        if b"\x89\x04ping" in _drain(sock, 0.2):
            sock.sendall(b"\x8a\x84abcd" + b"ping")
        if random.random() < 0.02:
            sock.sendall(b"\x82\xc0abcd" + bytes(64))


# --------------------------------------------------------------------------------------- server-sent events, long poll


def events_server(sock: ssl.SSLSocket) -> None:
    sockets.read_message(sock, bytearray())
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for turn in range(100):
        text = b":\n\n" if turn % 4 else b"event: news\ndata: " + b"n" * random.randint(40, 400) + b"\n\n"
        sock.sendall(f"{len(text):x}\r\n".encode() + text + b"\r\n")
        time.sleep(3.0)


def events_client(sock: ssl.SSLSocket) -> None:
    sock.sendall(_http("GET /events HTTP/1.1", b"", "Host: other.lab.test", "Accept: text/event-stream"))
    _drain(sock, RUNS_S)


def poll_server(sock: ssl.SSLSocket) -> None:
    buffer, turn = bytearray(), 0
    while (message := sockets.read_message(sock, buffer)) is not None:
        if message[0].startswith("GET"):
            turn += 1
            time.sleep(6.0 if turn % 3 else 2.2)
        news = json.dumps(
            {"events": [{"id": turn, "text": "invented " * random.randint(3, 30)}] if turn % 3 == 0 else []}
        )
        sock.sendall(_http("HTTP/1.1 200 OK", news.encode(), "Content-Type: application/json", "Server: chat"))


def poll_client(sock: ssl.SSLSocket) -> None:
    buffer, cookie = bytearray(), "Cookie: session=" + "0123456789abcdef" * 4
    until = time.monotonic() + RUNS_S
    while time.monotonic() < until:
        sock.sendall(_http(f"GET /poll?since={time.time():.3f} HTTP/1.1", b"", "Host: other.lab.test", cookie))
        sockets.read_message(sock, buffer)
        if random.random() < 0.4:
            sock.sendall(
                _http("POST /say HTTP/1.1", b'{"text":"an invented sentence"}', "Host: other.lab.test", cookie)
            )
            sockets.read_message(sock, buffer)


# --------------------------------------------------------------------------------------------------------- MAPI/HTTP


def mapi_server(sock: ssl.SSLSocket) -> None:
    buffer, turn = bytearray(), 0
    while (message := sockets.read_message(sock, buffer)) is not None:
        turn += 1
        kind = "Content-Type: application/mapi-http"
        if message[1].get("x-requesttype") != "NotificationWait":
            sock.sendall(_http("HTTP/1.1 200 OK", b"DONE\r\n\r\n" + bytes(random.randint(200, 1500)), kind))
            continue
        sock.sendall(f"HTTP/1.1 200 OK\r\n{kind}\r\nTransfer-Encoding: chunked\r\n\r\nc\r\nPROCESSING\r\n\r\n".encode())
        left = 7.0 if turn % 4 else 2.5
        while left > 0:
            time.sleep(min(3.0, left))
            left -= 3.0
            if left > 0:
                sock.sendall(b"9\r\nPENDING\r\n\r\n")
        done = b"DONE\r\nX-ElapsedTime: 7000\r\n\r\n" + bytes(16)
        sock.sendall(f"{len(done):x}\r\n".encode() + done + b"\r\n0\r\n\r\n")


def mapi_client(sock: ssl.SSLSocket) -> None:
    until, turn = time.monotonic() + RUNS_S, 0
    while time.monotonic() < until:
        turn += 1
        kind = "NotificationWait" if turn % 3 else "Execute"
        headers = ["Host: other.lab.test", f"X-RequestType: {kind}", "Content-Type: application/mapi-http"]
        body = bytes(8 if kind == "NotificationWait" else random.randint(150, 900))
        sock.sendall(_http("POST /mapi/emsmdb/ HTTP/1.1", body, *headers, "X-ClientInfo: {invented}:1"))
        data = b""
        while not data.endswith(b"0\r\n\r\n" if kind == "NotificationWait" else b"\0"):
            data += sock.recv(65536)


# ------------------------------------------------------------------------------------------------- browsing, push


def pages_server(sock: ssl.SSLSocket) -> None:
    buffer = bytearray()
    while sockets.read_message(sock, buffer) is not None:
        time.sleep(random.uniform(0.01, 0.3))
        body = random.randbytes(random.randint(200, 30_000))
        sock.sendall(_http("HTTP/1.1 200 OK", body, "Content-Type: text/html", "Server: pages"))


def pages_client(sock: ssl.SSLSocket) -> None:
    until, buffer = time.monotonic() + RUNS_S, bytearray()
    while time.monotonic() < until:
        for number in range(random.randint(1, 6)):
            sock.sendall(_http(f"GET /page/{number} HTTP/1.1", b"", "Host: other.lab.test", "Accept: */*"))
            sockets.read_message(sock, buffer)
        time.sleep(random.uniform(1.0, 6.0))


def push_server(sock: ssl.SSLSocket) -> None:
    sock.recv(4096)
    sock.sendall(bytes(40))
    for turn in range(100):
        frames = _drain(sock, random.uniform(2.0, 6.0))
        if b"\x0c" in frames:
            sock.sendall(b"\x0d\0\0\0\0")
        if turn % 3 == 2:
            sock.sendall(b"\x0a" + bytes(random.randint(150, 600)))


def push_client(sock: ssl.SSLSocket) -> None:
    sock.sendall(b"\x07" + bytes(90))
    until = time.monotonic() + RUNS_S
    while time.monotonic() < until:
        if b"\x0a" in _drain(sock, 7.0):
            sock.sendall(b"\x0b\0\0\0\x05\x08\x0100\0")
        sock.sendall(b"\x0c\0\0\0\0")


KINDS: dict[str, tuple[Talk, Talk]] = {
    "imap_idle": (imap_server, imap_client),
    "websocket": (websocket_server, websocket_client),
    "server_sent_events": (events_server, events_client),
    "long_poll": (poll_server, poll_client),
    "mapi_notification_wait": (mapi_server, mapi_client),
    "browsing": (pages_server, pages_client),
    "push_service": (push_server, push_client),
}

if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
