"""Encodes a tree of elements as WBXML, the way EAS clients and servers write it (MS-ASWBXML 2.1).

The pair of `wbxml.decode`: header 03 01 6A 00, a SWITCH_PAGE only where the page changes, strings inline, opaque data
with its length. Within one element the text comes first, then opaque data, then the children.

Left out: attributes, LITERAL tags and the string table, which EAS does not use.
"""

from dissectors.eas import codepages
from dissectors.eas.walk import END, HAS_CONTENT, OPAQUE, STR_I, SWITCH_PAGE, USUAL_HEADER
from dissectors.eas.wbxml import Document, Element

_FIRST_TOKEN, _LAST_TOKEN, _LAST_PAGE = 0x05, 0x3F, 0xFF


def element(qualified_name: str, *content: "Element | str | bytes | int") -> Element:
    """An element to encode: `element("Ping:Folder", element("Ping:Id", "5"), element("Ping:Class", "Email"))`.

    A string or number is text, bytes are opaque data. KeyError when no code page has the tag.
    """
    key = codepages.key(qualified_name)
    result = Element(key >> 8, key & 0xFF)
    for part in content:
        if isinstance(part, Element):
            result.children.append(part)
        elif isinstance(part, bytes):
            result.opaque = (result.opaque or b"") + part
        else:
            result.text = (result.text or "") + str(part)
    return result


def encode(tree: Document | Element) -> bytes:
    """The WBXML body of a tree. ValueError for what WBXML cannot say: a text with NUL, a token or page out of range."""
    root = tree.root if isinstance(tree, Document) else tree
    if root is None:
        raise ValueError("a document without a root element")
    output = bytearray(USUAL_HEADER)
    page = 0
    pending: list[Element | None] = [root]  # None: the END of an element
    while pending:
        item = pending.pop()
        if item is None:
            output.append(END)
            continue
        if not (_FIRST_TOKEN <= item.token <= _LAST_TOKEN and 0 <= item.page <= _LAST_PAGE):
            raise ValueError(f"token {item.token} on page {item.page} cannot be encoded")
        if item.page != page:
            page = item.page
            output += bytes((SWITCH_PAGE, page))
        if item.text is None and item.opaque is None and not item.children:
            output.append(item.token)
            continue
        output.append(item.token | HAS_CONTENT)
        if item.text is not None:
            text = item.text.encode()
            if b"\0" in text:
                raise ValueError("a WBXML string cannot hold NUL")
            output += b"%c%b\0" % (STR_I, text)
        if item.opaque is not None:
            output.append(OPAQUE)
            output += integer(len(item.opaque))
            output += item.opaque
        pending.append(None)
        pending.extend(reversed(item.children))
    return bytes(output)


def integer(value: int) -> bytes:
    """A number as mb_u_int32."""
    if not 0 <= value < 1 << 32:
        raise ValueError(f"{value} is not a 32-bit number")
    output = [value & 0x7F]
    while value := value >> 7:
        output.append(value & 0x7F | 0x80)
    return bytes(reversed(output))
