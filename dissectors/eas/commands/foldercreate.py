"""FolderCreate: makes a folder.

Specification: MS-ASCMD 2.2.1.3. The new hierarchy key counts as a FolderSync. The folder's name stays behind; the next
FolderSync of another device brings it.
"""

from typing import NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity

FOLDER_CREATE = key("FolderHierarchy:FolderCreate")
STATUS = key("FolderHierarchy:Status")
SYNC_KEY = key("FolderHierarchy:SyncKey")
SERVER_ID = key("FolderHierarchy:ServerId")
PARENT_ID = key("FolderHierarchy:ParentId")
TYPE = key("FolderHierarchy:Type")


class FolderCreateRequest(NamedTuple):
    """A folder to make."""

    sync_key: str | None  # of the hierarchy
    parent_id: str | None  # "0": at the top
    folder_type: int | None  # see foldersync.FOLDER_TYPES
    complete: bool
    oddities: tuple[Oddity, ...]


class FolderCreateResponse(NamedTuple):
    """The result."""

    status: int | None
    sync_key: str | None
    server_id: str | None  # of the new folder
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "FolderCreate"


def read_request(body: bytes, *_ignored: object) -> FolderCreateRequest | None:
    """The request in a body; None when the body is not a FolderCreate."""
    found = tree.read(body, FOLDER_CREATE)
    if found is None:
        return None
    return FolderCreateRequest(
        sync_key=found.text(found.root, SYNC_KEY),
        parent_id=found.text(found.root, PARENT_ID),
        folder_type=found.number(found.root, TYPE),
        complete=found.complete,
        oddities=found.oddities,
    )


def read_response(body: bytes, *_ignored: object) -> FolderCreateResponse | None:
    """The response in a body; None when the body is not a FolderCreate."""
    found = tree.read(body, FOLDER_CREATE)
    if found is None:
        return None
    return FolderCreateResponse(
        status=found.number(found.root, STATUS),
        sync_key=found.text(found.root, SYNC_KEY),
        server_id=found.text(found.root, SERVER_ID),
        complete=found.complete,
        oddities=found.oddities,
    )
