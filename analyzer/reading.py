"""Runs captures through an engine, one after the other, and gives their events to whoever wants them.

A capture file may hold keys for connections that came before them in the file: then all is read once more, with a new
sink. A file that cannot be read costs itself only.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, Protocol, TypeVar

from analyzer.trouble import AnalyzeError, PathLike, Trouble

if TYPE_CHECKING:
    from analyzer.engines.tshark import TsharkEngine
    from analyzer.timeline.facts import CaptureFacts
    from dissectors.events import Event
    from dissectors.tls import KeyLog

Progress = Callable[[str, int, int | None], None]  # file, bytes of it read, its size where known

BLOCK_BYTES = 48 << 20
"""Size of the read buffer. More costs memory, less costs time: each block visits every connection that speaks in it."""
NOTIFY_PORT = 2883
LINK_HINT = (
    "capture on an Ethernet, IP or `any` interface: Ethernet, Linux cooked, raw IP, loopback and PPP are read here"
)


EngineName = Literal["builtin", "tshark", "auto"]


class Engine(Protocol):
    """What reads one capture (`engines/`)."""

    remarks: list[str]  # what was odd about keys, in words

    @property
    def next_connection_id(self) -> int:
        """The first id that this capture did not use."""

    @property
    def keys_came_late(self) -> bool:
        """Reading again, with the keys that the file holds, would open more."""

    @property
    def unread_links(self) -> str | None:
        """The frames whose link type is not read, in words."""

    @property
    def nothing_read(self) -> bool:
        """There are frames, and none could be read."""

    def read(self, progress: Callable[[int], None] | None = None) -> Iterator[Event]:
        """Every event of the capture."""

    def facts(self) -> CaptureFacts:
        """What is known of the file as a whole, after `read`."""


class Sink(Protocol):
    """What takes the events."""

    def add(self, event: Event, /) -> None:
        """One event, in the engine's order."""


SinkT = TypeVar("SinkT", bound=Sink)


class How(NamedTuple):
    """How captures are read."""

    engine: EngineName = "builtin"
    keylogs: Sequence[PathLike] = ()  # as files, which tshark reads itself
    rsa_keys: Sequence[PathLike] = ()
    interface: str | None = None  # captured from by tshark, until Ctrl-C or for `seconds`, in place of captures
    seconds: int | None = None
    notify_ports: Sequence[int] = (NOTIFY_PORT,)
    block_bytes: int = BLOCK_BYTES
    columnar: bool = True  # False: packet by packet, the slow path that the fast one is checked against


class Read(NamedTuple, Generic[SinkT]):
    """What came of it."""

    sink: SinkT
    facts: list[CaptureFacts]  # of each capture that could be read, in order
    troubles: list[Trouble]


def read_live(how: How, new_sink: Callable[[], SinkT], progress: Progress | None = None) -> Read[SinkT]:
    """Captures on `how.interface` with tshark. The first Ctrl-C ends that, and what was captured is read to its end."""
    from analyzer.engines.tshark import live
    from analyzer.sources import SourceError

    sink, name = new_sink(), how.interface or ""
    try:
        engine = live(name, how.keylogs, seconds=how.seconds, notify_ports=how.notify_ports)
        with _ending(engine.stop):
            for event in engine.read(None if progress is None else partial(_report, progress, name, None)):
                sink.add(event)
    except SourceError as error:
        raise AnalyzeError([Trouble(error.message, error.hint)]) from None
    return Read(sink, [engine.facts()], [Trouble(remark, "the others were used") for remark in engine.remarks])


@contextmanager
def _ending(stop: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C stops, the second interrupts."""

    def first(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        stop()

    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def read_captures(
    captures: Sequence[PathLike],
    keys: KeyLog,
    how: How,
    new_sink: Callable[[], SinkT],
    progress: Progress | None = None,
    began: Callable[[str], None] | None = None,
) -> Read[SinkT]:
    """Reads every capture. `began` is told each one's name before its first event. Raises AnalyzeError when none could
    be read.
    """
    for last_pass in (False, True):
        read, unread, late = _pass(captures, keys, how, new_sink(), progress, began)
        if last_pass or not late:
            break
    if unread == len(captures):
        raise AnalyzeError(
            read.troubles or [Trouble("no capture was given", "name a pcap or pcapng file, or - for standard input")]
        )
    return read


def _pass(
    captures: Sequence[PathLike],
    keys: KeyLog,
    how: How,
    sink: SinkT,
    progress: Progress | None,
    began: Callable[[str], None] | None,
) -> tuple[Read[SinkT], int, bool]:
    """Every capture once; how many could not be read; whether reading again, with keys that came late, opens more."""
    from analyzer.sources import SourceError

    facts: list[CaptureFacts] = []
    troubles: list[Trouble] = []
    unread, late, again, connection_id = 0, False, True, 1
    for path in captures:
        name = os.fspath(path)
        if began is not None:
            began(name)
        try:
            with _opened(path, keys, how, len(facts), connection_id) as (run, size, rewindable):
                for event in run.read(None if progress is None else partial(_report, progress, name, size)):
                    sink.add(event)
        except SourceError as error:
            troubles.append(Trouble(error.message, error.hint))
            unread += 1
            continue
        facts.append(run.facts())
        connection_id = run.next_connection_id
        troubles += [Trouble(remark, "the other lines were used") for remark in run.remarks]
        if run.unread_links:
            troubles.append(Trouble(f"{name}: {run.unread_links}", LINK_HINT))
            unread += run.nothing_read
        if run.keys_came_late:
            late, again = True, again and rewindable
            if not rewindable:
                troubles.append(
                    Trouble(f"{name}: some keys came after their connections", "save it to a file and read that")
                )
    return Read(sink, facts, troubles), unread, late and again


class _Opened(NamedTuple):
    engine: Engine
    size: int | None  # of the file, where known
    rewindable: bool  # it can be read twice


@contextmanager
def _opened(path: PathLike, keys: KeyLog, how: How, capture: int, connection_id: int) -> Iterator[_Opened]:
    """An engine for one capture. Raises SourceError."""
    from analyzer.sources import SourceError, open_source

    def tshark(first_id: int) -> TsharkEngine:
        from analyzer.engines.tshark import TsharkEngine

        try:
            return TsharkEngine(
                path,
                how.keylogs,
                rsa_keys=how.rsa_keys,
                capture=capture,
                first_connection_id=first_id,
                notify_ports=how.notify_ports,
            )
        except OSError as error:
            hint = "check the place and its rights"
            raise SourceError(f"{os.fspath(path)}: {error.strerror or error}", hint) from None

    if how.engine == "tshark":
        yield _Opened(tshark(connection_id), None, True)
        return
    from analyzer.engines.builtin import BuiltinEngine

    with open_source(path, block_bytes=how.block_bytes) as source:
        builtin = BuiltinEngine(
            source,
            keys,
            capture=capture,
            first_connection_id=connection_id,
            notify_ports=how.notify_ports,
            columnar=how.columnar,
        )
        engine: Engine = builtin
        if how.engine == "auto":
            from analyzer.engines.auto import AutoEngine

            engine = AutoEngine(builtin, tshark)
        yield _Opened(engine, source.size, source.rewindable)


def _report(progress: Progress, name: str, size: int | None, position: int) -> None:
    progress(name, position, size)
