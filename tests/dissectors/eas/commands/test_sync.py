"""Sync requests and answers: settings, counts, and sizes that add up."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectors.eas import wbxml
from dissectors.eas.commands import sync
from dissectors.eas.commands.sync import SyncCollectionRequest, SyncRequest, SyncResponse
from dissectors.eas.wbxml import Element
from dissectors.eas.wbxml_encode import element, encode


def e(name: str, *content: Element | str | int | bytes) -> Element:
    """An element, of AirSync unless it says otherwise."""
    return element(name if ":" in name else f"AirSync:{name}", *content)


def request(*content: Element) -> SyncRequest:
    found = sync.read_request(encode(e("Sync", *content)))
    assert found is not None
    return found


def response(*content: Element) -> SyncResponse:
    found = sync.read_response(encode(e("Sync", *content)))
    assert found is not None
    return found


def only(*content: Element) -> SyncCollectionRequest:
    """The one collection of a request."""
    (collection,) = request(e("Collections", e("Collection", *content))).collections
    return collection


def mail(server_id: str, size: int) -> Element:
    """An Add of a mail with `size` bytes of text."""
    return e(
        "Add",
        e("ServerId", server_id),
        e("ApplicationData", e("Email:Subject", "x"), e("AirSyncBase:Body", e("AirSyncBase:Data", "y" * size))),
    )


@pytest.mark.parametrize("count", [239, 240, 512, 5000])
def test_each_of_many_items_is_counted(count: int) -> None:
    """512 is the largest window; tshark stops after 239 siblings."""
    items = [
        e("Add", e("ServerId", f"5:{n}"), e("ApplicationData", element("Email:Subject", "Hi"))) for n in range(count)
    ]
    body = encode(e("Sync", e("Collections", e("Collection", e("CollectionId", "5"), e("Commands", *items)))))
    found = sync.read_response(body)
    assert found is not None
    (collection,) = found.collections
    assert (collection.adds, collection.changes, collection.collection_id) == (count, 0, "5")
    # Tag and END of Add and ApplicationData, four bytes around the id, a page switch, six bytes of Subject.
    assert collection.items_bytes == sum(4 + 4 + len(f"5:{n}") + 2 + 6 for n in range(count))
    assert (found.complete, found.oddities) == (True, ())


def test_an_empty_request_and_an_empty_answer_are_no_accident() -> None:
    asked, answered = sync.read_request(b""), sync.read_response(b"")
    assert asked is not None
    assert answered is not None
    assert asked.empty
    assert answered.empty
    assert asked.complete
    assert answered.complete
    assert asked.wait_min is asked.heartbeat_s is answered.status is None


def test_a_hanging_sync_asks_in_minutes_or_seconds() -> None:
    assert request(e("Collections", e("Collection")), e("Wait", 15)).wait_min == 15
    asked = request(e("Collections", e("Collection")), e("HeartbeatInterval", 900), e("Partial"), e("WindowSize", 512))
    assert (asked.heartbeat_s, asked.partial, asked.window_size, asked.wait_min) == (900, True, 512, None)


def test_a_collections_settings_are_read() -> None:
    found = only(
        e("Class", "Email"),
        e("SyncKey", "{1}2"),
        e("CollectionId", "i/1"),
        e("DeletesAsMoves"),
        e("GetChanges"),
        e("WindowSize", 25),
        e("Options", e("FilterType", 2), e("Conflict", 1)),
    )
    assert (found.collection_class, found.sync_key, found.collection_id) == ("Email", "{1}2", "i/1")
    assert (found.get_changes, found.window_size, found.filter_type, found.conflict) == (True, 25, 2, 1)
    assert found.truncation is None


def test_what_a_collection_leaves_out_is_not_said() -> None:
    found = only(e("SyncKey", "0"), e("CollectionId", "5"))
    assert (found.get_changes, found.window_size, found.filter_type, found.conflict) == (None, None, None, None)
    assert only(e("GetChanges", "0")).get_changes is False


def test_the_class_inside_of_options_counts_where_the_collection_has_none() -> None:
    assert only(e("Options", e("Class", "Email"), e("FilterType", 3))).collection_class == "Email"
    assert only(e("Class", "Tasks"), e("Options", e("Class", "Email"))).collection_class == "Tasks"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([e("Truncation", 4)], "body:5120"),
        ([e("Truncation", 0), e("MIMETruncation", 8)], "body:0, mime:all"),
        ([e("Truncation", 9)], "body:all"),
        ([e("Truncation", 12)], "body:code 12"),
        ([e("AirSyncBase:BodyPreference", e("AirSyncBase:Type", 2), e("AirSyncBase:TruncationSize", 500))], "html:500"),
        ([e("AirSyncBase:BodyPreference", e("AirSyncBase:Type", 4))], "mime:all"),
        ([e("AirSyncBase:BodyPreference", e("AirSyncBase:Type", 1), e("AirSyncBase:TruncationSize", 9)),
          e("AirSyncBase:BodyPartPreference", e("AirSyncBase:Type", 2), e("AirSyncBase:TruncationSize", 8))],
         "text:9, part-html:8"),
        ([e("AirSyncBase:BodyPreference", e("AirSyncBase:Type", 7))], "type 7:all"),
        ([e("FilterType", 2)], None),
    ],
)  # fmt: skip
def test_truncation_is_told_in_words(options: list[Element], expected: str | None) -> None:
    assert only(e("Options", *options)).truncation == expected


def test_settings_do_not_leak_into_the_next_collection() -> None:
    first, second = request(
        e(
            "Collections",
            e(
                "Collection",
                e("SyncKey", "1"),
                e("Options", e("FilterType", 2), e("Truncation", 1)),
                e("Commands", e("Fetch")),
            ),
            e("Collection", e("CollectionId", "6")),
        )
    ).collections
    assert (first.sync_key, first.filter_type, first.truncation, first.fetches) == ("1", 2, "body:512", 1)
    assert (second.sync_key, second.filter_type, second.truncation, second.fetches) == (None, None, None, 0)
    assert (first.collection_id, second.collection_id) == (None, "6")


def test_the_devices_commands_are_counted() -> None:
    found = only(
        e(
            "Commands",
            mail("1", 10),
            mail("2", 10),
            e("Change", e("ServerId", "3")),
            e("Delete"),
            e("Fetch"),
            e("Fetch"),
        )
    )
    assert (found.adds, found.changes, found.deletes, found.fetches) == (2, 1, 1, 2)


def test_an_answer_counts_items_and_results_apart() -> None:
    answered = response(
        e("Status", 1),
        e(
            "Collections",
            e(
                "Collection",
                e("Class", "Email"),
                e("SyncKey", "7"),
                e("CollectionId", "5"),
                e("Status", 1),
                e("MoreAvailable"),
                e("Responses", e("Add", e("ClientId", "c1"), e("Status", 1)), e("Fetch", e("Status", 8))),
                e(
                    "Commands",
                    mail("1", 100),
                    mail("2", 2000),
                    e("Change"),
                    e("Delete", e("ServerId", "3")),
                    e("SoftDelete"),
                ),
            ),
        ),
    )
    (found,) = answered.collections
    assert (found.adds, found.changes, found.deletes, found.soft_deletes, found.responses) == (2, 1, 1, 1, 2)
    assert (found.sync_key, found.status, found.more_available, found.collection_class) == ("7", 1, True, "Email")
    assert answered.status == 1
    assert 2000 < found.largest_item_bytes < 2060
    assert found.largest_item_bytes < found.items_bytes < found.download_bytes


def test_a_status_inside_of_a_result_is_not_the_collections() -> None:
    (found,) = response(
        e("Collections", e("Collection", e("Responses", e("Add", e("Status", 7))), e("Status", 1)))
    ).collections
    assert found.status == 1


def test_a_refused_wait_brings_its_limit() -> None:
    answered = response(e("Status", 14), e("Limit", 59))
    assert (answered.status, answered.limit, answered.collections) == (14, 59, ())


def test_a_collection_starts_at_its_tag_and_not_at_the_page_switch_before_it() -> None:
    # Sync Collections, page 0 again (needless), Collection { SyncKey "1", page 2, page 0 }
    body = b"\x03\x01\x6a\x00\x45\x5c\x00\x00\x4f\x4b\x031\x00\x01\x00\x02\x00\x00\x01\x01\x01"
    answered = sync.read_response(body)
    assert answered is not None
    (collection,) = answered.collections
    assert collection.download_bytes == len(b"\x4f\x4b\x031\x00\x01\x00\x02\x00\x00\x01")
    assert (answered.header_bytes, answered.envelope_bytes) == (4, 6)


def test_a_collection_without_content_is_one_byte() -> None:
    answered = response(e("Collections", e("Collection"), e("Collection", e("SyncKey", "1"))))
    assert [found.download_bytes for found in answered.collections] == [1, 7]


def test_another_root_is_not_a_sync() -> None:
    other = encode(element("Ping:Ping", element("Ping:Status", 1)))
    assert sync.read_request(other) is None
    assert sync.read_response(other) is None


_items = st.sampled_from(
    [
        mail("1", 3),
        mail("2", 300),
        e("Change", e("ServerId", "1")),
        e("Delete", e("ServerId", "2")),
        e("SoftDelete"),
        e("Fetch"),
    ]
)
_settings = st.sampled_from(
    [e("SyncKey", "k"), e("CollectionId", "5"), e("AirSyncBase:Type"), e("Options", e("FilterType", 1))]
)
_states = st.sampled_from([e("Status", 1), e("MoreAvailable"), e("Email:To", "x")])
_collections = st.builds(
    lambda before, commands, responses, after: e(
        "Collection", *before, e("Commands", *commands), *after, e("Responses", *responses)
    ),
    st.lists(_settings, max_size=4),
    st.lists(_items, max_size=6),
    st.lists(_items, max_size=3),
    st.lists(_states, max_size=3),
)
_bodies = st.lists(_collections, max_size=4).map(
    lambda collections: encode(e("Sync", e("Status", 1), e("Email:Cc"), e("Collections", *collections)))
)


def _from_tree(body: bytes) -> list[tuple[str | None, int, int, int, int]]:
    """(id, adds, results, bytes, largest item) of each collection, read from the tree: the plain twin of the walk."""
    root = wbxml.decode(body).root
    collections = root and root.find("Collections")
    found = []
    for collection in collections.children if collections else []:
        commands, responses = collection.find("Commands"), collection.find("Responses")
        sent = commands.children if commands else []
        results = responses.children if responses else []
        collection_id = collection.find("CollectionId")
        found.append(
            (
                collection_id.text if collection_id else None,
                sum(item.name == "Add" for item in sent),
                len(results),
                collection.end - collection.start,
                max((item.end - item.start for item in [*sent, *results]), default=0),
            )
        )
    return found


@given(_bodies)
def test_the_walk_reads_what_the_tree_says(body: bytes) -> None:
    answered = sync.read_response(body)
    assert answered is not None
    assert [
        (found.collection_id, found.adds, found.responses, found.download_bytes, found.largest_item_bytes)
        for found in answered.collections
    ] == _from_tree(body)


@given(_bodies, st.integers(min_value=0, max_value=2000))
def test_sizes_add_up_even_of_cut_bodies(body: bytes, length: int) -> None:
    cut = body[: max(length, 1)]
    for message in (sync.read_request(cut), sync.read_response(cut)):
        if message is None:  # cut before its root
            assert len(cut) < 5
            continue
        sizes = [
            found.upload_bytes if isinstance(found, SyncCollectionRequest) else found.download_bytes
            for found in message.collections
        ]
        assert message.header_bytes + message.envelope_bytes + sum(sizes) == len(cut)
        assert message.envelope_bytes >= 0
        assert message.complete == (cut == body)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_and_add_up(inside: bytes) -> None:
    body = b"\x03\x01\x6a\x00\x45\x5c\x4f" + inside
    for message in (sync.read_request(body), sync.read_response(body)):
        assert message is not None
        sizes = [
            found.upload_bytes if isinstance(found, SyncCollectionRequest) else found.download_bytes
            for found in message.collections
        ]
        assert message.header_bytes + message.envelope_bytes + sum(sizes) == len(body)


def test_a_full_window_of_items_is_counted_without_a_limit_in_the_way() -> None:
    answered = response(
        e("Collections", e("Collection", e("Commands", *[mail(str(number), 20) for number in range(2000)])))
    )
    (found,) = answered.collections
    assert found.adds == 2000
    assert answered.oddities == ()


@pytest.mark.bench
def test_large_answers_are_sized_at_200_megabytes_a_second() -> None:
    source = random.Random(7)
    items = [mail(str(number), int(min(source.lognormvariate(8.6, 0.8), 60_000))) for number in range(100)]
    body = encode(e("Sync", e("Collections", e("Collection", e("SyncKey", "1"), e("Commands", *items)))))
    best = 1e9
    for _ in range(5):
        begin = time.process_time()
        sync.read_response(body)
        best = min(best, time.process_time() - begin)
    assert len(body) / best > 200e6
