"""The first line of an EAS request as a scapy packet, whichever form its query has.

Specification: MS-ASHTTP 2.2.1.1.1. Read by `dissectors.eas.query`. Set `form` to b"base64" or b"plain" and build:
the same request is written in the other form.

    line = EasRequestLine(cmd="Ping", user="anna", device_id="6F24CAD5", device_type="PocketPC")
    HTTP() / HTTPRequest(Method=line.method, Path=line.target, Host="mail.corp.example") / EasBody(...)

scapy has one class for the head of every HTTP request, so this one cannot stand in it: `request_line(packet)` reads it
from there. A line that nobody changed is built as it came; a changed one has its parameters in the order of the
specification. Locale, version and policy key have their place in the base64 form only; the policy key is built and not
shown. What is no request of EAS is Raw.
"""

import binascii
import re
from base64 import b64encode
from typing import Any, ClassVar
from urllib.parse import quote, unquote

from scapy.config import conf
from scapy.fields import AnyField, ConditionalField, StrField, XShortField
from scapy.layers.http import HTTPRequest
from scapy.packet import Packet

from dissectors.cursor import Cursor
from dissectors.eas.query import COMMAND_CODES, EasQuery, parse_query
from dissectors.scapy_layers.fields import BytesListField, SecretField, as_bytes

MAX_LINE_BYTES = 65_536

_LINE = re.compile(rb"(?P<method>[!-~]{1,32}) +(?P<target>[^\s]+)(?: +(?P<version>HTTP/\d\.\d))? *(?:\r?\n|\Z)")
_CODES = {name: code for code, name in COMMAND_CODES.items()}
_UNKNOWN_COMMAND = re.compile(r"unknown \((\d{1,3})\)")
# MS-ASHTTP 2.2.1.1.1.1.3; 2 and 5 only in Z-Push and Horde.
_TAGS = {
    "AttachmentName": 0,
    "CollectionId": 1,
    "CollectionName": 2,
    "ItemId": 3,
    "LongId": 4,
    "ParentId": 5,
    "Occurrence": 6,
}
_UNKNOWN_TAG = re.compile(r"Tag-(\d{1,3})")
_OPTIONS, _USER = 7, 8
_OPTION_BITS = {"SaveInSent": 0x01, "AcceptMultiPart": 0x02}
_MAX_LENGTH = 255


def _is_base64(line: Packet) -> bool:
    return bool(line.form == b"base64")


class EasRequestLine(Packet):
    """A request line. Strings are taken as bytes; `device_id` may be the 16 bytes of a GUID in the base64 form."""

    name = "EAS request line"
    fields_desc: ClassVar[list[AnyField]] = [
        StrField("method", b"POST"),
        StrField("path", b"/Microsoft-Server-ActiveSync"),
        StrField("form", b"plain"),  # plain, base64, or none: no query, as OPTIONS has
        StrField("cmd", b"Ping"),
        StrField("user", b""),
        StrField("device_id", b""),
        StrField("device_type", b""),
        ConditionalField(StrField("protocol_version", b"14.1"), _is_base64),
        ConditionalField(XShortField("locale", 0x0409), _is_base64),  # Windows LCID: en-US
        ConditionalField(SecretField("policy_key", b""), _is_base64),  # as on the wire: four bytes or none
        BytesListField("parameters", []),  # (name, value) of the command's own, by their plain names
        StrField("http_version", b"HTTP/1.1"),
    ]

    @classmethod
    def dispatch_hook(cls, _pkt: bytes | None = None, *_: Any, **__: Any) -> type[Packet]:
        """Raw for what is no request line of EAS."""
        return conf.raw_layer if _pkt and _read(bytes(_pkt)) is None else cls

    def do_dissect(self, s: bytes) -> bytes:
        found = _read(s)
        if found is None:
            return s
        match, query = found
        target = match["target"]
        self.fields["method"] = match["method"]
        self.fields["path"] = target.partition(b"?")[0]
        self.fields["form"] = query.form.encode()
        self.fields["cmd"] = _sent(query.command)
        self.fields["user"] = _sent(query.user)
        self.fields["device_id"] = _sent(query.device_id)
        self.fields["device_type"] = _sent(query.device_type)
        self.fields["parameters"] = [(name.encode(), value.encode()) for name, value in query.parameters]
        self.fields["http_version"] = match["version"] or b""
        if query.form == "base64":
            self.fields["protocol_version"] = _sent(query.protocol_version)
            self.fields["locale"] = query.locale
            self.fields |= _kept_from_eyes(target.partition(b"?")[2])
        self.raw_packet_cache = match[0]
        self.raw_packet_cache_fields = {"parameters": list(self.fields["parameters"])}
        self.explicit = 1
        return s[match.end() :]

    def self_build(self) -> bytes:
        parameters = self.getfieldval("parameters")
        if self.raw_packet_cache is not None and self.raw_packet_cache_fields == {"parameters": parameters}:
            return self.raw_packet_cache
        words = (self._bytes("method"), self._target(), self._bytes("http_version"))
        return b" ".join(filter(None, words)) + b"\r\n"

    @property
    def target(self) -> bytes:
        """The request target: the Path of scapy's HTTPRequest."""
        return self.self_build().split()[1]

    def mysummary(self) -> str:
        return f"EAS {self._bytes('cmd').decode('latin-1') or self._bytes('method').decode('latin-1')}"

    def _bytes(self, field: str) -> bytes:
        value = self.getfieldval(field)
        return b"" if value is None else as_bytes(value)

    def _parameters(self) -> list[tuple[bytes, bytes]]:
        return [(as_bytes(name), as_bytes(value)) for name, value in self.getfieldval("parameters")]

    def _target(self) -> bytes:
        form, path = self._bytes("form"), self._bytes("path")
        if form == b"none":
            return path
        return path + b"?" + (b64encode(self._binary()) if form == b"base64" else self._plain())

    def _plain(self) -> bytes:
        """MS-ASHTTP 2.2.1.1.1.2."""
        pairs = [
            (b"Cmd", self._bytes("cmd")),
            (b"User", self._bytes("user")),
            (b"DeviceId", _readable(self._bytes("device_id"))),
            (b"DeviceType", _readable(self._bytes("device_type"))),
            *self._parameters(),
        ]
        return b"&".join(f"{quote(name)}={quote(value, safe=':')}".encode() for name, value in pairs if value)

    def _binary(self) -> bytes:
        """MS-ASHTTP 2.2.1.1.1.1, before it becomes base64. ValueError for what it cannot say."""
        command = self._bytes("cmd").decode("latin-1")
        unknown = _UNKNOWN_COMMAND.fullmatch(command)
        code = int(unknown[1]) if unknown else _CODES.get(command)
        version = self._bytes("protocol_version").replace(b".", b"")
        if code is None or not version.isdigit():
            raise ValueError(f"the base64 form has no code for the command {command!r} or the protocol version")
        output = bytearray((int(version), code))
        output += int(self.getfieldval("locale")).to_bytes(2, "little")
        for field in ("device_id", "policy_key", "device_type"):
            output += _with_length(self._bytes(field))
        options = 0
        for name, value in self._parameters():
            bit = _OPTION_BITS.get(name.decode("latin-1"))
            if bit:
                options |= bit if value == b"T" else 0
            else:
                output += bytes((_tag(name.decode("latin-1")),)) + _with_length(value)
        if options:
            output += bytes((_OPTIONS, 1, options))
        if user := self._bytes("user"):
            output += bytes((_USER,)) + _with_length(user)
        return bytes(output)


def request_line(packet: Packet) -> EasRequestLine | None:
    """The EAS request line in a packet with an HTTPRequest; None when it has none.

    To put a changed one back: `packet[HTTPRequest].Path = line.target`.
    """
    http = packet.getlayer(HTTPRequest)
    if http is None:
        return None
    line = EasRequestLine(b" ".join(as_bytes(word) for word in (http.Method, http.Path, http.Http_Version)) + b"\r\n")
    return line if isinstance(line, EasRequestLine) else None


def _read(s: bytes) -> tuple[re.Match[bytes], EasQuery] | None:
    match = _LINE.match(s[:MAX_LINE_BYTES])
    query = parse_query(match["target"].decode("latin-1")) if match else None
    return (match, query) if match and query else None


def _sent(value: str | None) -> bytes:
    return (value or "").encode()


def _kept_from_eyes(query: bytes) -> dict[str, bytes]:
    """What `parse_query` does not tell of a base64 query it has read: the policy key, and ids as they were sent."""
    text = "".join(unquote(query.partition(b"#")[0].decode("latin-1")).split())
    text = text.translate({ord("-"): "+", ord("_"): "/"}).rstrip("=")
    cursor = Cursor(binascii.a2b_base64(text + "=" * (-len(text) % 4)), 4)
    return {field: cursor.take(cursor.u8()) for field in ("device_id", "policy_key", "device_type")}


def _readable(value: bytes) -> bytes:
    """An id as the plain form has it: text, or the hexadecimal digits of a GUID."""
    return value if all(0x20 < byte < 0x7F for byte in value) else value.hex().upper().encode()


def _tag(name: str) -> int:
    unknown = _UNKNOWN_TAG.fullmatch(name)
    number = int(unknown[1]) if unknown else _TAGS.get(name)
    if number is None or number > _MAX_LENGTH:
        raise ValueError(f"the base64 form has no tag for the parameter {name!r}")
    return number


def _with_length(value: bytes) -> bytes:
    if len(value) > _MAX_LENGTH:
        raise ValueError(f"{len(value)} bytes do not fit into the base64 form, which has one byte for the length")
    return bytes((len(value),)) + value
