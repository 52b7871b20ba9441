"""NOTIFY over UDP as a scapy packet: the mailbox server tells the front-end that a watched folder has changed.

    NOTIFY httpu://fe1.corp.example:2883/42 HTTP/1.1
    Subscription-id: 17, 18

MSDN aa142938; read by `dissectors.notify`, whose docstrings tell what is inference. Bound to port 2883; a server may
have been given another one:

    bind_bottom_up(UDP, Notify, dport=3883)

A datagram that nobody changed is built as it came. A changed one has the usual first line, its other lines as they
were, its ids in one header, and CRLF line ends. What follows the head is Raw, and so is all that is no NOTIFY.
"""

import re
from typing import Any, ClassVar

from scapy.config import conf
from scapy.fields import AnyField, StrField
from scapy.packet import Packet

from dissectors.notify import Notification, read_notify
from dissectors.scapy_layers.fields import BytesListField, as_bytes

NOTIFY_PORT = 2883  # of Exchange 2003; the text of its event 3015 names it

_HEAD_END = re.compile(rb"(?>\r\n|\n|\r){2}")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_ID_NAME = b"subscription-id"


class Notify(Packet):
    """One NOTIFY: `Notify(uri="httpu://fe1.corp.example:2883/42", subscription_ids=[17, 18])`."""

    name = "NOTIFY"
    fields_desc: ClassVar[list[AnyField]] = [
        StrField("method", b"NOTIFY"),
        StrField("uri", b"httpu://localhost:2883/"),
        StrField("http_version", b"HTTP/1.1"),
        BytesListField("subscription_ids", []),  # none: unsolicited
        BytesListField("headers", []),  # the other lines
    ]

    @classmethod
    def dispatch_hook(cls, _pkt: bytes | None = None, *_: Any, **__: Any) -> type[Packet]:
        """Raw for what is no NOTIFY: SSDP, SIP and anything else."""
        if _pkt and not isinstance(read_notify(bytes(_pkt)), Notification):
            return conf.raw_layer
        return cls

    def do_dissect(self, s: bytes) -> bytes:
        found = read_notify(s)
        if not isinstance(found, Notification):
            return s
        start = len(s) - len(s.lstrip(b"\r\n\t "))
        end = _HEAD_END.search(s, start)
        stop = end.end() if end else len(s)
        first_line, *lines = _LINE_END.split(s[start:stop])
        words = first_line.decode("latin-1").split()  # as the reader does: it takes more for spaces than bytes do
        self.fields["method"] = found.method.encode("latin-1")
        self.fields["uri"] = found.target.encode("latin-1")
        self.fields["http_version"] = words[2].encode("latin-1") if len(words) > 2 else b""
        self.fields["subscription_ids"] = [number.encode() for number in found.subscription_ids]
        self.fields["headers"] = _without_ids(lines)
        self.raw_packet_cache = s[:stop]
        self.raw_packet_cache_fields = {name: list(self.fields[name]) for name in ("subscription_ids", "headers")}
        self.explicit = 1
        return s[stop:]

    def self_build(self) -> bytes:
        ids, headers = self.getfieldval("subscription_ids"), self.getfieldval("headers")
        if self.raw_packet_cache is not None and self.raw_packet_cache_fields == {
            "subscription_ids": ids,
            "headers": headers,
        }:
            return self.raw_packet_cache
        words = (self.getfieldval(name) for name in ("method", "uri", "http_version"))
        lines = [b" ".join(filter(None, map(as_bytes, words)))]
        lines += map(as_bytes, headers)
        if ids:  # last: the other lines may begin with one that is folded
            lines.append(b"Subscription-id: " + b", ".join(map(as_bytes, ids)))
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def mysummary(self) -> str:
        ids = b", ".join(self.subscription_ids).decode("ascii", "replace")
        return f"NOTIFY {ids}" if ids else "NOTIFY, unsolicited"


def _without_ids(lines: list[bytes]) -> list[bytes]:
    """The header lines that do not list ids; a folded line belongs to the header before it, if there is one."""
    kept: list[bytes] = []
    name = b""
    for line in filter(None, lines):
        if not name or line[:1] not in (b" ", b"\t"):
            raw, colon, _ = line.partition(b":")
            name = raw.strip().lower() if colon and _NAME.fullmatch(raw.strip()) else b""
        if name != _ID_NAME:
            kept.append(line)
    return kept
