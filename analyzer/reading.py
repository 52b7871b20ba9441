"""Runs captures through an engine, one after the other, and gives their events to whoever wants them.

A capture file may hold keys for connections that came before them in the file: then all is read once more, with a new
sink. A file that cannot be read costs itself only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from analyzer.trouble import AnalyzeError, PathLike, Trouble

if TYPE_CHECKING:
    from analyzer.timeline.facts import CaptureFacts
    from dissectors.events import Event
    from dissectors.tls import KeyLog

Progress = Callable[[str, int, int | None], None]  # file, bytes of it read, its size where known

BLOCK_BYTES = 32 << 20
NOTIFY_PORT = 2883
LINK_HINT = (
    "capture on an Ethernet, IP or `any` interface: Ethernet, Linux cooked, raw IP, loopback and PPP are read here"
)


class Sink(Protocol):
    """What takes the events."""

    def add(self, event: Event, /) -> None:
        """One event, in the engine's order."""


SinkT = TypeVar("SinkT", bound=Sink)


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How captures are read."""

    notify_ports: Sequence[int] = (NOTIFY_PORT,)
    block_bytes: int = BLOCK_BYTES
    columnar: bool = True  # False: packet by packet, the slow path that the fast one is checked against


@dataclass(frozen=True, slots=True)
class Read(Generic[SinkT]):
    """What came of it."""

    sink: SinkT
    facts: list[CaptureFacts]  # of each capture that could be read, in order
    troubles: list[Trouble]


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
    from analyzer.engines.builtin import BuiltinEngine
    from analyzer.sources import SourceError, open_source

    facts: list[CaptureFacts] = []
    troubles: list[Trouble] = []
    unread, late, again, connection_id = 0, False, True, 1
    for path in captures:
        name = os.fspath(path)
        if began is not None:
            began(name)
        try:
            with open_source(path, block_bytes=how.block_bytes) as source:
                run = BuiltinEngine(
                    source,
                    keys,
                    capture=len(facts),
                    first_connection_id=connection_id,
                    notify_ports=how.notify_ports,
                    columnar=how.columnar,
                )
                for event in run.read(None if progress is None else partial(_report, progress, name, source.size)):
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
            late, again = True, again and source.rewindable
            if not source.rewindable:
                troubles.append(
                    Trouble(f"{name}: some keys came after their connections", "save it to a file and read that")
                )
    return Read(sink, facts, troubles), unread, late and again


def _report(progress: Progress, name: str, size: int | None, position: int) -> None:
    progress(name, position, size)
