"""MoveItems: moves items from one folder to another.

Specification: MS-ASCMD 2.2.1.12. Status 3 is success here.
"""

from typing import NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity

MOVE_ITEMS = key("Move:MoveItems")
STATUS = key("Move:Status")
MOVE = key("Move:Move")
RESPONSE = key("Move:Response")
SOURCE_ITEM = key("Move:SrcMsgId")
SOURCE_FOLDER = key("Move:SrcFldId")
DESTINATION_FOLDER = key("Move:DstFldId")
DESTINATION_ITEM = key("Move:DstMsgId")


class Move(NamedTuple):
    """An item to move."""

    item_id: str | None
    source_id: str | None  # folders
    destination_id: str | None


class Moved(NamedTuple):
    """What became of it."""

    item_id: str | None
    status: int | None
    new_item_id: str | None


class MoveItemsRequest(NamedTuple):
    """Items to move."""

    moves: tuple[Move, ...]
    complete: bool
    oddities: tuple[Oddity, ...]


class MoveItemsResponse(NamedTuple):
    """What became of each."""

    status: int | None  # of the whole, only when all of it failed
    moved: tuple[Moved, ...]
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "MoveItems"


def read_request(body: bytes, *_ignored: object) -> MoveItemsRequest | None:
    """The request in a body; None when the body is not a MoveItems."""
    found = tree.read(body, MOVE_ITEMS)
    if found is None:
        return None
    moves = [
        Move(found.text(move, SOURCE_ITEM), found.text(move, SOURCE_FOLDER), found.text(move, DESTINATION_FOLDER))
        for move in found.children(found.root, MOVE)
    ]
    return MoveItemsRequest(moves=tuple(moves), complete=found.complete, oddities=found.oddities)


def read_response(body: bytes, *_ignored: object) -> MoveItemsResponse | None:
    """The response in a body; None when the body is not a MoveItems."""
    found = tree.read(body, MOVE_ITEMS)
    if found is None:
        return None
    moved = [
        Moved(found.text(each, SOURCE_ITEM), found.number(each, STATUS), found.text(each, DESTINATION_ITEM))
        for each in found.children(found.root, RESPONSE)
    ]
    return MoveItemsResponse(
        status=found.number(found.root, STATUS),
        moved=tuple(moved),
        complete=found.complete,
        oddities=found.oddities,
    )
