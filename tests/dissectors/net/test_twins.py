"""The columns, compiled or not, and the plain path are one: on recordings, on random captures, for blocks
of every size.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from dissectors.capture import Frames, open_capture
from dissectors.net.plain import PlainConnections
from tests.dissectors.net import dialogues, drive
from tests.support.kernels import WAYS, compiled
from tests.support.places import RECORDINGS, SAMPLES

SAMPLE_CAPTURES = sorted(SAMPLES.glob("*.pcap*"))
RECORDED = sorted(RECORDINGS.glob("*.pcap*")) if RECORDINGS.is_dir() else []


def block_of(path: object) -> Frames:
    """The whole capture as one block."""
    data = np.fromfile(path, np.uint8)  # type: ignore[call-overload]
    frames, _ = open_capture(data[:1024].tobytes()).parse(data, last=True)
    return frames


def blocks(block: Frames, per: int) -> Iterator[Frames]:
    return drive.cut_block(block, per)


@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in SAMPLE_CAPTURES])
def test_samples(path: object) -> None:
    block = block_of(path)
    with compiled(False):
        wanted = drive.run(blocks(block, drive.WHOLE), PlainConnections)
    assert wanted[0]
    for way in WAYS:
        for per in (drive.WHOLE, 37):
            with compiled(way):
                found = drive.run(blocks(block, per))
            assert drive.differences(wanted, found) == [], (way, per)


@pytest.mark.slow
@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in [*SAMPLE_CAPTURES, *RECORDED]])
def test_recordings_in_blocks_of_every_size(path: object) -> None:
    block = block_of(path)
    with compiled(False):
        wanted = drive.run(blocks(block, drive.WHOLE), PlainConnections)
    for way in WAYS:
        for per in drive.CUTS:
            with compiled(way):
                found = drive.run(blocks(block, per))
            assert drive.differences(wanted, found) == [], (way, per)
    for per in (1, 7):
        assert drive.differences(wanted, drive.run(blocks(block, per), PlainConnections)) == [], per


@pytest.mark.parametrize("wild", [0.0, 0.8], ids=["honest", "garbage"])
@pytest.mark.parametrize("seed", range(6))
def test_random_captures(seed: int, wild: float) -> None:
    drive.both(dialogues.capture(seed, wild=wild, steps=15 + 5 * seed), (drive.WHOLE, 13, 1))


@pytest.mark.parametrize("seed", range(3))
def test_random_captures_of_a_trembling_clock(seed: int) -> None:
    drive.both(dialogues.capture(1000 + seed, wild=0.3, time_travel=True), (drive.WHOLE, 5))


@pytest.mark.parametrize("seed", range(3))
def test_random_captures_whose_streams_lose_interest(seed: int) -> None:
    """Where interest ends may be told a block later or earlier; the facts of the connection are the same."""
    drive.both(dialogues.capture(2000 + seed, wild=0.3), (1,), budget=500)


@pytest.mark.parametrize("seed", range(4))
def test_random_captures_of_more_connections_than_are_kept_open(seed: int) -> None:
    """Room is made at the end of a block, so both are given the same blocks."""
    frames = dialogues.capture(3000 + seed, wild=0.3, connections=6)
    for per in (3, 20):
        wanted = drive.run(drive.cut(frames, per), PlainConnections, max_open=2)
        for way in WAYS:
            with compiled(way):
                found = drive.run(drive.cut(frames, per), max_open=2)
            assert drive.differences(wanted, found) == [], (way, per)


@pytest.mark.slow
@pytest.mark.parametrize("group", range(20))
def test_many_random_captures(group: int) -> None:
    for seed in range(group * 25, group * 25 + 25):
        frames = dialogues.capture(
            seed,
            wild=(0.0, 0.3, 0.9)[seed % 3],
            connections=1 + seed % 6,
            steps=20 + seed % 70,
            time_travel=seed % 7 == 0,
        )
        drive.both(frames, (drive.WHOLE, 64, 13, 3, 1))
