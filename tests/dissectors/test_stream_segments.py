"""One segment at a time says what many at once say: the short way for a segment that is one record with one message."""

import ssl
from functools import cache
from itertools import accumulate

import pytest

from dissectors.events import CLIENT, SERVER, Event
from dissectors.net.evidence import Upper
from dissectors.stream import ConnectionStream
from tests.dissectors.test_stream import ANSWER, CONNECT, ESTABLISHED, REQUEST, Turns, keyed, two_streams
from tests.dissectors.tls.dialogue import Live

TALK = [(CLIENT, REQUEST), (SERVER, ANSWER), (CLIENT, REQUEST), (SERVER, ANSWER + b"?"), (CLIENT, REQUEST)]


@cache
def talks(kind: str) -> tuple[Turns, bytes]:
    """A dialogue of each kind, and its keys."""
    if kind == "http":
        return TALK, b""
    if kind == "h2":
        return two_streams(), b""
    if kind == "tunnel":
        return [(CLIENT, CONNECT), (SERVER, ESTABLISHED), *TALK], b""
    version = ssl.TLSVersion.TLSv1_3 if kind == "1.3" else ssl.TLSVersion.TLSv1_2
    recording = Live(version, None if kind == "1.3" else kind).record(TALK)
    return recording.turns, recording.keys


@pytest.mark.parametrize(
    "kind",
    [
        "http",
        "h2",
        "tunnel",
        "1.3",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-SHA",
    ],
)
@pytest.mark.parametrize("step", [None, 1, 60])
@pytest.mark.parametrize("lost", [None, -1, -2, -3, -4])
@pytest.mark.parametrize("snapped", [False, True])
def test_one_segment_at_a_time_says_the_same_as_many_at_once(
    kind: str, step: int | None, lost: int | None, snapped: bool
) -> None:
    """Frames, times and reasons, too; with a gap behind a turn, which a snap length or a loss made."""
    turns, keys = talks(kind)

    def told(at_once: bool) -> tuple[Upper, list[Event]]:
        stream = ConnectionStream(1, keyed(keys))
        frame = 0
        for number, (side, data) in enumerate(turns, -len(turns)):
            parts = [data[at : at + (step or len(data))] for at in range(0, len(data), step or len(data))]
            frames = list(range(frame + 1, frame + len(parts) + 1))
            frame += len(parts)
            if at_once:
                if len(parts) == 1 and keys:  # a record that comes in two parts does not take the short way
                    parts, frames = [data[:1], data[1:]], frames * 2
                stream.feed(side, data, list(accumulate(map(len, parts))), frames, [1000 * each for each in frames])
            else:
                for each, part in zip(frames, parts, strict=True):
                    stream.feed_one(side, part, each, 1000 * each)
            if number == lost:
                stream.gap(side, 7, frame + (not snapped), 1000 * frame)
        upper = stream.close(frame * 1000, (True, True))
        return upper, stream.take_events()

    assert told(False) == told(True)


def test_a_segment_that_is_a_record_and_a_message_takes_the_short_way() -> None:
    turns, keys = talks("1.3")
    stream = ConnectionStream(1, keyed(keys))
    taken: list[bytes | None] = []
    for frame, (side, data) in enumerate(turns, 1):
        if stream._tls is not None:
            lone = stream._tls._directions[side].lone
            taken.append(None if lone is None else data[:1])
        stream.feed_one(side, data, frame, frame)
    assert taken[-len(TALK) :] == [b"\x17"] * len(TALK)
