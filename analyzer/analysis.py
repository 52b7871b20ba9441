"""The main job as one call: captures and keys in, tables and a verdict out."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from analyzer.findings.verdict import Verdict
    from analyzer.tables.builder import TableBuilder
    from analyzer.tables.derived import DerivedTable
    from analyzer.tables.lazy import LazyTables
    from analyzer.tables.read import Source
    from dissectors.tls import KeyLog

PathLike = str | os.PathLike[str]
Progress = Callable[[str, int, int | None], None]  # file, bytes of it read, its size where known

BLOCK_BYTES = 32 << 20
MAX_KEYLOG_BYTES = 1 << 30
KEYLOG_HINT = "a key log is what SSLKEYLOGFILE makes a client write: lines of a label, a client random and a secret"
LINK_HINT = (
    "capture on an Ethernet, IP or `any` interface: Ethernet, Linux cooked, raw IP, loopback and PPP are read here"
)


class Trouble(NamedTuple):
    """Something that could not be read or used; one line each."""

    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})"


class AnalyzeError(Exception):
    """Nothing could be read. `troubles` says why, one for each capture."""

    def __init__(self, troubles: Sequence[Trouble]) -> None:
        super().__init__("; ".join(map(str, troubles)))
        self.troubles = tuple(troubles)


@dataclass
class Analysis:
    """The result: each table of the catalog is an attribute with a pandas DataFrame (see `directpush explain`)."""

    warnings: list[Trouble]  # files that could not be read, odd key log lines
    elapsed_s: float
    keys: int  # connections' secrets known from key logs
    _builders: dict[str, TableBuilder | DerivedTable]
    _frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    _verdict: Verdict | None = None

    def table(self, name: str) -> pd.DataFrame:
        """One table by name. Raises KeyError for a name that is not in the catalog."""
        if name not in self._frames:
            if name == "findings":
                self._judge()
            self._frames[name] = self._builders.pop(name).frame()
        return self._frames[name]

    @property
    def lazy(self) -> LazyTables:
        """All tables, each made when it is asked for; what is only read column by column is never made."""
        from analyzer.tables.lazy import LazyTables

        return LazyTables(self.table, self._source)

    def _source(self, name: str) -> Source:
        """What the columns of a table are read from: the frame where it was made, else what it will be made from."""
        if name == "findings":
            self._judge()
        return self._frames[name] if name in self._frames else self._builders[name]

    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables in the catalog's order."""
        from analyzer.tables.catalog import TABLES

        return {table.name: self.table(table.name) for table in TABLES}

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self.table(name)
        except KeyError:
            raise AttributeError(f"Analysis has no table {name!r}") from None

    @property
    def verdict(self) -> Verdict:
        """The answer in words."""
        if self._verdict is None:
            from analyzer.findings.verdict import build

            self._verdict = build(self.lazy, self.elapsed_s)
        return self._verdict

    def summary(self) -> str:
        """What `directpush analyze` prints, as plain text."""
        from analyzer.reports.terminal import to_text

        return to_text(self.verdict, self.lazy)

    def timeline(self) -> go.Figure:
        """The waits of each device over time, as a plotly figure."""
        from analyzer.reports.page import timeline_figure

        return timeline_figure(self.tables())

    def to_html(self, title: str = "Direct Push") -> str:
        """The whole report as one HTML page that needs nothing from outside."""
        from analyzer.reports.page import render_page

        return render_page(self.tables(), self.verdict, title=title)

    def save(self, directory: PathLike, format: Literal["parquet", "csv", "jsonl"] = "parquet") -> list[Path]:
        """Writes each table into a file of its own; returns the files."""
        from analyzer.reports.files import write_tables

        return write_tables(self.tables(), Path(directory), format)

    def _judge(self) -> None:
        """Make the findings, unless they are there."""
        if "findings" not in self._builders and "findings" not in self._frames:
            from analyzer.findings import to_builder

            self._builders["findings"] = to_builder(self.lazy)


def analyze(
    paths: PathLike | Sequence[PathLike],
    keylog: PathLike | Iterable[PathLike] = (),
    *,
    engine: Literal["builtin"] = "builtin",
    notify_ports: Sequence[int] = (2883,),
    block_bytes: int = BLOCK_BYTES,
    columnar: bool = True,
    progress: Progress | None = None,
) -> Analysis:
    """Reads captures (pcap, pcapng, also gz and zst; "-" is standard input) and says what became of push in them.

    `keylog` are NSS key log files. A file that cannot be read costs itself only and is a line in `Analysis.warnings`;
    AnalyzeError is raised when nothing could be read. `columnar=False` takes the slow path that the fast one is checked
    against. `progress` is called with (file, bytes read, size or None).
    """
    started = time.monotonic()
    captures = _as_list(paths)
    warnings: list[Trouble] = []
    keys = read_keylogs(_as_list(keylog), warnings)
    collecting = gc.isenabled()
    gc.disable()  # events are trees without cycles; looking for cycles in millions of them costs a fifth of the time
    try:
        builders = _read(captures, keys, warnings, notify_ports, block_bytes, columnar, progress)
    finally:
        if collecting:
            gc.enable()
    return Analysis(warnings, time.monotonic() - started, len(keys), builders)


def read_keylogs(paths: Sequence[PathLike], warnings: list[Trouble]) -> KeyLog:
    """The key logs together; what could not be read or understood is added to `warnings`."""
    from dissectors.tls import KeyLog

    keys = KeyLog()
    for path in paths:
        name = os.fspath(path)
        try:
            with open(path, "rb") as file:
                text = file.read(MAX_KEYLOG_BYTES + 1)
        except OSError as error:
            warnings.append(Trouble(f"{name}: key log not read: {error.strerror or error}", KEYLOG_HINT))
            continue
        before = len(keys)
        odd = keys.add(text[:MAX_KEYLOG_BYTES], name)
        if len(keys) == before:
            warnings.append(Trouble(f"{name}: no key in this key log that was not known already", KEYLOG_HINT))
        else:
            warnings += [Trouble(remark, "the other lines were used") for remark in odd]
        if len(text) > MAX_KEYLOG_BYTES:
            warnings.append(
                Trouble(f"{name}: only the first {MAX_KEYLOG_BYTES >> 20} MiB were read", "split the key log")
            )
    return keys


def _read(
    captures: Sequence[PathLike],
    keys: KeyLog,
    warnings: list[Trouble],
    notify_ports: Sequence[int],
    block_bytes: int,
    columnar: bool,
    progress: Progress | None,
) -> dict[str, TableBuilder | DerivedTable]:
    """Runs every capture through the engine, and once more when one held keys for connections that came before them."""
    from analyzer.engines.builtin import BuiltinEngine
    from analyzer.sources import SourceError, open_source
    from analyzer.timeline import CaptureFacts, Timeline

    for last_pass in (False, True):
        timeline, facts, troubles = Timeline(), list[CaptureFacts](), list[Trouble]()
        unread, late, again, connection_id = 0, False, True, 1
        for path in captures:
            name = os.fspath(path)
            try:
                with open_source(path, block_bytes=block_bytes) as source:
                    run = BuiltinEngine(
                        source,
                        keys,
                        capture=len(facts),
                        first_connection_id=connection_id,
                        notify_ports=notify_ports,
                        columnar=columnar,
                    )
                    for event in run.read(None if progress is None else partial(_report, progress, name, source.size)):
                        timeline.add(event)
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
        if last_pass or not (late and again):
            break
    if unread == len(captures):
        raise AnalyzeError(
            troubles or [Trouble("no capture was given", "name a pcap or pcapng file, or - for standard input")]
        )
    warnings += troubles
    return timeline.finish(facts)


def _report(progress: Progress, name: str, size: int | None, position: int) -> None:
    progress(name, position, size)


def _as_list(paths: PathLike | Iterable[PathLike]) -> list[PathLike]:
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)
