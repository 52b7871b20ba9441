"""FolderUpdate: renames a folder or moves it below another one.

Specification: MS-ASCMD 2.2.1.6. The new hierarchy key counts as a FolderSync. The new name stays behind.
"""

from typing import NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity

FOLDER_UPDATE = key("FolderHierarchy:FolderUpdate")
STATUS = key("FolderHierarchy:Status")
SYNC_KEY = key("FolderHierarchy:SyncKey")
SERVER_ID = key("FolderHierarchy:ServerId")
PARENT_ID = key("FolderHierarchy:ParentId")


class FolderUpdateRequest(NamedTuple):
    """A folder to change."""

    sync_key: str | None  # of the hierarchy
    server_id: str | None
    parent_id: str | None  # where it shall be; "0": at the top
    complete: bool
    oddities: tuple[Oddity, ...]


class FolderUpdateResponse(NamedTuple):
    """The result."""

    status: int | None
    sync_key: str | None
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "FolderUpdate"


def read_request(body: bytes, *_ignored: object) -> FolderUpdateRequest | None:
    """The request in a body; None when the body is not a FolderUpdate."""
    found = tree.read(body, FOLDER_UPDATE)
    if found is None:
        return None
    return FolderUpdateRequest(
        sync_key=found.text(found.root, SYNC_KEY),
        server_id=found.text(found.root, SERVER_ID),
        parent_id=found.text(found.root, PARENT_ID),
        complete=found.complete,
        oddities=found.oddities,
    )


def read_response(body: bytes, *_ignored: object) -> FolderUpdateResponse | None:
    """The response in a body; None when the body is not a FolderUpdate."""
    found = tree.read(body, FOLDER_UPDATE)
    if found is None:
        return None
    return FolderUpdateResponse(
        status=found.number(found.root, STATUS),
        sync_key=found.text(found.root, SYNC_KEY),
        complete=found.complete,
        oddities=found.oddities,
    )
