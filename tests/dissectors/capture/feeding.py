"""Feeds a capture reader with a whole file or with pieces of one, as plain rows that tests can compare."""

import numpy as np

from dissectors.capture import CaptureReader, Frames, open_capture

Row = tuple[int, bytes, int, int, int, int]  # number, bytes, original, time_ns, interface, link type


def read(data: bytes, *, plain: bool = False, cuts: tuple[int, ...] = ()) -> tuple[list[Row], CaptureReader]:
    """All frames of a file that arrives in pieces, cut at `cuts` (positions in the file)."""
    reader = open_capture(data[:1024], plain=plain)
    rows: list[Row] = []
    waiting, ends = b"", [*sorted(cuts), len(data)]
    begin = 0
    for end in ends:
        waiting += data[begin:end]
        begin = end
        frames, consumed = reader.parse(np.frombuffer(waiting, np.uint8), last=False)
        rows += rows_of(frames)
        waiting = waiting[consumed:]
        assert reader.needed > len(waiting) or consumed
    frames, consumed = reader.parse(np.frombuffer(waiting, np.uint8), last=True)
    assert consumed == len(waiting)
    rows += rows_of(frames)
    assert reader.frames == len(rows)
    assert reader.position == len(data)
    return rows, reader


def rows_of(frames: Frames) -> list[Row]:
    view = frames.data.tobytes()
    columns = (frames.offset, frames.captured, frames.original, frames.time_ns, frames.interface, frames.link_type)
    return [
        (frames.first_frame + index, view[offset : offset + captured], original, time_ns, interface, link_type)
        for index, (offset, captured, original, time_ns, interface, link_type) in enumerate(
            zip(*(column.tolist() for column in columns), strict=True)
        )
    ]
