"""Which streams of a connection are open, which are over, and which were answered before their request was seen."""

from typing import Final

from dissectors.http.h2.streams import Stream

MAX_STREAMS: Final = 1000  # open at a time
MAX_EARLY_RESPONSES: Final = 16  # whole, and waiting for a request that may be handed in later
MAX_CLOSED_STREAMS: Final = 1024  # remembered, for what is still on its way to them


class Registry:
    """The streams of one connection."""

    __slots__ = ("_closed", "_early", "_number", "_open")

    def __init__(self, number: int) -> None:
        self._number = number  # of the last transaction
        self._open: dict[int, Stream] = {}  # in the order of their first frames
        self._closed: dict[int, None] = {}  # the latest that are over, an ordered set
        self._early: dict[int, Stream] = {}  # answered, but the request was not seen so far

    def get(self, stream_id: int) -> Stream | None:
        """The stream, if it is open."""
        return self._open.get(stream_id)

    def is_over(self, stream_id: int) -> bool:
        """Whether the stream is known to be over."""
        return stream_id in self._closed

    def open(self, stream_id: int) -> Stream:
        """A new stream."""
        stream = self._open[stream_id] = Stream(stream_id)
        return stream

    def close(self, stream: Stream) -> None:
        """The stream is over."""
        stream_id = stream.stream_id
        del self._open[stream_id]
        self._early.pop(stream_id, None)
        self._closed[stream_id] = None
        if len(self._closed) > MAX_CLOSED_STREAMS:
            del self._closed[next(iter(self._closed))]

    def begin(self, stream: Stream) -> None:
        """A head of the stream is there: it will be a transaction, which gets its number."""
        if not stream.number:
            self._number += 1
            stream.number = self._number

    def answered_early(self, stream: Stream) -> Stream | None:
        """The answer is whole, the request was not seen. Returns the stream that is waited for no longer."""
        self._early[stream.stream_id] = stream
        return next(iter(self._early.values())) if len(self._early) > MAX_EARLY_RESPONSES else None

    def passed_by(self, stream_id: int) -> list[Stream]:
        """The early ones before a stream that the client opens: it opens streams in the order of their numbers
        (RFC 9113 5.1.1), so that their requests do not come any more."""
        return [stream for stream in self._early.values() if stream.stream_id < stream_id] if self._early else []

    def surplus(self) -> Stream | None:
        """The oldest stream, when there are too many."""
        return next(iter(self._open.values())) if len(self._open) > MAX_STREAMS else None

    def all(self) -> list[Stream]:
        """Every open stream, by the number of its transaction."""
        return sorted(self._open.values(), key=lambda stream: stream.number)
