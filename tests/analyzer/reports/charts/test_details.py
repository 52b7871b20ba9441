"""What a mark says: frames, filter, judgement, evidence."""

from analyzer.reports.charts import details, scene
from tests.analyzer.reports import stories


def test_a_dead_wait_says_who_ended_it_and_on_what_evidence() -> None:
    rows = details.frames_of(scene.build(stories.office().tables()), several_files=False)["waits"]

    dead = rows[rows["outcome"] == "died"].iloc[0]

    assert dead["title"] == "Wait died"
    assert dead["by"] == "middlebox, idle timeout (likely)"
    frame = int(dead["request_frame"])
    assert dead["evidence"] == [
        f"The device repeated its last packet 5 times without an answer. (frames {frame + 1} and {frame + 2})"
    ]


def test_the_filter_shows_the_frames_of_the_connection() -> None:
    assert (
        details.wireshark_filter("tcp.port==40001", 12.0, 40.0)
        == "(tcp.port==40001) && frame.number >= 12 && frame.number <= 40"
    )


def test_the_filter_of_frames_that_nobody_knows_shows_the_connection() -> None:
    assert details.wireshark_filter("tcp.port==40001", float("nan"), float("nan")) == "(tcp.port==40001)"


def test_texts_are_sent_once_and_pointed_at() -> None:
    rows = details.frames_of(scene.build(stories.office().tables()), several_files=False)["waits"]

    packed = details.columns("waits", rows)

    device = packed["columns"]["device"]
    assert sorted(device["values"]) == ["Android Ben", "iPhone Anna", "iPhone Chris"]
    assert [device["values"][code] for code in device["codes"]] == list(rows["device"])


def test_what_is_not_known_is_null_and_a_whole_number_has_no_point() -> None:
    rows = details.frames_of(scene.build(stories.encrypted().tables()), several_files=False)["waits"]

    columns = details.columns("waits", rows)["columns"]

    assert set(columns["requested_s"]) == {None}
    assert all(isinstance(frame, int) for frame in columns["frame"])


def test_the_file_is_named_only_where_there_are_several() -> None:
    one = details.frames_of(scene.build(stories.single().tables()), several_files=False)["waits"]
    two = details.frames_of(scene.build(stories.single().tables()), several_files=True)["waits"]

    assert list(one["file"]) == [None]
    assert list(two["file"]) == ["office.pcapng"]
