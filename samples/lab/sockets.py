"""Socket options and TLS contexts that the lab's device, server and strangers share."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
from typing import Any


def keep_alive(sock: socket.socket, seconds: list[int]) -> None:
    """TCP keep-alives: after so much silence, then so often."""
    idle_s, every_s = seconds
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, every_s)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 9)


def client_context(options: dict[str, Any]) -> ssl.SSLContext:
    """The lab's certificates are its own: they are not checked. Keys are logged."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.keylog_filename = options["keylog"]
    if options.get("tls") == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    if options.get("ciphers"):
        context.set_ciphers(options["ciphers"])
    return context


def server_context(options: dict[str, Any]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options["certificate"])
    return context


def close(sock: socket.socket, how: str) -> None:
    """Ends a connection: "notify" (TLS close_notify, then FIN), "fin" (FIN alone) or "rst"."""
    if how == "notify" and isinstance(sock, ssl.SSLSocket):
        sock.setblocking(False)
        with contextlib.suppress(OSError, ValueError):  # the notify goes out; the peer's is not waited for
            sock.unwrap()
    if how == "rst":
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        sock.close()


def readable(sock: socket.socket, within_s: float) -> bool:
    """Whether something can be read now or within that time."""
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return True
    return bool(select.select([sock], [], [], within_s)[0])


def read_message(sock: socket.socket, buffer: bytearray) -> tuple[str, dict[str, str], bytes] | None:
    """The next HTTP/1.1 message: first line, headers, body. None: the peer closed in good order before one began."""
    while (end := buffer.find(b"\r\n\r\n")) < 0:
        if not _more(sock, buffer):
            if buffer:
                raise EOFError
            return None
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    del buffer[: end + 4]
    if "content-length" not in headers and headers.get("connection") == "close":
        while _more(sock, buffer):
            pass
        length = len(buffer)
    else:
        length = int(headers.get("content-length", 0))
    while len(buffer) < length:
        if not _more(sock, buffer):
            raise EOFError
    body = bytes(buffer[:length])
    del buffer[:length]
    return first, headers, body


def _more(sock: socket.socket, buffer: bytearray) -> bool:
    part = sock.recv(65536)
    buffer += part
    return bool(part)
