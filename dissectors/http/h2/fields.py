"""Header blocks of HTTP/2 → header fields (HPACK, RFC 7541), also where the beginning of the table is not known.

An indexed field counts back from the newest entry of the table. So whoever begins in the middle of a connection, or
lost some of it, still reads every entry that was inserted since; only what points further back is unknown, is left out
and is counted. Such a table also keeps as much as it may, for how much the encoder keeps is not known either. Otherwise
its size is what the encoder says in the blocks; SETTINGS_HEADER_TABLE_SIZE of the other side only bounds that, and any
change of it reaches the blocks (RFC 7541 4.2).

Secrets are reduced when a field is made (`redact`): the table holds no secret. Huffman codes and the static table are
those of the `hpack` library, whose decoder knows no unknown entries and copies the rest of a block for each field.
"""

import re
from collections import deque
from typing import Final, NamedTuple

from hpack.exceptions import HPACKError
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

from dissectors.errors import DissectorError
from dissectors.http.heads import MAX_HEAD_BYTES
from dissectors.http.redact import basic_user, redactor, without_userinfo

DEFAULT_TABLE_BYTES: Final = 4096
MAX_TABLE_BYTES: Final = 64 * 1024  # what browsers ask for; a larger table is followed as far as this
MAX_LIST_BYTES: Final = MAX_HEAD_BYTES  # of the fields of one block, as RFC 7541 4.1 counts them
MAX_CACHED_TEXTS: Final = 4096
MAX_CACHED_TEXT_BYTES: Final = 512

_ENTRY_OVERHEAD: Final = 32  # RFC 7541 4.1
_MAX_INTEGER_BYTES: Final = 5  # RFC 7541 5.1: enough for 32 bits
_LEAST_ENTRIES: Final = MAX_TABLE_BYTES // _ENTRY_OVERHEAD
_NAME: Final = re.compile(r":?[!#$%&'*+\-.^_`|~0-9a-z]+")
_OF_CONNECTIONS: Final = frozenset(("connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"))
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Field(NamedTuple):
    """One header field."""

    name: str  # in lower case; empty when it is none
    value: str  # secrets reduced
    size: int  # RFC 7541 4.1
    user: str | None  # of HTTP Basic, in `authorization`
    raw_name: bytes
    problem: str | None  # what RFC 9113 8.2 forbids about it, in words


class Block(NamedTuple):
    """What a header block says."""

    fields: list[Field]
    unknown: int  # fields left out: they refer to what is not in the capture
    problem: str | None  # the block breaks off here, in words
    too_large: bool  # fields beyond MAX_LIST_BYTES were left out


class _BadBlock(DissectorError):
    """The block is not HPACK."""


class _Texts(dict[bytes, bytes]):
    """Huffman code → text, bounded."""

    def __missing__(self, code: bytes) -> bytes:
        try:
            text = decode_huffman(code)
        except HPACKError:
            raise _BadBlock("a Huffman code is wrong") from None
        if len(code) <= MAX_CACHED_TEXT_BYTES:
            if len(self) >= MAX_CACHED_TEXTS:
                self.clear()
            self[code] = text
        return text


_text = _Texts().__getitem__


def make_field(raw_name: bytes, raw_value: bytes) -> Field:
    """A field as it may leave the parser."""
    name = raw_name.decode("latin-1").lower()
    value = raw_value.decode("latin-1").strip(" \t")
    user = None
    if name == ":authority":
        value = value.rpartition("@")[2]
    elif name == ":path":
        value = value if value.startswith("/") else without_userinfo(value)
    else:
        if name == "authorization":
            user = basic_user(value)
        reduce = redactor(name)
        value = reduce(value) if reduce else value
    problem = None
    if not _NAME.fullmatch(name):
        name, problem = "", "a field name with forbidden characters"
    elif name in _OF_CONNECTIONS:
        problem = "a field that belongs to HTTP/1.1 connections"
    elif raw_name != name.encode("ascii"):
        problem = "a field name with capital letters"
    elif not value.isprintable() and _UNPRINTABLE.search(value):
        problem = "control characters in a field value"
    return Field(name, value, _ENTRY_OVERHEAD + len(raw_name) + len(raw_value), user, raw_name, problem)


_STATIC: Final = tuple(make_field(name, value) for name, value in HeaderTable.STATIC_TABLE)
_STATIC_NAMES: Final = tuple(name for name, _ in HeaderTable.STATIC_TABLE)
_FIRST_DYNAMIC: Final = 0x81 + len(_STATIC)  # in the byte of an indexed field


class FieldTable:
    """The dynamic table of one side."""

    __slots__ = ("_entries", "_size", "limit", "whole")

    def __init__(self) -> None:
        self.whole = True  # every entry that may be referred to is known
        self.limit = DEFAULT_TABLE_BYTES
        self._entries: deque[Field | None] = deque()  # newest first; None: its name is not known
        self._size = 0

    def lose(self) -> None:
        """Blocks are missing from the capture, or could not be read: nobody knows what they inserted."""
        self._entries.clear()
        self._size = 0
        self.whole = False
        self.limit = MAX_TABLE_BYTES

    def decode(self, block: bytes, cut: bool = False) -> Block:
        """The fields of a block. `cut`: there is more of it, which is not in the capture."""
        fields: list[Field] = []
        unknown = listed = position = 0
        problem: str | None = None
        try:
            while position < len(block):
                first = block[position]
                position += 1
                if 0x80 < first < _FIRST_DYNAMIC:  # RFC 7541 6.1: indexed, of the static table
                    field: Field | None = _STATIC[first - 0x81]
                elif first & 0x80:  # indexed
                    index, position = _integer(block, position, first, 7)
                    field = self._at(index)
                elif first & 0xE0 == 0x20:  # 6.3: size update
                    size, position = _integer(block, position, first, 5)
                    self._resize(size)
                    continue
                else:  # 6.2: literal, with incremental indexing or without
                    index, position = _integer(block, position, first, 6 if first & 0x40 else 4)
                    if index:
                        raw_name = self._name_at(index)
                    else:
                        raw_name, position = _string(block, position)
                    value, position = _string(block, position)
                    field = None if raw_name is None else make_field(raw_name, value)
                    if first & 0x40:
                        self._insert(field)
                if field is None:
                    unknown += 1
                else:
                    listed += field.size
                    if listed <= MAX_LIST_BYTES:
                        fields.append(field)
        except IndexError:
            problem = None if cut else "it ends in the middle of a field"
        except _BadBlock as bad:
            problem = str(bad)
        if problem or cut:
            self.lose()
        return Block(fields, unknown, problem, listed > MAX_LIST_BYTES)

    def _at(self, index: int) -> Field | None:
        """The field that an index means (RFC 7541 2.3.3); None when it is not known."""
        if 0 < index <= len(_STATIC):
            return _STATIC[index - 1]
        place = index - len(_STATIC) - 1
        if 0 <= place < len(self._entries):
            return self._entries[place]
        if place < 0 or self.whole or place >= _LEAST_ENTRIES:
            raise _BadBlock("an index points outside of the table")
        return None

    def _name_at(self, index: int) -> bytes | None:
        if index <= len(_STATIC):
            return _STATIC_NAMES[index - 1]
        field = self._at(index)
        return None if field is None else field.raw_name

    def _insert(self, field: Field | None) -> None:
        """RFC 7541 4.4: the oldest entries make room; what is too large leaves the table empty."""
        self._entries.appendleft(field)
        self._size += _ENTRY_OVERHEAD if field is None else field.size
        self._evict()

    def _resize(self, limit: int) -> None:
        self.limit = min(limit, MAX_TABLE_BYTES)
        self._evict()

    def _evict(self) -> None:
        entries = self._entries
        while self._size > self.limit and entries:
            oldest = entries.pop()
            self._size -= _ENTRY_OVERHEAD if oldest is None else oldest.size


def _integer(block: bytes, position: int, first: int, prefix_bits: int) -> tuple[int, int]:
    """A number that begins in `first`, and the position behind it (RFC 7541 5.1). Raises IndexError at the end."""
    number = mask = (1 << prefix_bits) - 1
    if first & mask != mask:
        return first & mask, position
    for shift in range(0, 7 * _MAX_INTEGER_BYTES, 7):
        byte = block[position]
        position += 1
        number += (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
    raise _BadBlock("a number is too long")


def _string(block: bytes, position: int) -> tuple[bytes, int]:
    """A string and the position behind it (RFC 7541 5.2). Raises IndexError at the end."""
    first = block[position]
    length, position = _integer(block, position + 1, first, 7)
    end = position + length
    if end > len(block):
        raise IndexError
    raw = block[position:end]
    return (_text(raw) if first & 0x80 else raw), end
