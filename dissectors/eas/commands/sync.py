"""Sync: what changed in each collection, up and down, and the hanging Sync of 12.1 and later.

Specification: MS-ASCMD 2.2.1.21; 2.2.1.21.2 for bodies that are empty: a request repeats the one the server has stored,
an answer says that nothing changed.

Items are not looked into: only their number and size matter, and answers have hundreds of KB. The sizes add up: the
bytes of a body are `header_bytes`, `envelope_bytes` and those of all its collections. A collection's bytes go from its
tag to after its END, page switches inside included; a switch right before the tag belongs to the envelope.
"""

from typing import NamedTuple

from dissectors.eas.codepages import key
from dissectors.eas.numbers import flag, number
from dissectors.eas.oddity import Oddity
from dissectors.eas.walk import OPEN, Walk, is_wbxml

SYNC = key("AirSync:Sync")
STATUS = key("AirSync:Status")
LIMIT = key("AirSync:Limit")
WAIT = key("AirSync:Wait")
HEARTBEAT_INTERVAL = key("AirSync:HeartbeatInterval")
PARTIAL = key("AirSync:Partial")
WINDOW_SIZE = key("AirSync:WindowSize")
COLLECTION = key("AirSync:Collection")
COLLECTION_ID = key("AirSync:CollectionId")
CLASS = key("AirSync:Class")
SYNC_KEY = key("AirSync:SyncKey")
GET_CHANGES = key("AirSync:GetChanges")
MORE_AVAILABLE = key("AirSync:MoreAvailable")
CONFLICT = key("AirSync:Conflict")
COMMANDS = key("AirSync:Commands")
RESPONSES = key("AirSync:Responses")
OPTIONS = key("AirSync:Options")
FILTER_TYPE = key("AirSync:FilterType")
TRUNCATION = key("AirSync:Truncation")
MIME_TRUNCATION = key("AirSync:MIMETruncation")
ADD = key("AirSync:Add")
CHANGE = key("AirSync:Change")
DELETE = key("AirSync:Delete")
SOFT_DELETE = key("AirSync:SoftDelete")
FETCH = key("AirSync:Fetch")
BODY_PREFERENCE = key("AirSyncBase:BodyPreference")
BODY_PART_PREFERENCE = key("AirSyncBase:BodyPartPreference")
BODY_TYPE = key("AirSyncBase:Type")
TRUNCATION_SIZE = key("AirSyncBase:TruncationSize")

_ITEMS = frozenset((ADD, CHANGE, DELETE, SOFT_DELETE, FETCH))

# MS-ASCMD, Truncation and MIMETruncation: a code stands for the bytes that are sent of a text; None: all of it.
_TRUNCATION_BYTES = {0: 0, 1: 512, 2: 1024, 3: 2048, 4: 5120, 5: 10240, 6: 20480, 7: 51200, 8: 102400, 9: None}
_MIME_TRUNCATION_BYTES = {0: 0, 1: 4096, 2: 5120, 3: 7168, 4: 10240, 5: 20480, 6: 51200, 7: 102400, 8: None}
_BODY_TYPES = {1: "text", 2: "html", 3: "rtf", 4: "mime"}  # MS-ASAIRS, Type


class SyncCollectionRequest(NamedTuple):
    """What the device sends and wants of one collection. None: not said."""

    collection_id: str | None
    collection_class: str | None
    sync_key: str | None  # "0": start
    get_changes: bool | None
    window_size: int | None
    filter_type: int | None  # of its first Options
    truncation: str | None  # what is sent of texts: "html:32768", "text:all", "body:5120, mime:0"; see `_Truncation`
    conflict: int | None  # 0: the client wins, 1: the server
    adds: int
    changes: int
    deletes: int
    fetches: int
    upload_bytes: int  # from the Collection's tag to after its END


class SyncRequest(NamedTuple):
    """A Sync request. Empty: the server repeats the stored one."""

    empty: bool
    partial: bool
    wait_min: int | None  # hanging Sync, in minutes (12.1)
    heartbeat_s: int | None  # hanging Sync, in seconds (14.0)
    window_size: int | None  # over all collections
    collections: tuple[SyncCollectionRequest, ...]
    header_bytes: int
    envelope_bytes: int
    complete: bool
    oddities: tuple[Oddity, ...]


class SyncCollectionResponse(NamedTuple):
    """What the server sends of one collection."""

    collection_id: str | None
    collection_class: str | None
    sync_key: str | None
    status: int | None
    more_available: bool
    adds: int
    changes: int
    deletes: int
    soft_deletes: int
    responses: int  # results of the device's own commands
    download_bytes: int  # from the Collection's tag to after its END
    items_bytes: int  # of its items and results, the envelope of the collection left out
    largest_item_bytes: int  # 0: no items


class SyncResponse(NamedTuple):
    """A Sync answer. Empty: nothing changed."""

    empty: bool
    status: int | None  # of the whole; each collection has its own
    limit: int | None  # with status 14 the nearest wait it allows, with 15 the number of collections
    collections: tuple[SyncCollectionResponse, ...]
    header_bytes: int
    envelope_bytes: int
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "Sync"


def read_request(body: bytes, *_ignored: object) -> SyncRequest | None:
    """The request in a body; None when the body is not a Sync."""
    if not body:
        return SyncRequest(
            empty=True,
            partial=False,
            wait_min=None,
            heartbeat_s=None,
            window_size=None,
            collections=(),
            header_bytes=0,
            envelope_bytes=0,
            complete=True,
            oddities=(),
        )
    if not is_wbxml(body):
        return None
    events = Walk(body, whole=_ITEMS)
    whole: dict[int, bytes | None] = {}
    collections: list[SyncCollectionRequest] = []
    texts: dict[int, bytes | None] = {}
    items: dict[int, int] = {}
    truncation = _Truncation()
    parent = 0
    for kind, depth, tag, text, _, start, end in events:
        if depth == 1:
            if tag != SYNC:
                return None
        elif depth == 2:
            if kind != OPEN:
                whole[tag] = text
        elif depth == 3:
            if tag != COLLECTION or kind == OPEN:
                continue
            collections.append(
                SyncCollectionRequest(
                    collection_id=events.text(texts.get(COLLECTION_ID)),
                    collection_class=events.text(texts.get(CLASS)),
                    sync_key=events.text(texts.get(SYNC_KEY)),
                    get_changes=flag(texts[GET_CHANGES]) if GET_CHANGES in texts else None,
                    window_size=number(events, texts.get(WINDOW_SIZE), start),
                    filter_type=number(events, texts.get(FILTER_TYPE), start),
                    truncation=truncation.words(),
                    conflict=number(events, texts.get(CONFLICT), start),
                    adds=items.get(ADD, 0),
                    changes=items.get(CHANGE, 0),
                    deletes=items.get(DELETE, 0),
                    fetches=items.get(FETCH, 0),
                    upload_bytes=end - start,
                )
            )
            texts, items, truncation = {}, {}, _Truncation()
        elif depth == 4:
            parent = tag
            if kind != OPEN:
                texts.setdefault(tag, text)
        elif depth == 5:
            if kind == OPEN:
                continue
            if parent == COMMANDS:
                items[tag] = items.get(tag, 0) + 1
            elif parent == OPTIONS:
                texts.setdefault(tag, text)
                truncation.option(events, tag, text, start)
        elif kind != OPEN and parent == OPTIONS:
            truncation.preference(events, tag, text, start)
    sizes = sum(collection.upload_bytes for collection in collections)
    header_bytes = events.header.end if events.header else 0
    return SyncRequest(
        empty=False,
        partial=PARTIAL in whole,
        wait_min=number(events, whole.get(WAIT), 0),
        heartbeat_s=number(events, whole.get(HEARTBEAT_INTERVAL), 0),
        window_size=number(events, whole.get(WINDOW_SIZE), 0),
        collections=tuple(collections),
        header_bytes=header_bytes,
        envelope_bytes=len(body) - header_bytes - sizes,
        complete=events.complete,
        oddities=events.oddities,
    )


def read_response(body: bytes, *_ignored: object) -> SyncResponse | None:
    """The response in a body; None when the body is not a Sync."""
    if not body:
        return SyncResponse(
            empty=True,
            status=None,
            limit=None,
            collections=(),
            header_bytes=0,
            envelope_bytes=0,
            complete=True,
            oddities=(),
        )
    if not is_wbxml(body):
        return None
    events = Walk(body, whole=_ITEMS)
    status: int | None = None
    limit: int | None = None
    collections: list[SyncCollectionResponse] = []
    texts: dict[int, bytes | None] = {}
    items: dict[int, int] = {}
    responses = items_bytes = largest = parent = 0
    for kind, depth, tag, text, _, start, end in events:
        if depth == 5:
            if kind == OPEN:
                continue
            if parent == COMMANDS:
                items[tag] = items.get(tag, 0) + 1
            elif parent == RESPONSES:
                responses += 1
            else:
                continue
            size = end - start
            items_bytes += size
            largest = max(largest, size)
        elif depth == 4:
            parent = tag
            if kind != OPEN:
                texts.setdefault(tag, text)
        elif depth == 3:
            if tag != COLLECTION or kind == OPEN:
                continue
            collections.append(
                SyncCollectionResponse(
                    collection_id=events.text(texts.get(COLLECTION_ID)),
                    collection_class=events.text(texts.get(CLASS)),
                    sync_key=events.text(texts.get(SYNC_KEY)),
                    status=number(events, texts.get(STATUS), start),
                    more_available=MORE_AVAILABLE in texts and flag(texts[MORE_AVAILABLE]),
                    adds=items.get(ADD, 0),
                    changes=items.get(CHANGE, 0),
                    deletes=items.get(DELETE, 0),
                    soft_deletes=items.get(SOFT_DELETE, 0),
                    responses=responses,
                    download_bytes=end - start,
                    items_bytes=items_bytes,
                    largest_item_bytes=largest,
                )
            )
            texts, items = {}, {}
            responses = items_bytes = largest = 0
        elif depth == 1:
            if tag != SYNC:
                return None
        elif kind != OPEN:
            if tag == STATUS:
                status = number(events, text, start)
            elif tag == LIMIT:
                limit = number(events, text, start)
    sizes = sum(collection.download_bytes for collection in collections)
    header_bytes = events.header.end if events.header else 0
    return SyncResponse(
        empty=False,
        status=status,
        limit=limit,
        collections=tuple(collections),
        header_bytes=header_bytes,
        envelope_bytes=len(body) - header_bytes - sizes,
        complete=events.complete,
        oddities=events.oddities,
    )


class _Truncation:
    """Gathers what the Options of a collection say about cutting texts, in words.

    `KIND:BYTES`, joined by ", " in the order sent, equal ones once. KIND is "body" for Truncation and "mime" for
    MIMETruncation (2.5), or the type of a BodyPreference (12.0 and later): text, html, rtf, mime; "part-" stands before
    it for a BodyPartPreference. BYTES is the most that is sent of one text, "all" without limit, "code 12" if unknown.
    """

    __slots__ = ("_size", "_type", "_words")

    def __init__(self) -> None:
        self._words: list[str] = []
        self._type: int | None = None
        self._size: int | None = None

    def option(self, events: Walk, tag: int, text: bytes | None, offset: int) -> None:
        """A child of Options has ended."""
        if tag == TRUNCATION:
            self._add("body", _TRUNCATION_BYTES, number(events, text, offset))
        elif tag == MIME_TRUNCATION:
            self._add("mime", _MIME_TRUNCATION_BYTES, number(events, text, offset))
        elif tag in (BODY_PREFERENCE, BODY_PART_PREFERENCE):
            kind = "body" if self._type is None else _BODY_TYPES.get(self._type, f"type {self._type}")
            prefix = "part-" if tag == BODY_PART_PREFERENCE else ""
            self._words.append(f"{prefix}{kind}:{'all' if self._size is None else self._size}")
            self._type = self._size = None

    def preference(self, events: Walk, tag: int, text: bytes | None, offset: int) -> None:
        """A child of a BodyPreference has ended."""
        if tag == BODY_TYPE:
            self._type = number(events, text, offset)
        elif tag == TRUNCATION_SIZE:
            self._size = number(events, text, offset)

    def words(self) -> str | None:
        return ", ".join(dict.fromkeys(self._words)) or None

    def _add(self, kind: str, sizes: dict[int, int | None], code: int | None) -> None:
        if code in sizes:
            size = sizes[code]
            self._words.append(f"{kind}:{'all' if size is None else size}")
        elif code is not None:
            self._words.append(f"{kind}:code {code}")
