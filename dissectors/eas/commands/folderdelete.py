"""FolderDelete: removes a folder with everything in it.

Specification: MS-ASCMD 2.2.1.4. The new hierarchy key counts as a FolderSync.
"""

from typing import NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity

FOLDER_DELETE = key("FolderHierarchy:FolderDelete")
STATUS = key("FolderHierarchy:Status")
SYNC_KEY = key("FolderHierarchy:SyncKey")
SERVER_ID = key("FolderHierarchy:ServerId")


class FolderDeleteRequest(NamedTuple):
    """A folder to remove."""

    sync_key: str | None  # of the hierarchy
    server_id: str | None
    complete: bool
    oddities: tuple[Oddity, ...]


class FolderDeleteResponse(NamedTuple):
    """The result."""

    status: int | None
    sync_key: str | None
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "FolderDelete"


def read_request(body: bytes, *_ignored: object) -> FolderDeleteRequest | None:
    """The request in a body; None when the body is not a FolderDelete."""
    found = tree.read(body, FOLDER_DELETE)
    if found is None:
        return None
    return FolderDeleteRequest(
        sync_key=found.text(found.root, SYNC_KEY),
        server_id=found.text(found.root, SERVER_ID),
        complete=found.complete,
        oddities=found.oddities,
    )


def read_response(body: bytes, *_ignored: object) -> FolderDeleteResponse | None:
    """The response in a body; None when the body is not a FolderDelete."""
    found = tree.read(body, FOLDER_DELETE)
    if found is None:
        return None
    return FolderDeleteResponse(
        status=found.number(found.root, STATUS),
        sync_key=found.text(found.root, SYNC_KEY),
        complete=found.complete,
        oddities=found.oddities,
    )
