"""Find of 16.1."""

from dissectors.eas.commands import find
from dissectors.eas.wbxml_encode import element, encode

MAILBOX_REQUEST = (
    b"\x03\x01\x6a\x00\x00\x19"  # page Find
    b"\x45"  # <Find>
    b"\x46\x03907A7A86-5D9D-4D6D\x00\x01"  # SearchId
    b"\x47\x48"  # <ExecuteSearch><MailBoxSearchCriterion>
    b"\x49"  # <Query>
    b"\x00\x00\x50\x03Email\x00\x01\x52\x035\x00\x01"  # page AirSync: Class, CollectionId
    b"\x00\x19\x4b\x03budget\x00\x01"  # page Find: FreeText
    b"\x01"
    b"\x4c\x4d\x030-9\x00\x01\x0e\x01"  # Options { Range, DeepTraversal }
    b"\x01\x01\x01"
)


def test_a_search_for_mail() -> None:
    found = find.read_request(MAILBOX_REQUEST)
    assert found is not None
    assert (found.store, found.search_id, found.classes, found.collection_ids) == (
        "mailbox",
        "907A7A86-5D9D-4D6D",
        ("Email",),
        ("5",),
    )
    assert (found.range, found.deep_traversal, found.pictures) == ((0, 9), True, False)
    assert found.query_bytes == MAILBOX_REQUEST.index(b"\x4c\x4d") - MAILBOX_REQUEST.index(b"\x49\x00\x00")
    assert "budget" not in repr(found)


def test_a_search_for_people() -> None:
    criterion = element(
        "Find:GalSearchCriterion",
        element("Find:Query", "Anna"),
        element("Find:Options", element("Find:Picture", element("Find:MaxPictures", 3))),
    )
    found = find.read_request(encode(element("Find:Find", element("Find:ExecuteSearch", criterion))))
    assert found is not None
    assert (found.store, found.pictures, found.query_bytes) == ("gal", True, 8)


def test_results_are_counted_and_sized() -> None:
    result = element(
        "Find:Result",
        element("AirSync:ServerId", "5:1"),
        element("Find:Properties", element("Find:Preview", "Hello Bob")),
    )
    answer = element(
        "Find:Find",
        element("Find:Status", 1),
        element(
            "Find:Response",
            element("ItemOperations:Store", "Mailbox"),
            element("Find:Status", 4),
            result,
            result,
            element("Find:Range", "0-1"),
            element("Find:Total", 17),
        ),
    )
    found = find.read_response(encode(answer))
    assert found is not None
    assert (found.status, found.response_status, found.store, found.results) == (1, 4, "Mailbox", 2)
    assert (found.range, found.total) == ((0, 1), 17)
    assert found.results_bytes == 2 * found.largest_result_bytes > 40
    assert "Bob" not in repr(found)
