"""Search: looks for entries of the global address list, items of the mailbox, or files of a document library.

Specification: MS-ASCMD 2.2.1.16. Only the address list before 12.0. What was searched for stays behind, as do the
results; only their number and size are told.
"""

from typing import NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity

SEARCH = key("Search:Search")
STATUS = key("Search:Status")
STORE = key("Search:Store")
NAME = key("Search:Name")
QUERY = key("Search:Query")
OPTIONS = key("Search:Options")
RANGE = key("Search:Range")
TOTAL = key("Search:Total")
RESPONSE = key("Search:Response")
RESULT = key("Search:Result")
DEEP_TRAVERSAL = key("Search:DeepTraversal")
REBUILD_RESULTS = key("Search:RebuildResults")
USER_NAME = key("Search:UserName")
PASSWORD = key("Search:Password")
PICTURE = key("Search:Picture")
CONVERSATION_ID = key("Search:ConversationId")
COLLECTION_ID = key("AirSync:CollectionId")
CLASS = key("AirSync:Class")
GAL_PICTURE_DATA = key("GAL:Data")


class SearchRequest(NamedTuple):
    """Where to search, and how much of what is found the device wants."""

    store: str | None  # GAL, Mailbox, Document Library
    collection_ids: tuple[str, ...]  # to search in
    classes: tuple[str, ...]  # of items
    conversation: bool  # all of one conversation (14.0)
    query_bytes: int | None  # of the Query element
    range: tuple[int, int] | None  # first and last result
    deep_traversal: bool  # in folders below, too
    rebuild_results: bool
    credentials: bool  # a user name or password for the document library
    pictures: bool  # of people (14.1)
    complete: bool
    oddities: tuple[Oddity, ...]


class SearchResponse(NamedTuple):
    """How much was found."""

    status: int | None  # of the whole
    store_status: int | None
    results: int  # in this answer
    range: tuple[int, int] | None  # which of all
    total: int | None
    pictures: int
    results_bytes: int
    largest_result_bytes: int  # 0: no results
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "Search"


def read_request(body: bytes, *_ignored: object) -> SearchRequest | None:
    """The request in a body; None when the body is not a Search."""
    found = tree.read(body, SEARCH)
    if found is None:
        return None
    store = found.child(found.root, STORE)
    query = found.child(store, QUERY)
    options = found.child(store, OPTIONS)
    return SearchRequest(
        store=found.text(store, NAME),
        collection_ids=found.texts(query, COLLECTION_ID),
        classes=found.texts(query, CLASS),
        conversation=any(True for _ in found.below(query, CONVERSATION_ID)),
        query_bytes=tree.size(query),
        range=found.range(options, RANGE),
        deep_traversal=found.flag(options, DEEP_TRAVERSAL),
        rebuild_results=found.flag(options, REBUILD_RESULTS),
        credentials=any(True for _ in found.below(options, USER_NAME, PASSWORD)),
        pictures=found.child(options, PICTURE) is not None,
        complete=found.complete,
        oddities=found.oddities,
    )


def read_response(body: bytes, *_ignored: object) -> SearchResponse | None:
    """The response in a body; None when the body is not a Search."""
    found = tree.read(body, SEARCH)
    if found is None:
        return None
    store = found.child(found.root, RESPONSE, STORE)
    # An empty Result says that there is none (MS-ASCMD 2.2.3.155.2).
    sizes = [result.end - result.start for result in found.children(store, RESULT) if result.children]
    return SearchResponse(
        status=found.number(found.root, STATUS),
        store_status=found.number(store, STATUS),
        results=len(sizes),
        range=found.range(store, RANGE),
        total=found.number(store, TOTAL),
        pictures=sum(1 for _ in found.below(store, GAL_PICTURE_DATA)),
        results_bytes=sum(sizes),
        largest_result_bytes=max(sizes, default=0),
        complete=found.complete,
        oddities=found.oddities,
    )
