"""Walks over the elements of a WBXML body without building a tree: the one place that reads WBXML tokens.

Specification: WAP-192 (WBXML 1.3), as MS-ASWBXML 2.1 narrows it. EAS uses tags, END, SWITCH_PAGE, STR_I and OPAQUE.
What else WBXML allows (string table, LITERAL tags, entities, attributes, processing instructions, extensions) is read
or passed over by its rules and noted as odd, so that no body stops the analysis.

How it stays fast on Sync answers of several 100 KB: a caller names the elements that it wants only the size of
(`whole`). Their content is passed over by a regular expression that takes any run of simple elements at once, with only
a counter for the nesting. How it stays bounded: nesting deeper than `max_depth` is passed over in the same way, and so
is the rest of every open element after `max_elements`; the spans of what was seen are right even then.

Left out: attributes and extensions are passed over, not decoded. Text stays bytes here, see `Walk.text`.
"""

import re
from collections.abc import Iterator, Set

from dissectors.cursor import Cursor
from dissectors.eas.oddity import Oddity
from dissectors.errors import LimitExceeded, Truncated

MAX_DEPTH = 64  # the name of an attendee of an exception of a meeting in a Sync stands on level 11
MAX_ELEMENTS = 500_000
MAX_NAME_CHARACTERS = 256  # of a LITERAL tag

OPEN, CLOSE, LEAF = 0, 1, 2

# (kind, depth, key, text, opaque, start, end). OPEN: an element with content begins; only depth, key and start count
# yet. CLOSE: it has ended. LEAF: a whole element at once: one that is empty or holds one string, or whose content was
# passed over. `depth` is 1 for the root; `key` is page << 8 | token (see codepages); `start` is the offset of the tag
# byte (after a SWITCH_PAGE before it), `end` that after its END. `text` and `opaque` are what stood directly inside,
# joined; None when there was none.
Event = tuple[int, int, int, bytes | None, bytes | None, int, int]

# Global tokens (MS-ASWBXML 1.6). All others are tags: six bits of name, two flags.
SWITCH_PAGE, END, ENTITY, STR_I, LITERAL, STR_T, OPAQUE, PI = 0x00, 0x01, 0x02, 0x03, 0x04, 0x83, 0xC3, 0x43
NAME_BITS, HAS_CONTENT, HAS_ATTRIBUTES = 0x3F, 0x40, 0x80
_EXT_STRINGS, _EXT_INTEGERS = (0x40, 0x41, 0x42), (0x80, 0x81, 0x82)

USUAL_HEADER = b"\x03\x01\x6a\x00"  # WBXML 1.3, unknown public identifier, UTF-8, no string table
_LAST_VERSION = 0x03
# By IANA MIBenum. 0 is "unknown", in practice UTF-8; 3 is US-ASCII, read as UTF-8 so that entities fit in.
_CODECS = {0: "utf-8", 3: "utf-8", 4: "latin-1", 106: "utf-8"}

# Runs that are passed over at once. The alternatives differ in their first byte and are possessive: no backtracking.
# Long texts are left out: `find` gets over them ten times as fast.
_SIMPLE_ELEMENTS = re.compile(rb"(?:[\x45-\x7f]\x03[^\x00]{0,100}+\x00\x01|[\x05-\x3f])++").match
_OPENING_TAGS = re.compile(rb"(?:[\x45-\x7f](?!\x03))++").match

_NO_KEYS: frozenset[int] = frozenset()


class Header:
    """What stands before the root element. Reading it raises `Truncated` or `LimitExceeded`."""

    __slots__ = ("charset", "codec", "end", "public_id", "string_table", "version")

    def __init__(self, body: bytes) -> None:
        if body.startswith(USUAL_HEADER):
            self.version, self.public_id, self.charset, self.string_table, self.end = 3, 1, 106, b"", 4
        else:
            cursor = Cursor(body)
            self.version = cursor.u8()
            self.public_id = integer(cursor)
            if self.public_id == 0:
                integer(cursor)  # its place in the string table
            self.charset = integer(cursor) if self.version else 0  # WBXML 1.0 has no charset
            self.string_table = cursor.take(integer(cursor))
            self.end = cursor.position
        self.codec = _CODECS.get(self.charset, "utf-8")


class Walk:
    """Iterate it once for the events of a body; afterwards `complete` and `oddities` say how that went.

    `complete`: the root element was there up to its END. Reached limits and odd tokens do not change that.
    """

    __slots__ = ("_found", "body", "complete", "header", "max_depth", "max_elements", "whole")

    def __init__(
        self,
        body: bytes,
        *,
        whole: Set[int] = _NO_KEYS,
        max_depth: int = MAX_DEPTH,
        max_elements: int = MAX_ELEMENTS,
    ) -> None:
        self.body = body
        self.whole = whole  # keys of the elements whose content is passed over
        self.max_depth = max_depth
        self.max_elements = max_elements
        self.complete = False
        self.header: Header | None = None
        self._found: dict[str, Oddity] = {}

    def __iter__(self) -> Iterator[Event]:
        body = self.body
        stack: list[_OpenElement] = []
        try:
            yield from self._events(stack)
        except Truncated:
            self.note("wbxml_truncated", len(body), "the body ends too early")
        except LimitExceeded:
            self.note("wbxml_bad_integer", None, "a number is longer than 32 bits")
        while stack:  # what was cut off has a size all the same: what there is of it
            yield _close(stack, len(body))

    @property
    def oddities(self) -> tuple[Oddity, ...]:
        """The first of each kind, in the order they were met."""
        return tuple(self._found.values())

    def note(self, code: str, offset: int | None, detail: str) -> None:
        """Remember something odd; only the first of each code is kept."""
        self._found.setdefault(code, Oddity(code, detail, offset))

    def text(self, raw: bytes | None) -> str | None:
        """An event's text as a string; bytes that are not in the declared charset become U+FFFD."""
        if raw is None:
            return None
        codec = self.header.codec if self.header else "utf-8"
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            self.note("wbxml_bad_text", None, f"a text is not {codec}")
            return raw.decode(codec, "replace")

    def literal(self, offset: int) -> str:
        """The name of the LITERAL tag at `offset`, which an event has brought."""
        name = self._table_text(integer(Cursor(self.body, offset + 1)), offset)
        return (self.text(name) or "")[:MAX_NAME_CHARACTERS]

    def _events(self, stack: list["_OpenElement"]) -> Iterator[Event]:
        """The events; elements still open are left on `stack` when the body ends."""
        body, whole, max_depth, left = self.body, self.whole, self.max_depth, self.max_elements
        if not is_wbxml(body):
            self.note("wbxml_not", 0, "the body does not begin like WBXML")
            return
        self.header = header = Header(body)
        if header.charset not in _CODECS:
            self.note("wbxml_charset", 0, f"charset {header.charset} is read as UTF-8")
        position, end, page, depth = header.end, len(body), 0, 0
        while position < end:
            token = body[position]
            name = token & NAME_BITS
            if name >= LITERAL:  # a tag
                if not left:
                    self.note("wbxml_element_limit", position, f"only {self.max_elements} elements were looked into")
                    while stack:
                        position, page = _after_content(body, position, page)
                        yield _close(stack, position)
                    break
                left -= 1
                start = position
                key = page << 8 | name
                position += 1
                if token & HAS_ATTRIBUTES or name == LITERAL:
                    position = self._after_tag(start)
                if not token & HAS_CONTENT:
                    yield LEAF, depth + 1, key, None, None, start, position
                    if not depth:
                        break
                    continue
                if position < end and body[position] == STR_I:
                    stop = body.find(0, position)
                    if 0 < stop < end - 1 and body[stop + 1] == END:  # one string and END, like most elements
                        yield LEAF, depth + 1, key, body[position + 1 : stop], None, start, stop + 2
                        position = stop + 2
                        if not depth:
                            break
                        continue
                if key in whole or depth == max_depth:
                    if key not in whole:
                        self.note("wbxml_depth_limit", start, f"below level {max_depth} nothing was looked into")
                    try:
                        position, page = _after_content(body, position, page)
                    except (Truncated, LimitExceeded):
                        yield LEAF, depth + 1, key, None, None, start, end
                        raise
                    yield LEAF, depth + 1, key, None, None, start, position
                    if not depth:
                        break
                    continue
                stack.append((key, start, [], []))
                depth += 1
                yield OPEN, depth, key, None, None, start, position
            elif token == END:
                position += 1
                if not stack:
                    self.note("wbxml_stray_token", position - 1, "END without an open element")
                    continue
                yield _close(stack, position)
                depth -= 1
                if not depth:
                    break
            elif token == SWITCH_PAGE:
                position += 2
                if position > end:
                    raise Truncated
                page = body[position - 1]
            else:
                position = self._content(position, stack)
        else:
            raise Truncated  # the root element has not ended, or never came
        self.complete = True
        if position < end:
            self.note("wbxml_trailing_bytes", position, f"{end - position} bytes after the end of the root element")

    def _content(self, position: int, stack: list["_OpenElement"]) -> int:
        """Take in the string, entity, opaque data, instruction or extension at `position`; the offset after it."""
        body = self.body
        token = body[position]
        after = _after_global_token(body, position)
        if not stack and token != PI:
            self.note("wbxml_stray_token", position, "content outside of the root element")
        elif token == STR_I:
            stack[-1][2].append(body[position + 1 : after - 1])
        elif token == OPAQUE:
            cursor = Cursor(body, position + 1)
            stack[-1][3].append(cursor.take(integer(cursor)))
        elif token == ENTITY:  # excluded from EAS (MS-ASWBXML 2.1.3), as is all that follows
            self.note("wbxml_entity", position, "a character as an entity")
            number = integer(Cursor(body, position + 1))
            character = chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
            codec = self.header.codec if self.header else "utf-8"
            stack[-1][2].append(character.encode(codec, "xmlcharrefreplace"))
        elif token == STR_T:
            self.note("wbxml_string_table", position, "a text from the string table")
            stack[-1][2].append(self._table_text(integer(Cursor(body, position + 1)), position))
        elif token == PI:
            self.note("wbxml_instruction", position, "a processing instruction, passed over")
        else:
            self.note("wbxml_extension", position, f"extension token 0x{token:02X}, passed over")
        return after

    def _after_tag(self, start: int) -> int:
        """The offset after a LITERAL tag or a tag with attributes, and its attributes."""
        if self.body[start] & HAS_ATTRIBUTES:
            self.note("wbxml_attributes", start, "a tag with attributes, which were passed over")
        if self.body[start] & NAME_BITS == LITERAL:
            self.note("wbxml_literal", start, "a tag with its name in the string table")
        return _after_tag(self.body, start)

    def _table_text(self, offset: int, position: int) -> bytes:
        table = self.header.string_table if self.header else b""
        if offset >= len(table):
            self.note("wbxml_string_table_range", position, f"offset {offset} in a string table of {len(table)} bytes")
            return b""
        stop = table.find(0, offset)
        return table[offset : stop if stop >= 0 else len(table)]


_OpenElement = tuple[int, int, list[bytes], list[bytes]]  # key, start, texts, opaque parts


def is_wbxml(body: bytes) -> bool:
    """Whether a body begins like WBXML, with a version from 1.0 to 1.3; MIME, XML and HTML never do."""
    return bool(body) and body[0] <= _LAST_VERSION


def integer(cursor: Cursor) -> int:
    """The next mb_u_int32: seven bits a byte, the most significant first."""
    value = 0
    for _ in range(5):
        byte = cursor.u8()
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value
    raise LimitExceeded


def _close(stack: list[_OpenElement], end: int) -> Event:
    depth = len(stack)
    key, start, texts, opaques = stack.pop()
    text = b"".join(texts) if texts else None
    return CLOSE, depth, key, text, b"".join(opaques) if opaques else None, start, end


def _after_content(body: bytes, position: int, page: int) -> tuple[int, int]:
    """From inside an element: the offset after its END, and the page in force there. Raises `Truncated`."""
    level, end = 1, len(body)
    while position < end:
        token = body[position]
        if token == END:
            position += 1
            level -= 1
            if not level:
                return position, page
        elif token == SWITCH_PAGE:
            position += 2
            if position > end:
                raise Truncated
            page = body[position - 1]
        elif token & NAME_BITS < LITERAL:
            position = _after_global_token(body, position)
        elif run := _SIMPLE_ELEMENTS(body, position):
            position = run.end()
        elif run := _OPENING_TAGS(body, position):
            level += run.end() - position
            position = run.end()
        elif token < HAS_ATTRIBUTES and token & NAME_BITS > LITERAL:  # it holds a text, which is long or not alone
            position = body.find(0, position + 2) + 1
            if not position:
                raise Truncated
            level += 1
        else:
            position = _after_tag(body, position)
            level += bool(token & HAS_CONTENT)
    raise Truncated


def _after_tag(body: bytes, position: int) -> int:
    """The offset after the tag at `position`, its name when it is a LITERAL, and its attributes."""
    cursor = Cursor(body, position)
    token = cursor.u8()
    if token & NAME_BITS == LITERAL:
        integer(cursor)
    if token & HAS_ATTRIBUTES:
        _pass_attributes(cursor)
    return cursor.position


def _pass_attributes(cursor: Cursor) -> None:
    """Move behind the END of a list of attributes: their names, values and global tokens."""
    while (token := cursor.u8()) != END:
        if token & NAME_BITS == LITERAL:
            integer(cursor)
        elif token & NAME_BITS < LITERAL:
            if token == PI:
                continue  # no instruction can stand here; a name that nobody has
            cursor.position = _after_global_token(cursor.data, cursor.position - 1)


def _after_global_token(body: bytes, position: int) -> int:
    """The offset after a token that is no tag, with what belongs to it."""
    cursor = Cursor(body, position)
    token = cursor.u8()
    if token == STR_I or token in _EXT_STRINGS:
        stop = body.find(0, position + 1)
        if stop < 0:
            raise Truncated
        return stop + 1
    if token == OPAQUE:
        cursor.take(integer(cursor))
    elif token in (ENTITY, STR_T) or token in _EXT_INTEGERS:
        integer(cursor)
    elif token == SWITCH_PAGE:  # of the attributes' own pages
        cursor.u8()
    elif token == PI:
        _pass_attributes(cursor)
    return cursor.position
