"""The idle picture: points and bins hold every tested wait, the band is that of `idle_timeouts`."""

from typing import Any

import pytest

from analyzer.reports.charts import idle, scene
from analyzer.tables.pseudonyms import pseudonymized
from tests.analyzer.reports import stories


def picture(tables: dict[str, Any]) -> dict[str, Any]:
    return idle.figure(scene.build(tables), tables)


def texts(figure: dict[str, Any]) -> list[str]:
    return [note["text"] for note in figure["layout"]["annotations"]]


def test_the_band_is_the_interval_of_the_table() -> None:
    figure = picture(stories.office().tables())

    (band,) = figure["layout"]["shapes"]
    assert (band["x0"], band["x1"]) == (290.0, 301.0)
    assert texts(figure) == ["timer 290-301 s", "198.51.100.0/24 → 203.0.113.10"]


def test_each_wait_that_tested_an_idle_time_is_one_point() -> None:
    tables = stories.office().tables()

    figure = picture(tables)

    tested = tables["heartbeats"]["outcome"].isin(["expired", "changes", "torn_down"]).sum()
    assert sum(len(trace["x"]) for trace in figure["data"]) == tested


def test_bins_count_the_same_waits_as_points(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = stories.office().tables()
    points = {trace["name"]: 0 for trace in picture(tables)["data"]}
    bins = dict(points)
    for trace in picture(tables)["data"]:
        points[trace["name"]] += len(trace["x"])
    monkeypatch.setattr(idle, "MAX_POINTS", 10)

    for trace in picture(tables)["data"]:
        bins[trace["name"]] += int(trace["customdata"].sum())

    assert bins == points


def test_nothing_died_means_no_band_and_no_row_of_the_dead() -> None:
    tables = stories.single().tables()

    figure = picture(tables)

    assert figure["layout"]["shapes"] == []
    assert figure["layout"]["yaxis"]["ticktext"] == ["lived"]


def test_only_the_paths_with_most_deaths_are_shown_and_that_is_said() -> None:
    story = stories.nothing()
    session = story.session(device_id="A")
    for number in range(idle.MAX_PATHS + 3):
        connection = story.connection(start=0, end=400, client=f"10.0.{number}.1")
        story.wait(
            session=session,
            connection=connection,
            start=1,
            held=300,
            requested=900,
            outcome="torn_down" if number == 6 else "expired",
            path=f"10.0.{number}.0/24 → 203.0.113.10",
        )

    figure = picture(story.tables())

    assert figure["layout"]["meta"]["left_out"].startswith("4 of 7 paths are shown")
    assert texts(figure)[1] == "10.0.6.0/24 → 203.0.113.10"


def test_a_pseudonymized_path_is_the_same_in_both_tables() -> None:
    tables = pseudonymized(stories.office().tables())

    assert texts(picture(tables)) == ["timer 290-301 s", "network-1"]
