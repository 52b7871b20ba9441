"""The picture of deliveries: each step of each change as the table has it, what went wrong marked."""

from typing import Any

import pytest

from analyzer import analyze
from analyzer.reports.charts import deliveries, details
from tests.analyzer.reports import stories

TABLE = ("notify_to_ping_s", "ping_to_sync_s", "sync_done_s")


def chosen(name: str, keys: bool = False) -> tuple[deliveries.Deliveries, Any]:
    analysis = analyze(f"samples/{name}.pcap", f"samples/{name}.keys" if keys else ())
    found = deliveries.choose(analysis.tables())
    assert found is not None
    return found, analysis.deliveries


def bars(found: deliveries.Deliveries, words: str) -> dict[str, Any]:
    (trace,) = (trace for trace in deliveries.figure(found)["data"] if trace["name"] == words)
    return dict(trace)


def crosses(found: deliveries.Deliveries) -> list[int]:
    marks = [trace for trace in deliveries.figure(found)["data"] if trace["type"] == "scatter"]
    return [int(row) for trace in marks for row in trace["customdata"]]


@pytest.mark.parametrize("name", ["frontend_healthy", "frontend_moved_port"])
def test_the_three_steps_stand_one_after_the_other(name: str) -> None:
    found, table = chosen(name)

    figure = deliveries.figure(found)

    assert [list(trace["x"]) for trace in figure["data"]] == [list(table[column]) for column in TABLE]
    ends = figure["data"][-1]["base"] + figure["data"][-1]["x"]
    assert list(ends) == pytest.approx(list(table["total_s"]))
    assert crosses(found) == []
    assert found.servers


def test_what_was_refused_is_marked_and_the_time_until_it_was_asked_for_is_not_a_step() -> None:
    found, table = chosen("frontend_blocked")

    vain = bars(found, "not asked for yet")

    assert list(vain["x"]) == pytest.approx(list(table["total_s"] - table["sync_done_s"]))
    assert crosses(found) == [0, 1, 2]
    assert [words for _, _, words in deliveries.steps(found)] == ["not asked for yet", "→ device has it (Sync)"]
    assert found.counts == "3 changes: 3 refused."


def test_what_was_lost_is_counted_from_the_poll_that_showed_it_and_says_so() -> None:
    found, _ = chosen("frontend_lost")

    assert crosses(found) == [1, 2]
    assert list(found.rows["title"])[1:] == ["Lost; 1.1 s after a POLL"] * 2
    assert found.rows["in_vain"].isna().all()
    assert found.counts == "3 changes: 1 delivered and 2 lost."


def test_without_the_servers_side_the_steps_begin_at_the_answer_to_the_ping() -> None:
    found, _ = chosen("silent_firewall", keys=True)

    assert not found.servers
    assert found.rows["to_ping"].isna().all()
    assert list(found.rows["words"]) == ["delivered in 355 ms", "delivered in 133 ms"]


def test_a_mark_leads_to_the_datagrams_and_to_the_connection() -> None:
    found, table = chosen("frontend_blocked")

    row = found.rows.iloc[0]

    shown = details.wireshark_filter(row["filter"], row["frame"], row["last"])
    assert shown.startswith("((ip.addr == 10.0.0.5 && ip.addr == 10.0.0.4 && udp.port == 2883) || (ip.addr==")
    assert row["frame"] == table["notification_frame"][0]
    assert shown.endswith(f"frame.number >= 25 && frame.number <= {row['last']:.0f}")


def test_nothing_to_deliver_means_no_picture() -> None:
    assert deliveries.choose(stories.single().tables()) is None


def test_a_change_of_which_nothing_is_known_is_counted_and_not_drawn() -> None:
    story = stories.single()
    when = stories.NOON
    story.add("deliveries", delivery_id=1, time=when, outcome="delivered", ping_to_sync_s=0.5, total_s=0.7)
    story.add("deliveries", delivery_id=2, time=when + 1)

    found = deliveries.choose(story.tables())

    assert found is not None
    assert len(found.rows) == 1
    assert found.counts == "2 changes: 1 delivered and 1 cannot be judged."
    assert found.left_out.startswith("1 of 2 are shown")


def test_what_went_wrong_has_room_before_what_took_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "MAX_ROWS", 2)
    story = stories.single()
    rows = (("delivered", 9.0), ("delivered", 20.0), ("missed", None), ("delivered", 1.0))
    for number, (outcome, total) in enumerate(rows):
        story.add("deliveries", delivery_id=number, time=stories.NOON + number, outcome=outcome, total_s=total)

    found = deliveries.choose(story.tables())

    assert found is not None
    assert list(found.rows["words"]) == ["delivered in 20 s", "woke nobody; not fetched"]
