"""Find: looks for mail or for people of the address list; what Search does, made leaner for 16.1.

Specification: MS-ASCMD 2.2.1.2. What was searched for stays behind, as do the results; only their number and size
are told.
"""

from typing import Literal, NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity

FIND = key("Find:Find")
STATUS = key("Find:Status")
SEARCH_ID = key("Find:SearchId")
EXECUTE_SEARCH = key("Find:ExecuteSearch")
MAILBOX_CRITERION = key("Find:MailBoxSearchCriterion")
GAL_CRITERION = key("Find:GalSearchCriterion")
QUERY = key("Find:Query")
OPTIONS = key("Find:Options")
RANGE = key("Find:Range")
TOTAL = key("Find:Total")
DEEP_TRAVERSAL = key("Find:DeepTraversal")
PICTURE = key("Find:Picture")
RESPONSE = key("Find:Response")
RESULT = key("Find:Result")
STORE = key("ItemOperations:Store")
COLLECTION_ID = key("AirSync:CollectionId")
CLASS = key("AirSync:Class")
GAL_PICTURE_DATA = key("GAL:Data")


class FindRequest(NamedTuple):
    """Where to search, and how much of what is found the device wants."""

    store: Literal["mailbox", "gal"] | None
    search_id: str | None  # a GUID of the device's
    collection_ids: tuple[str, ...]
    classes: tuple[str, ...]
    query_bytes: int | None  # of the Query element
    range: tuple[int, int] | None  # first and last result
    deep_traversal: bool  # in folders below, too
    pictures: bool
    complete: bool
    oddities: tuple[Oddity, ...]


class FindResponse(NamedTuple):
    """How much was found."""

    status: int | None  # of the whole
    response_status: int | None  # of the search
    store: str | None
    results: int  # in this answer
    range: tuple[int, int] | None
    total: int | None
    pictures: int
    results_bytes: int
    largest_result_bytes: int  # 0: no results
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "Find"


def read_request(body: bytes, *_ignored: object) -> FindRequest | None:
    """The request in a body; None when the body is not a Find."""
    found = tree.read(body, FIND)
    if found is None:
        return None
    search = found.child(found.root, EXECUTE_SEARCH)
    mailbox = found.child(search, MAILBOX_CRITERION)
    gal = found.child(search, GAL_CRITERION)
    criterion = mailbox or gal
    query = found.child(criterion, QUERY)
    options = found.child(criterion, OPTIONS)
    return FindRequest(
        store="mailbox" if mailbox else "gal" if gal else None,
        search_id=found.text(found.root, SEARCH_ID),
        collection_ids=found.texts(query, COLLECTION_ID),
        classes=found.texts(query, CLASS),
        query_bytes=tree.size(query),
        range=found.range(options, RANGE),
        deep_traversal=found.flag(options, DEEP_TRAVERSAL),
        pictures=found.child(options, PICTURE) is not None,
        complete=found.complete,
        oddities=found.oddities,
    )


def read_response(body: bytes, *_ignored: object) -> FindResponse | None:
    """The response in a body; None when the body is not a Find."""
    found = tree.read(body, FIND)
    if found is None:
        return None
    response = found.child(found.root, RESPONSE)
    sizes = [result.end - result.start for result in found.children(response, RESULT) if result.children]
    return FindResponse(
        status=found.number(found.root, STATUS),
        response_status=found.number(response, STATUS),
        store=found.text(response, STORE),
        results=len(sizes),
        range=found.range(response, RANGE),
        total=found.number(response, TOTAL),
        pictures=sum(1 for _ in found.below(response, GAL_PICTURE_DATA)),
        results_bytes=sum(sizes),
        largest_result_bytes=max(sizes, default=0),
        complete=found.complete,
        oddities=found.oddities,
    )
