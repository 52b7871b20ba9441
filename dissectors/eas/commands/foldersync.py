"""FolderSync: the folder hierarchy, from which folder names come.

Specification: MS-ASCMD 2.2.1.5. The answer to key "0" lists every folder; later ones only what changed.
"""

from dataclasses import dataclass
from typing import NamedTuple

from dissectors.eas.codepages import key
from dissectors.eas.numbers import number
from dissectors.eas.oddity import Oddity
from dissectors.eas.walk import CLOSE, OPEN, Walk, is_wbxml

FOLDER_SYNC = key("FolderHierarchy:FolderSync")
STATUS = key("FolderHierarchy:Status")
SYNC_KEY = key("FolderHierarchy:SyncKey")
COUNT = key("FolderHierarchy:Count")
ADD = key("FolderHierarchy:Add")
UPDATE = key("FolderHierarchy:Update")
DELETE = key("FolderHierarchy:Delete")
SERVER_ID = key("FolderHierarchy:ServerId")
PARENT_ID = key("FolderHierarchy:ParentId")
DISPLAY_NAME = key("FolderHierarchy:DisplayName")
TYPE = key("FolderHierarchy:Type")

# MS-ASCMD 2.2.3.186.3
FOLDER_TYPES: dict[int, str] = {
    1: "user folder",
    2: "inbox",
    3: "drafts",
    4: "deleted items",
    5: "sent items",
    6: "outbox",
    7: "tasks",
    8: "calendar",
    9: "contacts",
    10: "notes",
    11: "journal",
    12: "user mail",
    13: "user calendar",
    14: "user contacts",
    15: "user tasks",
    16: "user journal",
    17: "user notes",
    18: "unknown",
    19: "recipient cache",
}


class Folder(NamedTuple):
    """A folder of the hierarchy."""

    server_id: str | None
    parent_id: str | None  # "0": at the top
    name: str | None
    folder_type: int | None  # see FOLDER_TYPES


class FolderSyncRequest(NamedTuple):
    """Asks for what changed since a key."""

    sync_key: str | None  # "0": everything
    empty: bool
    complete: bool
    oddities: tuple[Oddity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSyncResponse:
    """What changed."""

    status: int | None
    sync_key: str | None
    count: int | None  # of changes, as the server counts them
    added: tuple[Folder, ...]
    updated: tuple[Folder, ...]
    deleted: tuple[str, ...]  # server ids
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "FolderSync"


def read_request(body: bytes, *_ignored: object) -> FolderSyncRequest | None:
    """The request in a body; None when the body is not a FolderSync."""
    if not body:
        return FolderSyncRequest(sync_key=None, empty=True, complete=True, oddities=())
    if not is_wbxml(body):
        return None
    events = Walk(body)
    sync_key: str | None = None
    for kind, depth, tag, text, _, _, _ in events:
        if depth == 1:
            if tag != FOLDER_SYNC:
                return None
        elif depth == 2 and tag == SYNC_KEY and kind != OPEN:
            sync_key = events.text(text)
    return FolderSyncRequest(sync_key=sync_key, empty=False, complete=events.complete, oddities=events.oddities)


def read_response(body: bytes, *_ignored: object) -> FolderSyncResponse | None:
    """The response in a body; None when the body is not a FolderSync."""
    if not is_wbxml(body):
        return None
    events = Walk(body)
    status: int | None = None
    sync_key: str | None = None
    count: int | None = None
    changes: dict[int, list[Folder]] = {ADD: [], UPDATE: [], DELETE: []}
    server_id = parent_id = name = None
    folder_type: int | None = None
    for kind, depth, tag, text, _, start, _ in events:
        if depth == 1:
            if tag != FOLDER_SYNC:
                return None
        elif kind == OPEN:
            continue
        elif depth == 2:
            if tag == STATUS:
                status = number(events, text, start)
            elif tag == SYNC_KEY:
                sync_key = events.text(text)
        elif depth == 3:
            if tag == COUNT:
                count = number(events, text, start)
            elif kind == CLOSE and tag in changes:
                changes[tag].append(Folder(server_id, parent_id, name, folder_type))
                server_id = parent_id = name = folder_type = None
        elif tag == SERVER_ID:
            server_id = events.text(text)
        elif tag == PARENT_ID:
            parent_id = events.text(text)
        elif tag == DISPLAY_NAME:
            name = events.text(text)
        elif tag == TYPE:
            folder_type = number(events, text, start)
    return FolderSyncResponse(
        status=status,
        sync_key=sync_key,
        count=count,
        added=tuple(changes[ADD]),
        updated=tuple(changes[UPDATE]),
        deleted=tuple(folder.server_id for folder in changes[DELETE] if folder.server_id is not None),
        complete=events.complete,
        oddities=events.oddities,
    )
