"""The summary for people at a terminal: the verdict's sentences first, then the tables, then what was read.

Made with rich; readable without colour, at 60 columns, and through a pipe. Every text that can come from a capture is
passed as `Text`, never as markup, and its control characters are replaced: no capture can move the cursor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, TYPE_CHECKING

import numpy as np

from analyzer.findings.case import Case
from analyzer.findings.picked import picked
from analyzer.findings.words import counted, framed, plain, size, span
from analyzer.tables import read
from analyzer.texts import utc

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

    from analyzer.findings.overview import DeviceRow, FolderRow
    from analyzer.findings.verdict import Verdict

DEVICES = 12  # rows of a table before it says how many more there are
FOLDERS = 12
WAITS = 60
PARAGRAPH = 4000  # characters
NARROW = 90  # columns below which the tables leave out what can be left out
PIPE_WIDTH = 120  # when the output is no terminal and COLUMNS does not say

_WAIT = ("heartbeat_id", "start", "requested_s", "held_s", "outcome", "request_frame", "end_frame", "ended_by", "who")
_END = ("time", "heartbeat_id", "mechanism", "ended_by", "cause", "evidence_grade", "idle_s", "evidence")
_STYLES = {"ok": "bold green", "info": "bold cyan", "warning": "bold yellow", "error": "bold red"}


def console(file: IO[str], *, stderr: bool = False) -> Console:
    """A rich console on this stream: no markup, no highlighting, no emoji, and a fixed width in a pipe."""
    import os

    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            """Whoever read the pipe has gone: rich would exit with 1, which says something else here."""
            raise BrokenPipeError

    width = None if file.isatty() or os.environ.get("COLUMNS", "").isdigit() else PIPE_WIDTH
    return Piped(file=file, stderr=stderr, markup=False, highlight=False, emoji=False, width=width, soft_wrap=False)


def to_text(verdict: Verdict, tables: Mapping[str, pd.DataFrame], width: int = PIPE_WIDTH) -> str:
    """The same as plain text."""
    import io

    from rich.console import Console

    out = Console(file=io.StringIO(), width=width, markup=False, highlight=False, emoji=False, color_system=None)
    with out.capture() as text:
        render(verdict, tables, out)
    return text.get()


def render(
    verdict: Verdict,
    tables: Mapping[str, pd.DataFrame],
    out: Console,
    *,
    verbose: bool = False,
    more: str | None = None,
) -> None:
    """Print the whole summary. `more` is the last line: what else could be asked."""
    _words(verdict, out)
    if verdict.devices:
        _put(out, _devices(verdict.devices, out.width, verbose))
    if verbose:
        _waits(tables, out)
        _teardowns(tables, out)
    if verdict.folders:
        _put(out, _folders(verdict.folders, out.width, verbose))
    if verdict.saved:
        hanging(out, " ", verdict.saved, "")
    out.print()
    for line in (f"Read: {verdict.read}", *verdict.unseen):
        hanging(out, " ", line, "")
    if verdict.next_steps:
        steps = " ".join(verdict.next_steps)
        hanging(out, " ", f"To be surer: {steps[0].lower()}{steps[1:]}", "")
    if more:
        hanging(out, " ", f"More: {more}", "dim")


def _words(verdict: Verdict, out: Console) -> None:
    hanging(out, "", verdict.headline, _STYLES[verdict.severity])
    for reason in verdict.reasons:
        hanging(out, "  ", reason, "")
    for line in verdict.advice:
        hanging(out, "  → ", line, "bold")
    for line in verdict.cost:
        hanging(out, "  ", line, "")


def hanging(out: Console, lead: str, text: str, style: str) -> None:
    """One paragraph; its following lines are indented as far as its first."""
    from rich.text import Text

    for line in Text(plain(text, limit=PARAGRAPH), style=style).wrap(out, max(out.width - len(lead), 20)):
        line.rstrip()
        out.print(Text(lead) + line)
        lead = " " * len(lead)


def _put(out: Console, table: Table) -> None:
    """A table after an empty line, without the blanks that rich leaves at the ends of lines."""
    from rich.segment import Segment, Segments

    out.print()
    for line in out.render_lines(table, pad=False):
        while line and not line[-1].text.strip():
            line.pop()
        if line:
            line[-1] = Segment(line[-1].text.rstrip(), line[-1].style)
        out.print(Segments([*line, Segment.line()]), end="")


def _table(*columns: str) -> Table:
    """A table without lines; a column whose name begins with > is right-aligned, one that begins with ~ may wrap."""
    from rich.table import Table

    table = Table(box=None, pad_edge=True, header_style="dim", show_edge=False)
    for column in columns:
        table.add_column(
            column.lstrip(">~"),
            justify="right" if column.startswith(">") else "left",
            overflow="fold" if column.startswith("~") else "ellipsis",
            no_wrap=not column.startswith("~"),
        )
    return table


def _row(table: Table, *cells: str, style: str = "") -> None:
    from rich.text import Text

    table.add_row(*(Text(plain(cell), style=style) for cell in cells))


def _rest(table: Table, hidden: int, what: str) -> None:
    if hidden > 0:
        _row(table, f"and {hidden:,} more {what}: --verbose", style="dim")


def _devices(devices: tuple[DeviceRow, ...], width: int, verbose: bool) -> Table:
    narrow = width < NARROW
    names = ["~device", ">waits" if narrow else ">push waits", "asked → lived", ">died"]
    table = _table(*names, "~ended by", *([] if narrow else ["timer"]))
    shown = devices if verbose else devices[:DEVICES]
    for row in shown:
        asked, lived = (span(value) if value is not None else "?" for value in (row.asked_s, row.lived_s))
        grade = f" ({row.grade})" if row.grade else ""
        cells = [row.device, f"{row.waits:,}", f"{asked} → {lived}", f"{row.died:,}", f"{row.ended_by}{grade}"]
        _row(table, *cells, *([] if narrow else [row.timer]))
    _rest(table, len(devices) - len(shown), "devices")
    return table


def _folders(folders: tuple[FolderRow, ...], width: int, verbose: bool) -> Table:
    narrow = width < NARROW
    several = len({row.session_id for row in folders}) > 1
    names = ["~folder", *(["~device"] if several else []), ">syncs", ">items", "down (wire → decoded)"]
    table = _table(*names, ">up", *([] if narrow else ["largest"]))
    shown = folders if verbose else folders[:FOLDERS]
    for row in shown:
        down = f"{_bytes(row.down_wire_bytes)} → {_bytes(row.down_bytes)}"
        cells = [row.folder, *([row.device] if several else []), f"{row.syncs:,}", _count(row.items), down]
        largest = _bytes(row.largest_bytes)
        if row.largest_bytes and row.largest_time_ns is not None:
            largest += f"  {_time(row.largest_time_ns)}"
            largest += f"  frame {row.largest_frame}" if row.largest_frame is not None else ""
        _row(table, *cells, _bytes(row.up_bytes), *([] if narrow else [largest]))
    _rest(table, len(folders) - len(shown), "folders")
    return table


def _waits(tables: Mapping[str, pd.DataFrame], out: Console) -> None:
    case = Case(tables)
    total = len(case)
    if not total:
        return
    waits = case.part(np.arange(min(total, WAITS)))
    narrow = out.width < NARROW
    names = ["start (UTC)", ">asked", ">held", "outcome", "frames"]
    table = _table(">wait", *names, *([] if narrow else ["ended by", "~device"]))
    for number, start_ns, asked, held, outcome, request, end, ended_by, who in waits.each(*_WAIT):
        start = "?" if start_ns is None else _time(start_ns)
        cells = [start.split()[-1] if narrow else start]
        cells += ["?" if seconds is None else span(seconds) for seconds in (asked, held)]
        cells += [str(outcome), f"{request or '?'} → {end or '-'}"]
        if not narrow:
            ended = ended_by if outcome == "torn_down" else None
            cells += [str(ended or "-").replace("_", " "), case.device(who)]
        _row(table, str(number), *cells)
    _put(out, table)
    if total > WAITS:
        hanging(out, " ", f"and {total - WAITS:,} more waits: --tables DIR or --json has all of them", "dim")


def _teardowns(tables: Mapping[str, pd.DataFrame], out: Console) -> None:
    """The ends that cut a wait, with the evidence."""
    ends = read.source(tables, "teardowns")
    places = np.flatnonzero(read.bools(ends, "premature"))
    if not len(places):
        return
    out.print()
    hanging(out, " ", f"{counted(len(places), 'premature end')}:", "dim")
    rows = picked(ends, places[:WAITS]).each(*_END)
    for time_ns, wait, mechanism, ended_by, cause, grade, idle_s, evidence in rows:
        time = "?" if time_ns is None else _time(time_ns)
        idle = "" if idle_s is None else f", idle {span(idle_s)}"
        by, why = (str(word).replace("_", " ") for word in (ended_by, cause))
        hanging(out, "  ", f"{time}  wait {wait}: {mechanism} by {by}, {why} ({grade}){idle}", "")
        for item in evidence or ():
            frames = framed(item.get("frames") or ())
            detail = str(item.get("detail") or item.get("kind"))
            hanging(out, "    ", f"{detail} ({frames})" if frames else detail, "dim")
    if len(places) > WAITS:
        hanging(out, " ", f"and {len(places) - WAITS:,} more: --tables DIR or --json has all of them", "dim")


def _bytes(value: int | None) -> str:
    return "?" if value is None else size(value)


def _count(value: int | None) -> str:
    return "?" if value is None else f"{value:,}"


def _time(nanoseconds: int) -> str:
    return utc(nanoseconds)[:19]
