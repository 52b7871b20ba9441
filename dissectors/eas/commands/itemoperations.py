"""ItemOperations: fetches single items, attachments and files, empties folders, moves conversations.

Specification: MS-ASCMD 2.2.1.10, from 12.0 on. What is fetched stands in the answer itself or, when the device has
asked for it (MS-ASAcceptMultiPart), in further parts behind it, see `multipart`.
"""

from collections.abc import Mapping
from typing import NamedTuple

from dissectors.eas import multipart, tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity
from dissectors.eas.query import NO_QUERY, EasQuery
from dissectors.eas.wbxml import Element

ITEM_OPERATIONS = key("ItemOperations:ItemOperations")
STATUS = key("ItemOperations:Status")
RESPONSE = key("ItemOperations:Response")
FETCH = key("ItemOperations:Fetch")
EMPTY_FOLDER_CONTENTS = key("ItemOperations:EmptyFolderContents")
MOVE = key("ItemOperations:Move")
STORE = key("ItemOperations:Store")
OPTIONS = key("ItemOperations:Options")
RANGE = key("ItemOperations:Range")
TOTAL = key("ItemOperations:Total")
PROPERTIES = key("ItemOperations:Properties")
DATA = key("ItemOperations:Data")
PART = key("ItemOperations:Part")
USER_NAME = key("ItemOperations:UserName")
PASSWORD = key("ItemOperations:Password")
DELETE_SUB_FOLDERS = key("ItemOperations:DeleteSubFolders")
DESTINATION = key("ItemOperations:DstFldId")
MOVE_ALWAYS = key("ItemOperations:MoveAlways")
COLLECTION_ID = key("AirSync:CollectionId")
SERVER_ID = key("AirSync:ServerId")
CLASS = key("AirSync:Class")
LONG_ID = key("Search:LongId")
LINK_ID = key("DocumentLibrary:LinkId")
FILE_REFERENCE = key("AirSyncBase:FileReference")
BODY_DATA = key("AirSyncBase:Data")
REMOVE_PROTECTION = key("RightsManagement:RemoveRightsManagementProtection")


class FetchRequest(NamedTuple):
    """Something to fetch: an item by CollectionId and ServerId or by LongId, an attachment, or a file."""

    store: str | None  # Mailbox, Document Library
    collection_id: str | None
    server_id: str | None
    long_id: str | None
    file_reference: str | None  # of an attachment
    link: bool  # a file of a document library, whose address stays behind
    range: tuple[int, int] | None  # of bytes
    credentials: bool  # a user name or password for the document library
    remove_protection: bool  # of rights management


class EmptyRequest(NamedTuple):
    """A folder to empty."""

    collection_id: str | None
    delete_sub_folders: bool


class MoveRequest(NamedTuple):
    """A conversation to move (14.0)."""

    destination_id: str | None
    always: bool  # also what comes later


class FetchResponse(NamedTuple):
    """Something fetched."""

    status: int | None
    collection_id: str | None
    server_id: str | None
    long_id: str | None
    file_reference: str | None
    item_class: str | None
    range: tuple[int, int] | None  # of bytes
    total: int | None  # bytes of the whole
    parts: tuple[int, ...]  # numbers of the parts that hold it
    part_bytes: int  # of those parts
    inline_bytes: int  # of the data in the document itself
    size_bytes: int  # of the Fetch element


class EmptyResponse(NamedTuple):
    """The result of emptying a folder."""

    status: int | None
    collection_id: str | None


class ItemOperationsRequest(NamedTuple):
    """What to do, each kind in the order sent."""

    fetches: tuple[FetchRequest, ...]
    empties: tuple[EmptyRequest, ...]
    moves: tuple[MoveRequest, ...]
    accept_multipart: bool
    complete: bool
    oddities: tuple[Oddity, ...]


class ItemOperationsResponse(NamedTuple):
    """The results, each kind in the order sent."""

    status: int | None
    fetches: tuple[FetchResponse, ...]
    empties: tuple[EmptyResponse, ...]
    moves: tuple[int | None, ...]  # the status of each
    parts: tuple[int, ...] | None  # bytes of each part, the document's first; None: not multipart
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "ItemOperations"


def read_request(
    body: bytes, query: EasQuery = NO_QUERY, headers: Mapping[str, str] | None = None
) -> ItemOperationsRequest | None:
    """The request in a body; None when the body is not an ItemOperations."""
    found = tree.read(body, ITEM_OPERATIONS)
    if found is None:
        return None
    root = found.root
    by_header = (headers or {}).get("ms-asacceptmultipart", "").strip().upper() == "T"
    return ItemOperationsRequest(
        fetches=tuple([_fetch_request(found, fetch) for fetch in found.children(root, FETCH)]),
        empties=tuple(
            [
                EmptyRequest(
                    found.text(empty, COLLECTION_ID), found.flag(found.child(empty, OPTIONS), DELETE_SUB_FOLDERS)
                )
                for empty in found.children(root, EMPTY_FOLDER_CONTENTS)
            ]
        ),
        moves=tuple(
            [
                MoveRequest(found.text(move, DESTINATION), found.flag(found.child(move, OPTIONS), MOVE_ALWAYS))
                for move in found.children(root, MOVE)
            ]
        ),
        accept_multipart=by_header or ("AcceptMultiPart", "T") in query.parameters,
        complete=found.complete,
        oddities=found.oddities,
    )


def read_response(body: bytes, *_ignored: object) -> ItemOperationsResponse | None:
    """The response in a body, multipart or not; None when the body is not an ItemOperations."""
    parts = multipart.parse(body)
    found = tree.read(parts.document if parts else body, ITEM_OPERATIONS)
    if found is None:
        return None
    sizes = parts.sizes if parts else ()
    response = found.child(found.root, RESPONSE)
    return ItemOperationsResponse(
        status=found.number(found.root, STATUS),
        fetches=tuple([_fetch_response(found, fetch, sizes) for fetch in found.children(response, FETCH)]),
        empties=tuple(
            [
                EmptyResponse(found.number(empty, STATUS), found.text(empty, COLLECTION_ID))
                for empty in found.children(response, EMPTY_FOLDER_CONTENTS)
            ]
        ),
        moves=tuple([found.number(move, STATUS) for move in found.children(response, MOVE)]),
        parts=parts.sizes if parts else None,
        complete=found.complete and (parts is None or parts.complete),
        oddities=found.oddities + (parts.oddities if parts else ()),
    )


def _fetch_request(found: tree.Tree, fetch: Element) -> FetchRequest:
    options = found.child(fetch, OPTIONS)
    return FetchRequest(
        store=found.text(fetch, STORE),
        collection_id=found.text(fetch, COLLECTION_ID),
        server_id=found.text(fetch, SERVER_ID),
        long_id=found.text(fetch, LONG_ID),
        file_reference=found.text(fetch, FILE_REFERENCE),
        link=found.child(fetch, LINK_ID) is not None,
        range=found.range(options, RANGE),
        credentials=any(True for _ in found.below(options, USER_NAME, PASSWORD)),
        remove_protection=found.flag(fetch, REMOVE_PROTECTION),
    )


def _fetch_response(found: tree.Tree, fetch: Element, sizes: tuple[int, ...]) -> FetchResponse:
    properties = found.child(fetch, PROPERTIES)
    parts = tuple([number for part in found.below(properties, PART) if (number := found.number_in(part)) is not None])
    wrong = [number for number in parts if not 0 < number < len(sizes)]
    if wrong:
        found.note("eas_multipart_table", fetch.start, f"part {wrong[0]} is not there")
    return FetchResponse(
        status=found.number(fetch, STATUS),
        collection_id=found.text(fetch, COLLECTION_ID),
        server_id=found.text(fetch, SERVER_ID),
        long_id=found.text(fetch, LONG_ID),
        file_reference=found.text(fetch, FILE_REFERENCE),
        item_class=found.text(fetch, CLASS),
        range=found.range(properties, RANGE),
        total=found.number(properties, TOTAL),
        parts=parts,
        part_bytes=sum(sizes[number] for number in parts if 0 < number < len(sizes)),
        inline_bytes=sum(data.end - data.start for data in found.below(properties, DATA, BODY_DATA)),
        size_bytes=fetch.end - fetch.start,
    )
