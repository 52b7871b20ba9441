"""What is drawn and what is left out: limits, order, places."""

import pytest

from analyzer.reports.charts import scene
from tests.analyzer.reports import stories


def test_every_wait_has_a_bar_while_there_is_room() -> None:
    tables = stories.office().tables()

    drawn = scene.build(tables)

    assert len(drawn.waits) == len(tables["heartbeats"])
    assert drawn.left_out == ()
    assert len(drawn.rest) == 0


def test_devices_with_most_deaths_come_first() -> None:
    drawn = scene.build(stories.office().tables())

    assert [lane.label for lane in drawn.lanes] == ["iPhone Chris", "iPhone Anna", "Android Ben"]


def test_connections_at_the_same_time_get_rows_of_their_own_and_later_ones_use_them_again() -> None:
    story = stories.nothing()
    session = story.session(device_id="A")
    for start, end in ((0, 100), (50, 150), (120, 200)):  # the third begins after the first has ended
        connection = story.connection(start=start, end=end)
        story.wait(session=session, connection=connection, start=start + 1, held=20, requested=20, outcome="expired")

    drawn = scene.build(story.tables())

    first, second, third = drawn.waits.sort_values("start_ms")["y"]
    assert second == first + 1
    assert third == first
    assert drawn.lanes[0].rows == 2


def test_more_connections_at_once_than_rows_share_the_last_row() -> None:
    story = stories.nothing()
    session = story.session(device_id="A")
    for number in range(scene.MAX_ROWS + 5):
        connection = story.connection(start=number, end=500)
        story.wait(session=session, connection=connection, start=number + 1, held=90, requested=90, outcome="expired")

    drawn = scene.build(story.tables())

    assert drawn.lanes[0].rows == scene.MAX_ROWS
    assert len(drawn.waits) == scene.MAX_ROWS + 5
    assert drawn.waits["y"].max() < drawn.height


def test_what_is_left_out_is_counted_and_what_is_drawn_and_left_out_is_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scene, "MAX_DEVICES", 2)
    tables = stories.office().tables()

    drawn = scene.build(tables)

    assert len(drawn.lanes) == 2
    assert len(drawn.waits) + len(drawn.rest) == len(tables["heartbeats"])
    assert f"The other 1, with {len(drawn.rest)} waits (0 died), are counted below." in drawn.left_out[0]


def test_a_device_with_more_waits_than_room_keeps_all_its_deaths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "MAX_BARS", 210)
    tables = stories.office().tables()

    drawn = scene.build(tables)

    assert len(drawn.waits) <= 210
    died = tables["teardowns"]["premature"].sum()
    assert (drawn.waits["outcome"] == "died").sum() == died
    assert any("other waits drawn" in note for note in drawn.left_out)
    assert len(drawn.waits) + len(drawn.rest) == len(tables["heartbeats"])


def test_more_deaths_than_room_are_thinned_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "MAX_BARS", 30)

    drawn = scene.build(stories.office().tables())

    assert len(drawn.waits) <= 30
    assert any("of 45 deaths is drawn" in note for note in drawn.left_out)


def test_a_wait_without_a_session_is_on_the_lane_of_its_client_address() -> None:
    drawn = scene.build(stories.encrypted().tables())

    assert [lane.label for lane in drawn.lanes] == ["198.51.100.7"]
    assert len(drawn.waits) == 14


def test_an_empty_capture_has_no_lane_and_a_span() -> None:
    drawn = scene.build(stories.nothing().tables())

    assert drawn.lanes == ()
    assert drawn.span[0] < drawn.span[1]


def test_syncs_without_any_wait_still_have_a_lane() -> None:
    story = stories.nothing()
    session = story.session(device_id="A", device_type="Pocket")
    story.sync(session=session, connection=story.connection(start=0, end=9), time=1, folder="Inbox", down=900)

    drawn = scene.build(story.tables())

    assert [(lane.label, lane.waits) for lane in drawn.lanes] == [("Pocket anna", 0)]
    assert drawn.syncs["bytes"].tolist() == [1210]
    assert drawn.syncs["y"].notna().all()


def test_several_folders_in_one_sync_are_one_mark_that_names_them_and_adds_them_up() -> None:
    story = stories.nothing()
    session = story.session(device_id="A")
    connection = story.connection(start=0, end=9)
    for folder in ("Inbox", "Calendar"):
        story.sync(session=session, connection=connection, time=1, folder=folder, down=1000)
        story.rows["sync_sizes"][-1]["transaction_id"] = 1_000_000

    drawn = scene.build(story.tables())

    assert drawn.syncs["folder"].tolist() == ["Inbox, Calendar"]
    assert drawn.syncs["download_bytes"].tolist() == [2000]
