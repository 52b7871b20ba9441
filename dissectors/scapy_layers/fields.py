"""The kinds of fields that WBXML bodies and text lines need, and scapy has not.

Values are kept as they are meant: numbers, trees, lists of bytes. Dissecting is up to the packets, which have decoders
for it; fields take values in, build, copy and show them.
"""

from typing import Any

from scapy.fields import Field, StrField

from dissectors.eas import privacy, xml
from dissectors.eas.walk import USUAL_HEADER
from dissectors.eas.wbxml import Element
from dissectors.eas.wbxml_encode import element, encode, integer

SECRET = "(secret)"


class MultiByteField(Field[int, int]):
    """A number as mb_u_int32: seven bits a byte (WAP-192 5.1)."""

    def addfield(self, pkt: Any, s: bytes, val: int | None) -> bytes:
        return s + integer(val or 0)


class TableField(StrField):
    """The string table: its length as mb_u_int32, and its bytes (WAP-192 5.7)."""

    def addfield(self, pkt: Any, s: bytes, val: bytes | None) -> bytes:
        return s + integer(len(val or b"")) + (val or b"")


class TreeField(Field[Element | None, bytes]):
    """The root element with all below it. A string makes an empty element: "FolderHierarchy:FolderSync"."""

    ismutable = True

    def any2i(self, pkt: Any, x: Any) -> Element | None:
        if x is None or isinstance(x, Element):
            return x
        if isinstance(x, str):
            return element(x)
        raise TypeError(f"the root of a body is an Element or its name, not {type(x).__name__}")

    def i2repr(self, pkt: Any, x: Element | None) -> str:
        return "None" if x is None else f"\n{render(x)}"

    def addfield(self, pkt: Any, s: bytes, val: Element | None) -> bytes:
        return s if val is None else s + encode(val)[len(USUAL_HEADER) :]

    def do_copy(self, x: Element | None) -> Element | None:
        return None if x is None else _copied(x)

    def randval(self) -> Any:
        """None: `fuzz` leaves trees alone."""
        return None


class NotesField(Field[list[str], bytes]):
    """What is odd about the bytes, in words; nothing of it is sent."""

    islist = 1

    def addfield(self, pkt: Any, s: bytes, val: list[str] | None) -> bytes:
        return s

    def randval(self) -> Any:
        """None: `fuzz` leaves lists alone."""
        return None


class BytesListField(Field[list[Any], bytes]):
    """A list of strings, or of tuples of strings; strings and numbers become bytes."""

    islist = 1

    def any2i(self, pkt: Any, x: Any) -> list[Any]:
        items = x if isinstance(x, list | tuple) else [] if x is None else [x]
        return [tuple(map(as_bytes, item)) if isinstance(item, tuple | list) else as_bytes(item) for item in items]

    def randval(self) -> Any:
        """None: `fuzz` leaves lists alone."""
        return None


class SecretField(StrField):
    """Bytes that are built and not shown."""

    def i2repr(self, pkt: Any, x: Any) -> str:
        return SECRET if x else repr(x)


def as_bytes(value: Any) -> bytes:
    """A string, a number, or bytes, as bytes."""
    return bytes(value) if isinstance(value, bytes | bytearray) else str(value).encode()


def render(root: Element) -> str:
    """The tree as XML; of passwords, policy keys and policy data only that they are there."""

    def text(item: Element) -> str | None:
        return SECRET if item.text and privacy.kind_of(item.page, item.token) == "secret" else item.text

    return xml.render(root, text)


def _copied(root: Element) -> Element:
    top = _alone(root)
    pending = [(root, top)]
    while pending:
        item, copy = pending.pop()
        copy.children = [_alone(child) for child in item.children]
        pending += zip(item.children, copy.children, strict=True)
    return top


def _alone(item: Element) -> Element:
    """The element without its children."""
    return Element(
        item.page,
        item.token,
        text=item.text,
        opaque=item.opaque,
        start=item.start,
        end=item.end,
        literal=item.literal,
    )
