"""Runs frames through decoder, segments and both twins, with a stream that writes down all it is given."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from dissectors.capture import Frames
from dissectors.events import Connection, Event
from dissectors.net.columns import Connections
from dissectors.net.evidence import Upper
from dissectors.net.packets import PacketDecoder
from dissectors.net.plain import PlainConnections
from dissectors.net.segments import Collected, Segments
from tests.dissectors.net.wire import Frame, columns
from tests.support.kernels import WAYS, compiled

WHOLE = 1 << 40
EVERY_PORT = np.ones(1 << 16, np.uint8)
CUTS = (WHOLE, 1000, 37, 7, 1)

Entry = tuple[int, bytes | int, int, int]  # side, bytes (or the length of a gap), frame, time


class Recorder:
    """A sink that remembers; it wants no more once it has `budget` bytes."""

    def __init__(self, budget: int = WHOLE) -> None:
        self.entries: list[Entry] = []
        self.budget = budget
        self.closed: tuple[int, tuple[bool, bool]] | None = None

    by_segment = False
    unread = True

    def unused(self, side: int) -> int:
        raise AssertionError("nobody may ask")

    def pass_over(self, side: int, count: int, frame: int, time_ns: int) -> None:
        raise AssertionError("nobody may do that")

    @property
    def wanted(self) -> bool:
        return self.budget > 0

    def feed(self, side: int, data: bytes, ends: list[int], frames: list[int], times: list[int]) -> None:
        assert len(ends) == len(frames) == len(times)
        assert ends[-1] == len(data)
        assert self.closed is None
        self.budget -= len(data)
        start = 0
        for end, frame, time_ns in zip(ends, frames, times, strict=True):
            assert end > start, "an empty segment"
            self.entries.append((side, data[start:end], frame, time_ns))
            start = end

    def feed_one(self, side: int, data: bytes, frame: int, time_ns: int) -> None:
        self.feed(side, data, [len(data)], [frame], [time_ns])

    def gap(self, side: int, length: int, frame: int, time_ns: int) -> None:
        assert length > 0
        self.entries.append((side, length, frame, time_ns))

    def take_events(self) -> list[Event]:
        return []

    def close(self, end_ns: int, ended: tuple[bool, bool]) -> Upper:
        self.closed = (end_ns, ended)
        return Upper(keep_packets=True)

    def text(self, side: int) -> bytes:
        """What one side said, `<n>` for a gap of n bytes."""
        parts = [what if isinstance(what, bytes) else b"<%d>" % what for who, what, *_ in self.entries if who == side]
        return b"".join(parts)


Result = tuple[list[Connection], dict[int, Recorder]]


def run(
    blocks: Iterator[Frames],
    tracker: Callable[..., Connections | PlainConnections] = Connections,
    budget: int = WHOLE,
    **options: int,
) -> Result:
    """Everything to the end; connections in order of their ids, and each one's stream."""
    recorders: dict[int, Recorder] = {}

    def new_stream(number: int) -> Recorder:
        assert number not in recorders
        return recorders.setdefault(number, Recorder(budget))

    decoder, connections = PacketDecoder(), tracker(new_stream, **options)
    events: list[Event] = []
    for block in blocks:
        events += connections.block(decoded(decoder, block))
    events += connections.finish()
    assert all(isinstance(event, Connection) for event in events)
    ended = sorted((event for event in events if isinstance(event, Connection)), key=lambda each: each.connection_id)
    assert [each.connection_id for each in ended] == list(range(1, len(ended) + 1)), "each connection exactly once"
    assert all(recorder.closed is not None for recorder in recorders.values())
    return ended, recorders


def decoded(decoder: PacketDecoder, block: Frames) -> Segments:
    """The segments of a block, as the built-in engine finds them."""
    collected = Collected(block.data, len(block))
    rest = collected.add_plain(block, 0, EVERY_PORT, 0)
    collected.add(decoder.decode_apart(block, rest)[0], 0, len(block.data))
    return collected.whole()[0]


def cut(frames: Sequence[Frame], per: int) -> Iterator[Frames]:
    """The frames in blocks of `per`."""
    for first in range(0, len(frames), per):
        yield columns(frames[first : first + per], first + 1)


def cut_block(block: Frames, per: int) -> Iterator[Frames]:
    """One block in blocks of `per` frames."""
    names = ("offset", "captured", "original", "time_ns", "interface", "link_type")
    for first in range(0, len(block), per):
        part = {name: getattr(block, name)[first : first + per] for name in names}
        yield Frames(data=block.data, first_frame=block.first_frame + first, **part)


def both(frames: Sequence[Frame], cuts: Sequence[int] = CUTS, budget: int = WHOLE) -> Result:
    """The plain twin's answer, after the columns gave the same for every block size, compiled and not."""
    with compiled(False):
        wanted = run(cut(frames, WHOLE), PlainConnections, budget)
    for way in WAYS:
        for per in cuts:
            with compiled(way):
                found = run(cut(frames, per), Connections, budget)
            assert differences(wanted, found, bytes_too=budget == WHOLE) == [], (way, per)
    return wanted


def differences(wanted: Result, got: Result, *, bytes_too: bool = True) -> list[str]:
    """What two runs say differently, in words."""
    found = [] if len(wanted[0]) == len(got[0]) else [f"{len(wanted[0])} connections, not {len(got[0])}"]
    for one, other in zip(wanted[0], got[0], strict=False):
        found += [f"connection {one.connection_id} {line}" for line in _unequal(one, other)]
    if bytes_too:
        for number in sorted(wanted[1].keys() | got[1].keys()):
            one, other = wanted[1].get(number), got[1].get(number)
            if one is None or other is None:
                found.append(f"connection {number}: only one of the two opened a stream")
            elif (one.entries, one.closed) != (other.entries, other.closed):
                at = next(
                    (k for k, (a, b) in enumerate(zip(one.entries, other.entries, strict=False)) if a != b), "the end"
                )
                found.append(
                    f"connection {number}: bytes differ from entry {at}: {one.entries!r:.600} / {other.entries!r:.600}"
                )
    return found


def _unequal(one: object, other: object) -> list[str]:
    assert isinstance(one, Connection)
    assert isinstance(other, Connection)
    return [
        f"{name}: {getattr(one, name)!r} / {getattr(other, name)!r}"
        for name in Connection._fields
        if getattr(one, name) != getattr(other, name)
    ]


def only(result: Result) -> tuple[Connection, Recorder]:
    """The one connection and its stream."""
    (connection,), recorders = result
    (recorder,) = recorders.values()
    return connection, recorder
