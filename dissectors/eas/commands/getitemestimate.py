"""GetItemEstimate: how many changes a Sync of some collections would bring.

Specification: MS-ASCMD 2.2.1.9. It uses a collection's sync key and does not advance it. Class and FilterType stand in
the collection itself up to 12.0, in its Options from 12.1 and 14.0 on.
"""

from typing import NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity
from dissectors.eas.wbxml import Element

GET_ITEM_ESTIMATE = key("GetItemEstimate:GetItemEstimate")
STATUS = key("GetItemEstimate:Status")
COLLECTIONS = key("GetItemEstimate:Collections")
COLLECTION = key("GetItemEstimate:Collection")
COLLECTION_ID = key("GetItemEstimate:CollectionId")
CLASS = key("GetItemEstimate:Class")
ESTIMATE = key("GetItemEstimate:Estimate")
RESPONSE = key("GetItemEstimate:Response")
SYNC_KEY = key("AirSync:SyncKey")
SYNC_CLASS = key("AirSync:Class")
FILTER_TYPE = key("AirSync:FilterType")
OPTIONS = key("AirSync:Options")


class EstimateRequest(NamedTuple):
    """A collection to estimate."""

    collection_id: str | None
    collection_class: str | None
    sync_key: str | None
    filter_type: int | None


class EstimateResponse(NamedTuple):
    """An estimate."""

    status: int | None
    collection_id: str | None
    estimate: int | None  # changes


class GetItemEstimateRequest(NamedTuple):
    """Collections to estimate."""

    collections: tuple[EstimateRequest, ...]
    complete: bool
    oddities: tuple[Oddity, ...]


class GetItemEstimateResponse(NamedTuple):
    """The estimates."""

    status: int | None  # of the whole, only when all of it failed
    collections: tuple[EstimateResponse, ...]
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "GetItemEstimate"


def read_request(body: bytes, *_ignored: object) -> GetItemEstimateRequest | None:
    """The request in a body; None when the body is not a GetItemEstimate."""
    found = tree.read(body, GET_ITEM_ESTIMATE)
    if found is None:
        return None
    collections = found.children(found.child(found.root, COLLECTIONS), COLLECTION)
    return GetItemEstimateRequest(
        collections=tuple([_collection(found, each) for each in collections]),
        complete=found.complete,
        oddities=found.oddities,
    )


def read_response(body: bytes, *_ignored: object) -> GetItemEstimateResponse | None:
    """The response in a body; None when the body is not a GetItemEstimate."""
    found = tree.read(body, GET_ITEM_ESTIMATE)
    if found is None:
        return None
    estimates = []
    for response in found.children(found.root, RESPONSE):
        collection = found.child(response, COLLECTION)
        estimates.append(
            EstimateResponse(
                found.number(response, STATUS),
                found.text(collection, COLLECTION_ID),
                found.number(collection, ESTIMATE),
            )
        )
    return GetItemEstimateResponse(
        status=found.number(found.root, STATUS),
        collections=tuple(estimates),
        complete=found.complete,
        oddities=found.oddities,
    )


def _collection(found: tree.Tree, collection: Element) -> EstimateRequest:
    options = found.child(collection, OPTIONS)
    filter_type = found.number(collection, FILTER_TYPE)
    return EstimateRequest(
        found.text(collection, COLLECTION_ID),
        found.text(collection, CLASS) or found.text(options, SYNC_CLASS) or found.text(collection, SYNC_CLASS),
        found.text(collection, SYNC_KEY),
        found.number(options, FILTER_TYPE) if filter_type is None else filter_type,
    )
