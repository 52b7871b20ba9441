"""What each folder cost: shares that add up, collections that match, names from FolderSync."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.timeline.sync_sizes import shares
from tests.analyzer.timeline.dialogue import CLIENT, Dialogue


@given(st.integers(0, 10**7), st.lists(st.integers(0, 10**6), max_size=20), st.integers(0, 10**6))
def test_shares_and_the_rest_add_up_and_are_proportional(total: int, parts: list[int], rest: int) -> None:
    given_out = shares(total, parts, rest)
    left = total - sum(given_out)
    assert len(given_out) == len(parts)
    assert left >= 0
    whole = sum(parts) + rest
    for share, part in zip([*given_out, left], [*parts, rest], strict=True):
        if whole:
            assert total * part // whole <= share <= total * part // whole + 1


def test_equal_remainders_go_to_the_earlier_part() -> None:
    assert shares(10, [1, 1, 1], 0) == [4, 3, 3]


@pytest.fixture
def two_folders() -> Dialogue:
    d = Dialogue()
    link = d.connect()
    link.folder_sync(1, {"5": ("Inbox", 2), "9": ("Team calendar", 13)})
    link.sync(
        2,
        {"5": "41", "9": "7"},
        answered_at=3,
        received={"5": ("42", 30), "9": ("8", 3)},
        wire=(700, 5003),
        compressed=611,
    )
    link.end(4, first_close="fin", side=CLIENT)
    return d


def test_a_row_a_collection_with_names_and_counts(two_folders: Dialogue) -> None:
    rows = two_folders.rows("sync_sizes")
    seen = [(r["collection_id"], r["folder_name"], r["folder_class"], r["adds"], r["sync_key_sent"]) for r in rows]
    assert seen == [("5", "Inbox", "inbox", 30, "41"), ("9", "Team calendar", "user calendar", 3, "7")]
    assert [r["sync_key_received"] for r in rows] == ["42", "8"]
    assert [r["initial"] for r in rows] == [False, False]


def test_the_decoded_bytes_and_the_envelope_are_the_body(two_folders: Dialogue) -> None:
    from dissectors.eas import decode_transaction

    sync = two_folders.events[1]
    said = decode_transaction(sync)
    envelope = said.response.header_bytes + said.response.envelope_bytes
    rows = two_folders.rows("sync_sizes")
    assert sum(r["download_bytes"] for r in rows) + envelope == sync.response.decoded_bytes


def test_wire_and_body_shares_with_the_envelope_are_the_whole(two_folders: Dialogue) -> None:
    rows = two_folders.rows("sync_sizes")
    decoded = 0
    for row, whole in (("download_wire_bytes", 5003), ("download_body_bytes", 611), ("upload_wire_bytes", 700)):
        left = whole - sum(r[row] for r in rows)
        assert 0 < left < whole
        decoded += left
    assert decoded


def test_an_empty_answer_costs_the_folders_nothing() -> None:
    d = Dialogue()
    link = d.connect()
    link.sync(2, {"5": "41"}, answered_at=3)
    link.end(4)
    (row,) = d.rows("sync_sizes")
    assert (row["download_bytes"], row["download_wire_bytes"], row["adds"], row["status"]) == (0, 0, 0, None)
    assert row["upload_bytes"] > 0


def test_an_unanswered_sync_has_sizes_up_and_nothing_known_down() -> None:
    d = Dialogue()
    link = d.connect()
    link.sync(2, {"5": "41"})
    link.end(4)
    (row,) = d.rows("sync_sizes")
    assert row["upload_bytes"] > 0
    assert (row["download_bytes"], row["adds"], row["more_available"]) == (None, None, None)


def test_an_empty_sync_with_an_empty_answer_names_no_collection() -> None:
    d = Dialogue()
    link = d.connect()
    link.sync(2, None, answered_at=3)
    link.end(4)
    assert d.rows("sync_sizes") == []


def test_a_folder_that_was_renamed_has_the_name_of_the_time() -> None:
    d = Dialogue()
    link = d.connect()
    link.sync(1, {"5": "1"}, answered_at=1.5)
    link.folder_sync(2, {"5": ("Old", 12)})
    link.sync(3, {"5": "1"}, answered_at=3.5)
    link.folder_sync(4, {"5": ("New", 12)})
    link.sync(5, {"5": "1"}, answered_at=5.5)
    link.end(6)
    assert [r["folder_name"] for r in d.rows("sync_sizes")] == ["Old", "Old", "New"]


def test_names_are_not_borrowed_from_another_device() -> None:
    d = Dialogue()
    one, other = d.connect(), d.connect()
    one.folder_sync(1, {"5": ("Inbox", 2)})
    one.end(9)
    other.sync(2, {"5": "1"}, answered_at=3, device="DEV2")
    other.end(9)
    assert [r["folder_name"] for r in d.rows("sync_sizes")] == [None]
