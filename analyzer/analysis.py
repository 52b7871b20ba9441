"""The main job as one call: captures and keys in, tables and a verdict out."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from analyzer.reading import BLOCK_BYTES, NOTIFY_PORT, EngineName, How, Progress, read_captures, read_live
from analyzer.secrets import read_keys
from analyzer.trouble import PathLike, Trouble

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from analyzer.findings.verdict import Verdict
    from analyzer.tables.builder import TableBuilder
    from analyzer.tables.derived import DerivedTable
    from analyzer.tables.lazy import LazyTables
    from analyzer.tables.read import Source


UNFIT_HINT = "keys fit when these devices wrote them while this capture ran; a private key opens RSA key exchange only"


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
    rsa_key: PathLike | Iterable[PathLike] = (),
    rsa_password: str | None = None,
    engine: EngineName = "builtin",
    interface: str | None = None,
    seconds: int | None = None,
    notify_ports: Sequence[int] = (NOTIFY_PORT,),
    block_bytes: int = BLOCK_BYTES,
    columnar: bool = True,
    progress: Progress | None = None,
) -> Analysis:
    """Reads captures (pcap, pcapng, also gz and zst; "-" is standard input) and says what became of push in them.

    `keylog` are NSS key log files, `rsa_key` files with a server's private RSA key (PEM, DER, PKCS#12). A file that
    cannot be read costs itself only and is a line in `Analysis.warnings`; AnalyzeError is raised when nothing could be
    read. `engine`: our own, Wireshark's, or our own and Wireshark's for what that could not open. `columnar=False`
    takes the slow path that the fast one is checked against. With `interface`, tshark captures there in place of
    `paths`, until Ctrl-C or for so many `seconds`. `progress` is called with (file, bytes read, size or
    None).
    """
    from analyzer.timeline import Timeline

    started = time.monotonic()
    warnings: list[Trouble] = []
    keylogs, rsa_keys = _as_list(keylog), _as_list(rsa_key)
    keys = read_keys(keylogs, rsa_keys, rsa_password, warnings)
    how = How(
        engine=engine,
        keylogs=keylogs,
        rsa_keys=rsa_keys,
        interface=interface,
        seconds=seconds,
        notify_ports=notify_ports,
        block_bytes=block_bytes,
        columnar=columnar,
    )
    collecting = gc.isenabled()
    if interface is None:
        gc.disable()  # events are trees; looking for cycles in millions of them costs a fifth of the time
    else:
        gc.enable()  # may go on for days, and there is time
    try:
        if interface is not None:
            read = read_live(how, Timeline, progress)
        else:
            read = read_captures(_as_list(paths), keys, how, Timeline, progress)
        builders = read.sink.finish(read.facts)
    finally:
        (gc.enable if collecting else gc.disable)()
    if (keylogs or rsa_keys) and (len(keys) or keys.private_keys) and _all_closed(builders["connections"]):
        warnings.append(Trouble("the keys that were given open no connection of this capture", UNFIT_HINT))
    return Analysis([*warnings, *read.troubles], time.monotonic() - started, len(keys), builders)


def _all_closed(connections: Source) -> bool:
    """There are connections with TLS, and none could be opened."""
    from analyzer.tables.read import among

    opened = among(connections, "decryption", "decrypted", "partial").any()
    return bool(among(connections, "decryption", "encrypted").any()) and not opened


def _as_list(paths: PathLike | Iterable[PathLike]) -> list[PathLike]:
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)
