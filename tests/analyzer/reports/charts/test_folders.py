"""The folder picture: the verdict's numbers, the largest first."""

from itertools import pairwise

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


def test_no_bar_covers_another_whichever_is_longer() -> None:
    rows = stories.office().verdict.folders  # type: ignore[union-attr]
    small = rows[0]._replace(down_bytes=128, down_wire_bytes=558)

    figure = folders.figure((small,))

    spans = sorted((bar["y"][0] - bar["width"] / 2, bar["y"][0] + bar["width"] / 2) for bar in figure["data"])
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert figure["layout"]["xaxis"]["range"][1] > 558
    assert figure["layout"]["annotations"][0]["text"].endswith("558 B → 128 B")


def test_a_folder_whose_size_is_not_known_says_so() -> None:
    rows = stories.office().verdict.folders  # type: ignore[union-attr]

    figure = folders.figure((rows[0]._replace(down_bytes=None, down_wire_bytes=None),))

    assert figure["layout"]["annotations"][0]["text"].endswith("size unknown")
