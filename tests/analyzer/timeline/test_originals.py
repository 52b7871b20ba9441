"""Bytes that SmartReply and SmartForward did not send: known from an earlier fetch of the same item, or not at all."""

from typing import Any

import numpy as np

from analyzer.timeline.originals import Originals
from dissectors.eas import decode_transaction
from dissectors.eas.wbxml_encode import Element, element, encode
from dissectors.events import Transaction
from tests.analyzer.timeline.dialogue import Dialogue, Link

MAIL = "x" * 5000
DATA_BYTES = 5004  # with tag, string token, NUL and END
ASKED = encode(element("ItemOperations:ItemOperations"))


def fetch(link: Link, at: float, *, folder: str = "5", item: str = "5:7", mail: str = MAIL, **more: Any) -> None:
    """An ItemOperations that brings one mail."""
    answer = element(
        "ItemOperations:ItemOperations",
        element("ItemOperations:Status", "1"),
        element(
            "ItemOperations:Response",
            element(
                "ItemOperations:Fetch",
                element("ItemOperations:Status", more.get("status", "1")),
                element("AirSync:CollectionId", folder),
                element("AirSync:ServerId", item),
                *more.get("reference", ()),
                element(
                    "ItemOperations:Properties",
                    *more.get("range", ()),
                    element("AirSyncBase:Body", element("AirSyncBase:Data", mail)),
                ),
            ),
        ),
    )
    link.transaction("ItemOperations", at, ASKED, at + 1, encode(answer))


def reply(
    link: Link, at: float, command: str = "SmartReply", *, item: str = "5:7", more: tuple[Element, ...] = ()
) -> None:
    source = element("ComposeMail:Source", element("ComposeMail:FolderId", "5"), element("ComposeMail:ItemId", item))
    body = encode(element(f"ComposeMail:{command}", source, *more, element("ComposeMail:Mime", b"To: b\r\n\r\nyes")))
    link.transaction(command, at, body, at + 1, b"")


def unsent(d: Dialogue, sessions: tuple[int, ...] = (0, 0)) -> dict[int, int]:
    """By place of the transaction; the session of a connection is `sessions[connection - 1]`."""
    originals = Originals()
    for row, t in enumerate(event for event in d.events if isinstance(event, Transaction)):
        message = decode_transaction(t)
        assert message is not None
        originals.add(row, t.connection_id - 1, t, message)
    return originals.unsent(np.array(sessions))


def test_a_reply_and_a_forward_spare_what_was_fetched_before() -> None:
    d = Dialogue()
    link = d.connect()
    fetch(link, 10)
    reply(link, 20)
    reply(link, 30, "SmartForward")
    assert unsent(d) == {1: DATA_BYTES, 2: DATA_BYTES}


def test_the_newest_fetch_before_counts_on_whichever_connection_it_was() -> None:
    d = Dialogue()
    first, second = d.connect(), d.connect()
    reply(first, 30)  # arrives before the fetches, which are on another connection
    fetch(second, 5, mail="short")
    fetch(second, 10)
    fetch(second, 40, mail="later")
    assert unsent(d) == {0: DATA_BYTES}


def test_another_device_s_fetch_says_nothing() -> None:
    d = Dialogue()
    first, second = d.connect(), d.connect()
    fetch(first, 10)
    reply(second, 20)
    assert unsent(d, (0, 1)) == {}


def test_what_the_capture_does_not_show_is_not_guessed() -> None:
    d = Dialogue()
    link = d.connect()
    reply(link, 5)
    fetch(link, 10, item="5:8")  # another mail
    fetch(link, 11, status="6")  # not found
    fetch(link, 12, range=(element("ItemOperations:Range", "0-99"),))  # a part of it
    fetch(link, 13, reference=(element("AirSyncBase:FileReference", "5:7:0"),))  # an attachment
    reply(link, 20)
    assert unsent(d) == {}


def test_a_device_that_sends_the_original_itself_spares_nothing() -> None:
    d = Dialogue()
    link = d.connect()
    fetch(link, 10)
    reply(link, 20, more=(element("ComposeMail:ReplaceMime"),))
    assert unsent(d) == {}


def test_fetches_by_different_kinds_of_id_in_one_answer_are_told_apart() -> None:
    ok = element("ItemOperations:Status", "1")
    data = element("ItemOperations:Properties", element("AirSyncBase:Body", element("AirSyncBase:Data", MAIL)))
    by_search = element("ItemOperations:Fetch", ok, element("Search:LongId", "RgAAAA"), data)  # no folder, no item
    by_folder = element(
        "ItemOperations:Fetch", ok, element("AirSync:CollectionId", "5"), element("AirSync:ServerId", "5:7"), data
    )
    answer = element("ItemOperations:ItemOperations", ok, element("ItemOperations:Response", by_folder, by_search))
    d = Dialogue()
    link = d.connect()
    link.transaction("ItemOperations", 10, ASKED, 11, encode(answer))
    reply(link, 20)
    assert unsent(d) == {1: DATA_BYTES}
