"""The timer in words: one table is asked, by the chart and by the table of devices."""

import re
from typing import Any

import pytest

from analyzer import analyze
from analyzer.findings import timers
from analyzer.findings.case import Case
from analyzer.reports.charts import idle, scene
from tests.analyzer.reports import stories


def timer(**changed: Any) -> timers.PathTimer:
    return timers.PathTimer(**{"low_s": 298.0, "high_s": 302.0, "deaths": 4, "confidence": None, **changed})


@pytest.mark.parametrize(
    ("row", "words", "heading"),
    [
        (timer(), "298-302 s", "timer 298-302 s"),
        (timer(confidence=0.9), "298-302 s", "timer 298-302 s, at least 90 % sure"),
        (timer(low_s=None), "< 302 s", "timer at most 302 s"),
        (timer(high_s=None, deaths=0), "> 298 s", "no timer up to 298 s"),
        (timer(high_s=None), "no single timer", "no single timer explains this"),
        (timers.UNKNOWN, "-", "timer not known"),
    ],
)
def test_words(row: timers.PathTimer, words: str, heading: str) -> None:
    assert (row.words, row.heading) == (words, heading)


def test_chart_and_devices_say_the_same_where_the_lower_end_is_a_probable_one() -> None:
    """samples/proxy_timeout: the longest idle that lived is 21.19 s, the proxy's true time-out 25 s."""
    analysis = analyze("samples/proxy_timeout.pcap", "samples/proxy_timeout.keys")
    tables = analysis.tables()
    picture = scene.build(tables)

    heading = idle.figure(picture, tables)["layout"]["annotations"][0]["text"]
    (device,) = analysis.verdict.devices
    words, sure = device.timer, device.timer_sure

    assert heading == f"timer {words}, {sure}"
    (row,) = tables["idle_timeouts"].to_dict("records")
    assert row["longest_survived_s"] < row["low_s"] < 25.0 < row["high_s"]
    assert words == "23-25 s"
    assert sure == "at least 90 % sure"
    assert device.timer_ran_out


def test_page_and_terminal_have_one_timer_of_a_path() -> None:
    analysis = analyze("samples/proxy_timeout.pcap", "samples/proxy_timeout.keys")

    page = re.sub(r"<script.*?</script>", "", analysis.to_html(), flags=re.DOTALL)
    assert "23-25 s" in page
    assert "21-25 s" not in page
    assert "23-25 s" in analysis.summary()
    assert "21-25 s" not in analysis.summary()


def test_clients_that_contradict_one_another_have_paths_of_their_own() -> None:
    tables = stories.office().tables()
    alone, network = "198.51.100.9 → 203.0.113.10", "198.51.100.0/24 → 203.0.113.10"
    beats, timer_rows = tables["heartbeats"], tables["idle_timeouts"]
    one = beats["session_id"] == beats["session_id"].iloc[0]
    tables["heartbeats"] = beats.assign(path=one.map({True: alone, False: network}))
    tables["idle_timeouts"] = timer_rows.assign(path=alone)

    found = timers.of_speakers(Case(tables))

    assert len(found) == 1
    assert set(scene.build(tables).all_waits["path"]) == {alone, network}


def test_somebody_whose_path_is_not_known_is_left_out() -> None:
    assert timers.of_speakers(Case(stories.single().tables())) == {}


def test_a_timer_that_nobody_died_of_is_not_named_where_a_server_was_killed() -> None:
    page = analyze("samples/server_killed.pcap", "samples/server_killed.keys").to_html()

    facts = re.search(r'<dl class="facts">(.*?)</dl>', page)
    assert facts is not None
    assert "server&#x27;s side, closed" in facts[1]
    assert "idle timer" not in facts[1]
