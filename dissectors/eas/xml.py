"""Writes the tree of a WBXML body as indented XML, for people.

Well-formed for any tree: names from a body's string table and characters that XML forbids are made harmless. An element
names its namespace where it differs from its parent's. Opaque data is shown as its size only.
"""

import re
from collections.abc import Callable

from dissectors.eas.wbxml import Document, Element

INDENT = "  "
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]|^(?![A-Za-z_])")


def render(tree: Document | Element, text: Callable[[Element], str | None] | None = None) -> str:
    """The tree as XML, a line an element; "" when there is none.

    `text` gives what to show for an element's text, to mask it for instance; by default all text is shown.
    """
    root = tree.root if isinstance(tree, Document) else tree
    lines: list[str] = []
    pending: list[tuple[Element | str, int, str]] = [] if root is None else [(root, 0, "")]  # what, level, namespace
    while pending:
        item, level, namespace = pending.pop()
        if isinstance(item, str):
            lines.append(INDENT * level + item)
            continue
        name = _NOT_IN_NAMES.sub("_", item.name)
        tag = name if item.namespace == namespace else f'{name} xmlns="{_escaped(item.namespace)}"'
        content = (text(item) if text else item.text) or ""
        inside = _escaped(content)
        if item.opaque is not None:
            inside += f"<!-- {len(item.opaque)} opaque bytes -->"
        if not item.children:
            lines.append(INDENT * level + (f"<{tag}>{inside}</{name}>" if inside else f"<{tag}/>"))
            continue
        lines.append(f"{INDENT * level}<{tag}>{inside}")
        pending.append((f"</{name}>", level, ""))
        pending.extend((child, level + 1, item.namespace) for child in reversed(item.children))
    return "\n".join(lines)


def _escaped(text: str) -> str:
    safe = _FORBIDDEN.sub("\ufffd", text)
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
