"""The folder picture: the verdict's numbers, the largest first."""

import pytest

from analyzer.reports.charts import folders
from tests.analyzer.reports import stories


def test_the_bars_are_the_numbers_of_the_verdict() -> None:
    rows = stories.office().verdict.folders  # type: ignore[union-attr]

    decoded, wire, up = folders.figure(rows)["data"]

    assert decoded["x"] == [row.down_bytes for row in rows]
    assert wire["x"] == [row.down_wire_bytes for row in rows]
    assert up["x"] == [row.up_bytes for row in rows]


def test_only_the_largest_are_drawn_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_FOLDERS", 2)
    rows = stories.office().verdict.folders  # type: ignore[union-attr]

    figure = folders.figure(rows[::-1])

    assert figure["data"][0]["customdata"] == [3, 2]
    assert figure["layout"]["meta"]["left_out"] == "The 2 largest of 4 folders."


@pytest.mark.parametrize("largest", [0, 1, 7, 999, 1_000, 134_000, 4_800_000, 3_000_000_000])
def test_ticks_are_few_round_and_reach_far_enough(largest: int) -> None:
    ticks = folders._ticks(largest)

    assert 2 <= len(ticks) <= 6
    assert ticks[0] == 0
    assert ticks[-1] + ticks[1] > largest
    assert str(ticks[1]).rstrip("0") in {"1", "2", "5"}
