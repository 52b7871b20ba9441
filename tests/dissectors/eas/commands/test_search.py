"""Search in the address list, the mailbox and a document library."""

from dissectors.eas.commands import search
from dissectors.eas.wbxml import Element
from dissectors.eas.wbxml_encode import element, encode

GAL_REQUEST = (
    b"\x03\x01\x6a\x00\x00\x0f"  # page Search
    b"\x45\x47"  # <Search><Store>
    b"\x48\x03GAL\x00\x01"  # Name
    b"\x49\x03Anat\x00\x01"  # Query
    b"\x4a"  # <Options>
    b"\x4b\x030-99\x00\x01"  # Range
    b"\x19\x17"  # RebuildResults, DeepTraversal
    b"\x61\x63\x035\x00\x01\x01"  # Picture { MaxPictures }
    b"\x01\x01\x01"
)
GAL_RESPONSE = (
    b"\x03\x01\x6a\x00\x00\x0f\x45"
    b"\x4c\x031\x00\x01"  # Status
    b"\x4d\x47"  # <Response><Store>
    b"\x4c\x031\x00\x01"  # Status
    b"\x4e\x4f"  # <Result><Properties>
    b"\x00\x10"  # page GAL
    b"\x45\x03Anat Kerry\x00\x01"  # DisplayName
    b"\x4f\x03anat@contoso.com\x00\x01"  # EmailAddress
    b"\x50\x51\x031\x00\x01\x52\xc3\x04\xff\xd8\xff\xe0\x01\x01"  # Picture { Status, Data: 4 opaque bytes }
    b"\x01\x01"
    b"\x00\x0f"  # page Search
    b"\x4b\x030-0\x00\x01"  # Range
    b"\x50\x031\x00\x01"  # Total
    b"\x01\x01\x01"
)


def test_a_look_up_in_the_address_list_says_how_much_and_not_whom() -> None:
    found = search.read_request(GAL_REQUEST)
    assert found is not None
    assert (found.store, found.range, found.query_bytes) == ("GAL", (0, 99), 8)
    assert (found.rebuild_results, found.deep_traversal, found.pictures, found.credentials) == (True, True, True, False)
    assert "Anat" not in repr(found)


def test_results_are_counted_and_sized() -> None:
    found = search.read_response(GAL_RESPONSE)
    assert found is not None
    assert (found.status, found.store_status, found.results, found.range, found.total) == (1, 1, 1, (0, 0), 1)
    size = GAL_RESPONSE.index(b"\x00\x0f\x4b") - GAL_RESPONSE.index(b"\x4e\x4f")
    assert (found.results_bytes, found.largest_result_bytes, found.pictures) == (size, size, 1)
    assert "nat" not in repr(found).replace("NamedTuple", "")


def test_an_empty_result_is_none() -> None:
    store = element("Search:Store", element("Search:Status", 1), element("Search:Result"), element("Search:Total", 0))
    found = search.read_response(encode(element("Search:Search", element("Search:Response", store))))
    assert found is not None
    assert (found.results, found.total, found.largest_result_bytes, found.range) == (0, 0, 0, None)


def query(*parts: Element, options: tuple[Element, ...] = ()) -> search.SearchRequest:
    store = element(
        "Search:Store",
        element("Search:Name", "Mailbox"),
        element("Search:Query", *parts),
        element("Search:Options", *options),
    )
    found = search.read_request(encode(element("Search:Search", store)))
    assert found is not None
    return found


def test_a_search_in_the_mailbox_names_folders_and_classes() -> None:
    found = query(
        element(
            "Search:And",
            element("AirSync:Class", "Email"),
            element("AirSync:CollectionId", "5"),
            element("AirSync:CollectionId", "6"),
            element("Search:FreeText", "Presentation"),
            element("Search:ConversationId", b"\x01\x02"),
        )
    )
    assert (found.store, found.classes, found.collection_ids, found.conversation) == (
        "Mailbox",
        ("Email",),
        ("5", "6"),
        True,
    )
    assert "Presentation" not in repr(found)


def test_credentials_for_a_library_are_noticed_and_stay_behind() -> None:
    options = (element("Search:UserName", "CORP\\anna"), element("Search:Password", "hunter2"))
    found = query(element("Search:EqualTo", element("DocumentLibrary:LinkId", "\\\\server\\share")), options=options)
    assert found.credentials
    for hidden in ("anna", "hunter2", "share"):
        assert hidden not in repr(found)


def test_a_range_that_is_none_is_noted() -> None:
    for text in ("all", "5", "3-x", "-"):
        found = query(options=(element("Search:Range", text),))
        assert found.range is None
    assert [oddity.code for oddity in query(options=(element("Search:Range", "x-y"),)).oddities] == ["eas_bad_number"]
