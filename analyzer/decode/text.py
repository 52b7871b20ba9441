"""A transaction as a block for people.

    Ping  2026-11-21 23:26:20.123456789 UTC  connection 3, request 5  device ... (iPhone)  protocol 14.1
    > POST /Microsoft-Server-ActiveSync  HTTP/1.1
      the frames, the sizes, the headers, the body
    < HTTP/1.1 200
      the same, and what the status means

An empty line follows each block. What comes from the capture is made harmless where it is taken from there.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.decode.messages import Message, Sizes
from analyzer.findings.words import plain, short
from analyzer.texts import utc

PATH_SHOWN = 200  # characters
ODDITIES = 5
INDENT = "  "


def block(messages: list[Message], *, name_capture: bool = False) -> str:
    """The block of a transaction, with the empty line behind it."""
    request, response = messages
    lines = [_title(request, response, name_capture)]
    for message in messages:
        lines.append(_first_line(message))
        lines += [f"{INDENT}{line}".rstrip() for line in _rest(message)]
    return "\n".join(lines) + "\n\n"


def _title(request: Message, response: Message, name_capture: bool) -> str:
    start_ns = response.start_ns if request.start_ns is None else request.start_ns
    place = f"connection {request.connection_id}, request {request.number}"
    if request.stream_id is not None:
        place += f", stream {request.stream_id}"
    parts = [plain(request.command), "" if start_ns is None else f"{utc(start_ns)} UTC", place]
    if request.device_id:
        kind = f" ({plain(request.device_type)})" if request.device_type else ""
        parts.append(f"device {plain(request.device_id)}{kind}")
    if request.protocol_version:
        parts.append(f"protocol {plain(request.protocol_version)}")
    if name_capture:
        parts.append(plain(request.capture, PATH_SHOWN))
    return "  ".join(part for part in parts if part)


def _first_line(m: Message) -> str:
    mark = ">" if m.side == "request" else "<"
    if m.missing is not None:
        return f"{mark} {m.missing}"
    if m.side == "request":
        query = "".join(f"  {name}={value}" for name, value in m.parameters.items())
        asked = {"plain": f"  Cmd={plain(m.command)}", "base64": f"  Cmd={plain(m.command)} (base64)"}
        line = f"{plain(m.method or '')} {plain(m.path or '', PATH_SHOWN)}{asked.get(m.query_form or '', '')}{query}"
        return f"{mark} {line}  HTTP/{m.http_version}"
    meaning = f"  ({m.status_meaning})" if m.status_meaning else ""
    return f"{mark} HTTP/{m.http_version} {m.status}{meaning}"


def _rest(m: Message) -> Iterator[str]:
    if m.sizes is None or m.body is None:
        return
    yield _where(m)
    yield _sizes(m.sizes, m.complete)
    for name, value in m.headers.items():
        yield f"{name}: {value}"
    if m.eas_status is not None:
        yield f"status {m.eas_status}: {m.eas_status_meaning}"
    body = m.body
    if body.content is not None:
        yield from ("", *body.content.split("\n"))
    if body.said is not None:
        yield f"[{body.said}]"
    for odd in body.oddities[:ODDITIES]:
        place = "" if odd.offset is None else f" at byte {odd.offset:,}"
        yield f"[odd{place}: {odd.detail} (directpush explain {odd.code})]"
    if not m.complete:
        yield "[not every byte of this message is in the capture]"


def _where(m: Message) -> str:
    frames = f"frame {m.first_frame}" if m.first_frame == m.last_frame else f"frames {m.first_frame}-{m.last_frame}"
    if m.start_ns is None or m.end_ns is None:
        return frames
    times = f"{frames}  {utc(m.start_ns)}"
    if m.end_ns != m.start_ns:
        day, time = utc(m.end_ns).split()
        times += f" to {time if utc(m.start_ns).startswith(day) else utc(m.end_ns)}"
    if m.after_request_ns is not None:
        times += f", {short(m.after_request_ns / 1e9)} after the request"
    return times


def _sizes(s: Sizes, complete: bool) -> str:
    tls = f"{s.tls:,} {'TLS' if complete else 'TLS or not in the capture'}"
    whole = f"{s.wire:,} bytes TCP payload = {tls} + {s.head:,} HTTP head + {s.body:,} body"
    if s.decoded is None:
        return f"{whole} (not decoded)"
    return whole if s.decoded == s.body else f"{whole} ({s.decoded:,} decoded)"
