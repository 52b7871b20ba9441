"""A WBXML body of Exchange ActiveSync as a scapy packet: a header and the tree of its elements.

Specification: MS-ASWBXML. The tree is that of `dissectors.eas.wbxml`, not a packet for each element: a Sync answer has
thousands of them, and scapy goes down into packets by recursion. Edit it in place:

    packet[EasBody].find("HeartbeatInterval").text = "900"

Under an HTTPResponse chunks, gzip and deflate are undone here: since 2.8 scapy does that after it has chosen the layer,
and for Raw only. A body that nobody changed is built as it came, coded bytes included; a changed one is written as
devices and servers write it (`wbxml_encode`): what `odd` lists may then be gone, and so is the order of an element's
text and children, when it has both.

Left out, and so Raw: what is not WBXML, another charset than UTF-8, tags in the string table, bodies beyond the
decoder's limits, multipart bodies.
"""

import json
from functools import lru_cache
from typing import Any, ClassVar

from scapy.config import conf
from scapy.fields import AnyField, ByteEnumField, ConditionalField, StrField
from scapy.layers.http import HTTPResponse
from scapy.packet import Packet

from dissectors.eas import walk
from dissectors.eas.wbxml import Document, Element, decode
from dissectors.eas.wbxml_encode import encode
from dissectors.http import codings
from dissectors.scapy_layers.fields import MultiByteField, NotesField, TableField, TreeField, render

_VERSIONS = {1: "WBXML 1.1", 2: "WBXML 1.2", 3: "WBXML 1.3"}
_UTF_8 = 106
_UTF_8_CHARSETS = (0, 3, _UTF_8)  # unknown, US-ASCII, UTF-8 (IANA MIBenum)
_NOT_WHOLE = ("wbxml_depth_limit", "wbxml_element_limit")
_MAX_CHUNK_DIGITS = 8


class _ContentType(bytes):
    """The content type of EAS, which equals any way to write it (MS-ASHTTP 2.2.1.1.2.3; parameters may follow)."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, bytes):
            return False
        name = bytes(other).partition(b";")[0].strip().lower()
        return name in (b"application/vnd.ms-sync.wbxml", b"application/vnd.ms-sync")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return 0


EAS_CONTENT_TYPE = _ContentType(b"application/vnd.ms-sync.wbxml")


class EasBody(Packet):
    """A body; `EasBody(root=element("Ping:Ping", ...))` makes one, without a root it is empty."""

    name = "EAS body"
    __slots__ = ["coded"]
    fields_desc: ClassVar[list[AnyField]] = [
        ByteEnumField("version", 3, _VERSIONS),
        MultiByteField("public_id", 1),
        MultiByteField("charset", _UTF_8),
        TableField("string_table", b""),
        TreeField("root", None),
        ConditionalField(StrField("trailing", b""), lambda body: bool(body.fields.get("trailing"))),
        ConditionalField(NotesField("odd", []), lambda body: bool(body.fields.get("odd"))),
    ]
    coded: bytes | None  # as it was in the response, when that names codings

    def __init__(self, *arguments: Any, **fields: Any) -> None:
        object.__setattr__(self, "coded", None)
        super().__init__(*arguments, **fields)

    @classmethod
    def dispatch_hook(cls, _pkt: bytes | None = None, *_: Any, **options: Any) -> type[Packet]:
        """Raw for what cannot be read."""
        if _pkt and _read(bytes(_pkt), _codings(options.get("_underlayer"))) is None:
            return conf.raw_layer
        return cls

    def do_dissect(self, s: bytes) -> bytes:
        found = _read(s, _codings(self.underlayer))
        if found is None:
            return s
        body, document = found
        assert document.root is not None
        # `found` is remembered and may be handed out again: the tree is copied.
        self.fields["root"] = self.get_field("root").do_copy(document.root)
        self.fields["version"] = document.version
        self.fields["public_id"] = document.public_id
        self.fields["charset"] = document.charset
        self.fields["string_table"] = document.string_table
        self.fields["trailing"] = body[document.root.end :]
        self.fields["odd"] = [f"{oddity.code}: {oddity.detail}" for oddity in document.anomalies]
        self.raw_packet_cache = body
        self.explicit = 1
        http = self.underlayer
        if isinstance(http, HTTPResponse) and _codings(http):
            object.__setattr__(self, "coded", http.original[len(http.original) - http._original_len :])
        return b""

    def self_build(self) -> bytes:
        body, changed = self._built()
        http = self.underlayer
        # A response that is built anew codes its payload itself; the dissected one is copied and leaves that to us.
        if not isinstance(http, HTTPResponse) or http.raw_packet_cache is None or not _codings(http):
            return body
        if self.coded is not None and not changed:
            return self.coded
        return bytes(http.post_build(b"", body))  # type: ignore[no-untyped-call]

    @property
    def load(self) -> bytes:
        """The body without HTTP's codings.

        Not to be set: scapy.layers.http sets the load of any payload to what it has decompressed, and the bytes to
        build with it, unless that fails.
        """
        return self._built()[0]

    def xml(self) -> str:
        """The tree as indented XML. Passwords, policy keys and policy data are not shown."""
        root: Element | None = self.root
        return "" if root is None else render(root)

    def find(self, name: str) -> Element | None:
        """The first element named "Page:Tag" or "Tag", in the order of the body."""
        pending: list[Element] = [] if self.root is None else [self.root]
        while pending:
            item = pending.pop()
            if name in (item.name, f"{item.page_name}:{item.name}"):
                return item
            pending.extend(reversed(item.children))
        return None

    def copy(self) -> "EasBody":
        clone = super().copy()
        object.__setattr__(clone, "coded", self.coded)
        return clone

    def clone_with(self, payload: Any = None, **fields: Any) -> Any:
        clone = super().clone_with(payload, **fields)
        object.__setattr__(clone, "coded", self.coded)
        return clone

    def mysummary(self) -> str:
        return "EAS body, empty" if self.root is None else f"EAS {self.root.name}"

    def command(self) -> str:
        """The expression that makes this body again."""
        return f"EasBody({self.load!r})" if self.root is not None else "EasBody()"

    def json(self) -> str:
        return json.dumps({"root": self.xml()})

    def __repr__(self) -> str:
        return f"<EasBody  root={self.root!r} |{self.payload!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EasBody) and self.load == other.load and bool(self.payload == other.payload)

    __hash__ = None  # as of every scapy packet: it can be changed

    def _built(self) -> tuple[bytes, bool]:
        """The bytes of the body, and whether they are others than those that were dissected."""
        captured, root = self.raw_packet_cache, self.root
        if root is None:
            return bytes(self.getfieldval("trailing")), True
        if captured is not None and encode(root) == encode(decode(captured)):
            return captured, False
        return super().self_build(), True


@lru_cache(maxsize=1)  # asked by dispatch_hook and again by do_dissect
def _read(s: bytes, coded: tuple[str, ...] | None) -> tuple[bytes, Document] | None:
    """The body in these bytes, and what it says; None when it is not for this layer."""
    if coded is None:
        return None
    body = _decoded(s, coded)
    if body is None or not walk.is_wbxml(body):
        body = s  # scapy up to 2.7 has undone the codings before; and some servers announce one and use none
    if not walk.is_wbxml(body):
        return None
    document = decode(body)
    root = document.root
    if root is None or document.version not in _VERSIONS or document.charset not in _UTF_8_CHARSETS:
        return None
    if not document.public_id or any(oddity.code in _NOT_WHOLE for oddity in document.anomalies):
        return None
    try:
        encode(root)
    except ValueError:
        return None
    return body, document


def _codings(http: Packet | None) -> tuple[str, ...] | None:
    """The codings of an HTTP response; None: the user has told scapy to keep them."""
    if not isinstance(http, HTTPResponse):
        return ()
    settings = conf.contribs["http"]
    encodings = http._get_encodings()  # type: ignore[no-untyped-call]
    found = tuple(str(name) for name in encodings if name not in ("", "identity"))
    # scapy sets `load` of a payload that it may not decompress: only Raw has one.
    return found if settings["auto_compression"] and (settings["auto_chunk"] or "chunked" not in found) else None


def _decoded(s: bytes, coded: tuple[str, ...]) -> bytes | None:
    body: bytes | None = _without_chunks(s) if "chunked" in coded else s
    names = ",".join(name for name in coded if name != "chunked")
    return codings.decode(body, names)[0] if body and names else body


def _without_chunks(s: bytes) -> bytes | None:
    """A chunked body put together (RFC 9112 7.1), as far as it goes; None when it is not chunked."""
    parts: list[bytes] = []
    position = 0
    while position < len(s):
        end = s.find(b"\r\n", position)
        digits = s[position:end].partition(b";")[0].strip()
        if end < 0 or not 0 < len(digits) <= _MAX_CHUNK_DIGITS or digits.strip(b"0123456789abcdefABCDEF"):
            return b"".join(parts) if parts else None
        size = int(digits, 16)
        if not size:
            break
        parts.append(s[end + 2 : end + 2 + size])
        position = end + 2 + size + 2
    return b"".join(parts)
