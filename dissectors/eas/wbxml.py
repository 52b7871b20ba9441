"""Decodes a WBXML body into a tree of elements.

Specification: MS-ASWBXML. `walk` reads the tokens; its docstring tells the limits and what is left out. Every body
gives a `Document`: of a cut one the elements that were there, of an odd one notes in `anomalies`.
"""

from dataclasses import dataclass

from dissectors.eas import codepages, walk
from dissectors.eas.oddity import Oddity


class Element:
    """One element. `start` and `end` are offsets in the body: of its tag byte, and after its END."""

    __slots__ = ("children", "end", "literal", "opaque", "page", "start", "text", "token")

    def __init__(
        self,
        page: int,
        token: int,
        *,
        children: "list[Element] | None" = None,
        text: str | None = None,
        opaque: bytes | None = None,
        start: int = 0,
        end: int = 0,
        literal: str | None = None,
    ) -> None:
        self.page = page
        self.token = token  # 0x05 to 0x3F; 0x04 for a LITERAL
        self.children = [] if children is None else children
        self.text = text  # all the strings directly inside, joined; None when there was none
        self.opaque = opaque  # all opaque data directly inside, joined
        self.start = start
        self.end = end
        self.literal = literal  # its name when that came from the string table

    @property
    def name(self) -> str:
        """The tag, or "Unknown-0x3A"."""
        return self.literal if self.literal is not None else codepages.tag_name(self.page, self.token)

    @property
    def key(self) -> int:
        """Page and token as one number, see `codepages.key`."""
        return self.page << 8 | self.token

    @property
    def page_name(self) -> str:
        """The name of its code page, or "Unknown-page-0x1E"."""
        return codepages.page_name(self.page)

    @property
    def namespace(self) -> str:
        """Its XML namespace, or "Unknown-page-0x1E"."""
        return codepages.namespace(self.page)

    def find(self, name: str) -> "Element | None":
        """The first child with this tag."""
        return next((child for child in self.children if child.name == name), None)

    def __repr__(self) -> str:
        return f"<Element {self.page_name}:{self.name} bytes {self.start}-{self.end}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A decoded body."""

    root: Element | None  # None: nothing could be read
    version: int | None  # the header's first byte: 3 is WBXML 1.3
    public_id: int | None
    charset: int | None  # IANA MIBenum, 106 is UTF-8
    string_table: bytes
    complete: bool  # the root element was there up to its END
    anomalies: tuple[Oddity, ...]  # the first of each kind


def decode(body: bytes, *, max_depth: int = walk.MAX_DEPTH, max_elements: int = walk.MAX_ELEMENTS) -> Document:
    """The tree of a WBXML body. Never raises on odd bytes; takes time and memory in proportion to them."""
    events = walk.Walk(body, max_depth=max_depth, max_elements=max_elements)
    root: Element | None = None
    open_elements: list[Element] = []
    for kind, _, key, text, opaque, start, end in events:
        if kind == walk.CLOSE:
            element = open_elements.pop()
            element.text, element.opaque, element.end = events.text(text), opaque, end
            continue
        element = Element(key >> 8, key & 0xFF, text=events.text(text), opaque=opaque, start=start, end=end)
        if element.token == walk.LITERAL:
            element.literal = events.literal(start)
        elif key not in codepages.NAMES:
            events.note("wbxml_unknown_tag", start, f"token 0x{element.token:02X} on page {element.page}")
        if open_elements:
            open_elements[-1].children.append(element)
        else:
            root = element
        if kind == walk.OPEN:
            open_elements.append(element)
    header = events.header
    return Document(
        root=root,
        version=header.version if header else None,
        public_id=header.public_id if header else None,
        charset=header.charset if header else None,
        string_table=header.string_table if header else b"",
        complete=events.complete,
        anomalies=events.oddities,
    )
