"""The picture of what was asked for: the line runs while a device waits, and nowhere else."""

import math
from typing import Any

from analyzer import analyze
from analyzer.reports.charts import asked, scene
from tests.analyzer.reports import stories

SAMPLE = "samples/silent_firewall.pcap"


def lines(tables: Any) -> list[list[tuple[float, float]]]:
    """The unbroken pieces of all lines: (time, seconds) of their points."""
    pieces: list[list[tuple[float, float]]] = []
    for trace in asked.figure(scene.build(tables))["data"]:
        if trace["mode"] == "lines":
            pieces.append([])
            for point in zip(trace["x"], trace["y"], strict=True):
                if math.isnan(point[1]):
                    pieces.append([])
                else:
                    pieces[-1].append(point)
    return [piece for piece in pieces if piece]


def test_a_wait_whose_interval_is_not_known_has_no_line() -> None:
    story = stories.nothing()
    session, connection = story.session(device_id="A"), story.connection(start=0, end=400)
    for number, requested in enumerate((60, None, 60)):
        story.wait(
            session=session,
            connection=connection,
            start=100 * number,
            held=60,
            requested=requested,
            outcome="expired",
        )

    first, last = lines(story.tables())

    unknown_ms = stories.NOON / 1e6 + 100_000
    assert first[-1][0] < unknown_ms < last[0][0]


def test_between_two_waits_nothing_is_drawn() -> None:
    story = stories.nothing()
    session, connection = story.session(device_id="A"), story.connection(start=0, end=5000)
    for start, requested in ((0, 60), (4000, 90)):
        story.wait(session=session, connection=connection, start=start, held=60, requested=requested, outcome="expired")

    noon = stories.NOON / 1e6
    assert lines(story.tables()) == [
        [(noon, 60.0), (noon + 60_000, 60.0)],
        [(noon + 4_000_000, 90.0), (noon + 4_060_000, 90.0)],
    ]


def test_without_keys_only_the_waits_that_ran_out_have_a_line() -> None:
    analysis = analyze(SAMPLE)

    pieces = lines(analysis.tables())

    assert len(pieces) == analysis.heartbeats["requested_s"].notna().sum() == 2
    assert len(analysis.heartbeats) == 6
