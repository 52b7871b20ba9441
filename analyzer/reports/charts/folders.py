"""What did each folder cost: a bar for what was decoded, one for what went over the wire, one for what went up.

They stand side by side, as neither is a part of the other: compression makes the wire's the shorter one, and headers
and encryption make it the longer one where messages are small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzer.findings.words import counted, plain, size
from analyzer.reports.charts import look

if TYPE_CHECKING:
    from analyzer.findings.verdict import FolderRow

MAX_FOLDERS = 8
ROW_PX = 46
MIN_HEIGHT = 300  # as high as its neighbour


def figure(folders: tuple[FolderRow, ...]) -> dict[str, Any]:
    """`customdata` is the place in `folders`, of which the largest are drawn."""
    largest = sorted(range(len(folders)), key=lambda number: -_total(folders[number]))[:MAX_FOLDERS]
    several = len({folder.session_id for folder in folders}) > 1
    shown = [folders[number] for number in largest]
    headings = []
    for row, folder in enumerate(shown):
        whose = f"  {plain(folder.device, 24)}" if several else ""
        headings.append(look.heading(f"{plain(folder.folder, 28)}{whose}   {_words(folder)}", row + 0.22))
    decoded = _bars("down, decoded", [f.down_bytes for f in shown], largest, 0.5, 0.15, look.RAIL)
    wire = _bars("down, on the wire", [f.down_wire_bytes for f in shown], largest, 0.66, 0.15, look.INK)
    up = _bars("up, decoded", [f.up_bytes for f in shown], largest, 0.82, 0.15, look.MUTED, "/")
    largest_bytes = max((max(f.down_bytes or 0, f.down_wire_bytes or 0, f.up_bytes or 0) for f in shown), default=0)
    ticks = _ticks(largest_bytes)
    room = max(len(shown), (MIN_HEIGHT - look.MARGIN["t"] - look.MARGIN["b"]) / ROW_PX)
    left_out = f"The {len(shown)} largest of {len(folders):,} folders." if len(folders) > len(shown) else ""
    return {
        "data": [decoded, wire, up],
        "layout": look.layout(
            round(room * ROW_PX) + look.MARGIN["t"] + look.MARGIN["b"],
            barmode="overlay",
            annotations=headings,
            meta={"left_out": left_out},
            margin={**look.MARGIN, "l": 18},
            xaxis=look.axis(
                range=[0, 1.02 * max(largest_bytes, ticks[-1])],
                fixedrange=True,
                tickvals=ticks,
                ticktext=[size(tick) for tick in ticks],
                tickangle=0,
            ),
            yaxis=look.axis(range=[room, -0.1], autorange=False, fixedrange=True, showgrid=False, showticklabels=False),
        ),
    }


def _bars(
    name: str, values: list[int | None], numbers: list[int], y: float, width: float, color: str, pattern: str = ""
) -> dict[str, Any]:
    """A bar a folder, `y` below the top of its row."""
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "meta": {"table": "folders"},
        "hoverinfo": "none",
        "x": [value or 0 for value in values],
        "y": [row + y for row in range(len(values))],
        "width": width,
        "customdata": numbers,
        "marker": look.plain_marker(color, pattern),
    }


def _ticks(largest: int) -> list[int]:
    """At most six round numbers of bytes up to the largest, zero first."""
    step = 1
    while largest > 5 * step:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return list(range(0, max(largest, step) + 1, step))


def _total(folder: FolderRow) -> int:
    return (folder.down_bytes or 0) + (folder.up_bytes or 0)


def _words(folder: FolderRow) -> str:
    """3 Syncs, 56 KB → 130 KB: wire and decoded, as in the table."""
    wire, decoded = ("?" if count is None else size(count) for count in (folder.down_wire_bytes, folder.down_bytes))
    down = "size unknown" if wire == decoded == "?" else f"{wire} → {decoded}"
    return f"{counted(folder.syncs, 'Sync')}, {down}"
