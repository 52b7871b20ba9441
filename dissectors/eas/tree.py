"""The tree of a message with a known root, and ways to pick values from it: what most typed commands are built on.

Ping, Sync and FolderSync are read by a walk of their own, as they are most of the traffic; the others are rare and
small enough for a tree (`wbxml.decode`). Every method takes None for an element that is not there and says None, so
that a path into a message that is cut or odd needs no questions on its way.
"""

from collections.abc import Iterator

from dissectors.eas.numbers import number
from dissectors.eas.oddity import Oddity
from dissectors.eas.walk import is_wbxml
from dissectors.eas.wbxml import Document, Element, decode


class Tree:
    """A decoded body, and the odd things met in it. Tags are given as keys, see `codepages.key`."""

    __slots__ = ("_found", "complete", "root")

    def __init__(self, document: Document) -> None:
        self.root = document.root  # None: cut before its first tag
        self.complete = document.complete
        self._found = {oddity.code: oddity for oddity in document.anomalies}

    @property
    def oddities(self) -> tuple[Oddity, ...]:
        """The first of each kind."""
        return tuple(self._found.values())

    def note(self, code: str, offset: int | None, detail: str) -> None:
        """Remember something odd; only the first of each code is kept."""
        self._found.setdefault(code, Oddity(code, detail, offset))

    def child(self, parent: Element | None, *path: int) -> Element | None:
        """The first child with this tag; with several tags, the way down."""
        for key in path:
            if parent is None:
                return None
            parent = next((child for child in parent.children if child.key == key), None)
        return parent

    def children(self, parent: Element | None, key: int) -> list[Element]:
        """All children with this tag."""
        return [] if parent is None else [child for child in parent.children if child.key == key]

    def below(self, parent: Element | None, *keys: int) -> Iterator[Element]:
        """All elements with one of these tags on any level below, in the order of the body."""
        pending = [] if parent is None else parent.children[::-1]
        while pending:
            element = pending.pop()
            if element.key in keys:
                yield element
            pending += reversed(element.children)

    def text(self, parent: Element | None, key: int) -> str | None:
        """The text of a child."""
        found = self.child(parent, key)
        return None if found is None else found.text

    def texts(self, parent: Element | None, *keys: int) -> tuple[str, ...]:
        """The texts of all elements with one of these tags on any level below."""
        return tuple(found.text for found in self.below(parent, *keys) if found.text is not None)

    def number(self, parent: Element | None, *path: int) -> int | None:
        """The number in a child; None and a note when it holds something else."""
        return self.number_in(self.child(parent, *path))

    def number_in(self, element: Element | None) -> int | None:
        """The number that an element holds; None and a note when it holds something else."""
        if element is None or element.text is None:
            return None
        return number(self, element.text.encode(), element.start)

    def flag(self, parent: Element | None, key: int) -> bool:
        """Whether a child is there and does not say "0": a boolean may be an empty tag (MS-ASCMD 2.2.3.84)."""
        found = self.child(parent, key)
        return found is not None and (found.text or "").strip() != "0"

    def range(self, parent: Element | None, key: int) -> tuple[int, int] | None:
        """The first and the last index in a child, both counted (MS-ASCMD 2.2.3.143): "0-9" is ten."""
        found = self.child(parent, key)
        if found is None or found.text is None:
            return None
        first, _, last = found.text.partition("-")
        low, high = (number(self, part.encode(), found.start) for part in (first, last))
        return None if low is None or high is None else (low, high)


def read(body: bytes, *roots: int) -> Tree | None:
    """The tree of a body; None when that is no WBXML, or when its root has none of these tags."""
    if not is_wbxml(body):
        return None
    document = decode(body)
    if document.root is not None and document.root.key not in roots:
        return None
    return Tree(document)


def size(element: Element | None) -> int | None:
    """The bytes of an element in the body, from its tag to after its END."""
    return None if element is None else element.end - element.start
