"""The picture of Syncs: its scale can always be read."""

import math
from typing import Any

import pytest

from analyzer.reports.charts import scene, syncs
from tests.analyzer.reports import stories


def axis(*sizes: int) -> Any:
    story = stories.nothing()
    session, connection = story.session(device_id="A"), story.connection(start=0, end=99)
    for number, size in enumerate(sizes):
        story.sync(session=session, connection=connection, time=number, folder="Inbox", down=size)
    return syncs.figure(scene.build(story.tables()))["layout"]["yaxis"]


@pytest.mark.parametrize("sizes", [(0,), (50,), (690, 700), (100, 4_000_000)])
def test_at_least_two_powers_of_ten_are_on_the_scale_and_all_sizes_between_them(sizes: tuple[int, ...]) -> None:
    scale = axis(*sizes)

    low, high = scale["range"]
    ticks = [math.log10(tick) for tick in scale["tickvals"] if low <= math.log10(tick) <= high]
    assert len(ticks) >= 2
    assert min(ticks) <= math.log10(min(sizes) + 310)
    assert math.log10(max(sizes) + 310) <= max(ticks)
