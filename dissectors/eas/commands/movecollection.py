"""MoveCollection: moves or renames a folder, in 1.0 to 2.0.

Specification: none that is public, see `collection`, whose messages these are.
"""

from dissectors.eas.commands import collection
from dissectors.eas.commands.collection import CollectionRequest, CollectionResponse
from dissectors.eas.query import NO_QUERY, EasQuery

COMMAND = "MoveCollection"


def read_request(body: bytes, query: EasQuery = NO_QUERY, *_ignored: object) -> CollectionRequest:
    """The request, from the query."""
    return collection.read_request(body, query)


def read_response(body: bytes, *_ignored: object) -> CollectionResponse | None:
    """The response in a body; None when the body is nothing of the kind."""
    return collection.read_response(body)
