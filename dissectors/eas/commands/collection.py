"""What CreateCollection, DeleteCollection and MoveCollection have in common: changing the folders, in 1.0 to 2.0.

Specification: none that is public; MS-ASHTTP only still lists the commands. That their parameters stand in the query is
told by its tags CollectionName and ParentId, which nothing else has used, and that their answers have the root Response
by the tag of the page FolderHierarchy that no other command needs. FolderCreate, FolderDelete and FolderUpdate have
replaced them. Names of folders stay behind.
"""

from typing import NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity
from dissectors.eas.query import EasQuery

RESPONSE = key("FolderHierarchy:Response")
FOLDERS = key("FolderHierarchy:Folders")
STATUS = key("FolderHierarchy:Status")
SERVER_ID = key("FolderHierarchy:ServerId")


class CollectionRequest(NamedTuple):
    """A folder to make, remove or move."""

    collection_id: str | None
    parent_id: str | None
    named: bool  # with a (new) name
    body_bytes: int
    complete: bool
    oddities: tuple[Oddity, ...]


class CollectionResponse(NamedTuple):
    """The result."""

    empty: bool
    status: int | None
    server_id: str | None
    complete: bool
    oddities: tuple[Oddity, ...]


def read_request(body: bytes, query: EasQuery) -> CollectionRequest:
    """The request, from the query; a body is only counted."""
    given = dict(reversed(query.parameters))  # the first of each name counts
    return CollectionRequest(
        collection_id=given.get("CollectionId"),
        parent_id=given.get("ParentId"),
        named=bool(given.get("CollectionName")),
        body_bytes=len(body),
        complete=True,
        oddities=(),
    )


def read_response(body: bytes) -> CollectionResponse | None:
    """The response in a body; None when the body is nothing of the kind."""
    if not body:
        return CollectionResponse(empty=True, status=None, server_id=None, complete=True, oddities=())
    found = tree.read(body, RESPONSE, FOLDERS)
    if found is None:
        return None
    server_id = next(found.below(found.root, SERVER_ID), None)
    return CollectionResponse(
        empty=False,
        status=found.number_in(next(found.below(found.root, STATUS), None)),
        server_id=server_id.text if server_id else None,
        complete=found.complete,
        oddities=found.oddities,
    )
