"""A message as a JSON line, with the keys that KEYS explains. `schema_version` changes when one of them does."""

from __future__ import annotations

import json
from typing import Any

from analyzer.decode.messages import Message
from analyzer.texts import rfc3339

SCHEMA_VERSION = 1

KEYS: dict[str, str] = {
    "schema_version": "1; another number when a key changes its meaning.",
    "capture": "The file.",
    "connection_id": "As in the table connections.",
    "number": "Number of the transaction on its connection, from 1; its request and its response share it.",
    "stream_id": "HTTP/2 stream. Null: HTTP/1.",
    "side": "request or response.",
    "missing": "Why this side is not there, and what became of the connection. Null: it is there.",
    "command": "Exchange ActiveSync command.",
    "device_id": "As the device says of itself. Null: not said.",
    "device_type": "As the device says of itself. Null: not said.",
    "protocol_version": "Version of Exchange ActiveSync. Null: not said.",
    "method": "HTTP method of the request.",
    "path": "Path of the request without its query, which names the user.",
    "query_form": "plain, base64, or none (a path without query).",
    "parameters": "The command's own parameters in the query; all but ids and flags are shown as their length.",
    "status": "HTTP status of the response.",
    "status_meaning": "What it means on Exchange ActiveSync. Null: no more than the number.",
    "eas_status": "Status at the top level of the response's body. Null: none.",
    "eas_status_meaning": "What it means for this command.",
    "http_version": "1.0, 1.1 or 2.",
    "start": "Time of the frame with the first byte (UTC, nanoseconds).",
    "end": "Time of the frame with the last byte.",
    "after_request_ns": "Of a response: nanoseconds from the end of the request to its first byte.",
    "first_frame": "Frame with the first byte.",
    "last_frame": "Frame with the last byte.",
    "complete": "Every byte is in the capture.",
    "headers": "Those of interest; secrets and people's names are replaced or left out.",
    "wire_bytes": "TCP payload that carried it: tls_bytes + head_bytes + body_bytes.",
    "tls_bytes": "TLS records' headers, nonces, padding, tags; of what is not complete also what nobody can tell.",
    "head_bytes": "First line, headers and framing.",
    "body_bytes": "Body as sent: compressed if it was.",
    "decoded_bytes": "Body after content decoding. Null: could not be decoded.",
    "body_kind": "none, wbxml, multipart, mime, xml, html, text, other, or unread (not whole, or not decoded).",
    "content_type": "Content-Type without its parameters.",
    "body": "XML of a WBXML body, personal text masked as «length»; other text only with --show-content.",
    "body_note": "What the body is or why it was not read, in words. Null: nothing to say.",
    "stopped_at": "Offset in the decoded body behind which nothing could be read. Null: read to its end.",
    "oddities": "What is odd in the body: list of {code, detail, offset}.",
}


def lines(messages: list[Message]) -> str:
    """A line for each message."""
    return "".join(f"{json.dumps(_row(message))}\n" for message in messages)


def _row(m: Message) -> dict[str, Any]:
    sizes, body = m.sizes, m.body
    return {
        "schema_version": SCHEMA_VERSION,
        "capture": m.capture,
        "connection_id": m.connection_id,
        "number": m.number,
        "stream_id": m.stream_id,
        "side": m.side,
        "missing": m.missing,
        "command": m.command,
        "device_id": m.device_id,
        "device_type": m.device_type,
        "protocol_version": m.protocol_version,
        "method": m.method,
        "path": m.path,
        "query_form": m.query_form,
        "parameters": m.parameters,
        "status": m.status,
        "status_meaning": m.status_meaning,
        "eas_status": m.eas_status,
        "eas_status_meaning": m.eas_status_meaning,
        "http_version": m.http_version,
        "start": _time(m.start_ns),
        "end": _time(m.end_ns),
        "after_request_ns": m.after_request_ns,
        "first_frame": m.first_frame,
        "last_frame": m.last_frame,
        "complete": m.complete,
        "headers": m.headers,
        "wire_bytes": sizes and sizes.wire,
        "tls_bytes": sizes and sizes.tls,
        "head_bytes": sizes and sizes.head,
        "body_bytes": sizes and sizes.body,
        "decoded_bytes": sizes and sizes.decoded,
        "body_kind": body and body.kind,
        "content_type": body and body.content_type,
        "body": body and body.content,
        "body_note": body and body.said,
        "stopped_at": body and body.stopped_at,
        "oddities": [odd._asdict() for odd in body.oddities] if body else [],
    }


def _time(nanoseconds: int | None) -> str | None:
    return None if nanoseconds is None else rfc3339(nanoseconds)
