"""The timer in words: one table is asked, by the chart and by the table of devices."""

import re
from typing import Any

import pytest

from analyzer import analyze
from analyzer.reports.charts import idle, scene, timers
from tests.analyzer.reports import stories


def timer(**changed: Any) -> timers.Timer:
    return timers.Timer(
        **{"server_ip": "203.0.113.10", "low_s": 298.0, "high_s": 302.0, "deaths": 4, "confidence": None, **changed}
    )


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
def test_words(row: timers.Timer, words: str, heading: str) -> None:
    assert (row.words, row.heading) == (words, heading)


def test_chart_and_devices_say_the_same_where_the_lower_end_is_a_probable_one() -> None:
    """samples/proxy_timeout: the longest idle that lived is 21.19 s, the proxy's true time-out 25 s."""
    analysis = analyze("samples/proxy_timeout.pcap", "samples/proxy_timeout.keys")
    tables = analysis.tables()
    picture = scene.build(tables)

    heading = idle.figure(picture, tables)["layout"]["annotations"][0]["text"]
    ((words, sure, ran_out),) = timers.of_sessions(picture.all_waits, timers.read(tables)).values()

    assert heading == f"timer {words}, {sure}"
    (row,) = tables["idle_timeouts"].to_dict("records")
    assert row["longest_survived_s"] < row["low_s"] < 25.0 < row["high_s"]
    assert words == "23-25 s"
    assert sure == "at least 90 % sure"
    assert ran_out


def test_the_page_has_one_timer_of_a_path() -> None:
    page = analyze("samples/proxy_timeout.pcap", "samples/proxy_timeout.keys").to_html()

    text = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert "23-25 s" in text
    assert "21-25 s" not in page


def test_clients_that_contradict_one_another_have_paths_of_their_own() -> None:
    tables = stories.office().tables()
    tables["idle_timeouts"] = tables["idle_timeouts"].assign(path="198.51.100.9 → 203.0.113.10")
    waits = scene.build(tables).all_waits

    found = set(timers.paths(waits, timers.read(tables)))

    assert found == {"198.51.100.9 → 203.0.113.10", "198.51.100.0/24 → 203.0.113.10"}


def test_a_session_that_no_path_is_known_of_is_left_out() -> None:
    tables = stories.single().tables()

    assert timers.of_sessions(scene.build(tables).all_waits, timers.read(tables)) == {}


def test_a_timer_that_nobody_died_of_is_not_named_where_a_server_was_killed() -> None:
    page = analyze("samples/server_killed.pcap", "samples/server_killed.keys").to_html()

    facts = re.search(r'<dl class="facts">(.*?)</dl>', page)
    assert facts is not None
    assert "server&#x27;s side, closed" in facts[1]
    assert "idle timer" not in facts[1]
