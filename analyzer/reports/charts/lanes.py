"""When waits lived and died: a lane for each device, a row for each of its connections, a bar for each wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzer.findings.words import counted, of_all, plain
from analyzer.reports.charts import look

if TYPE_CHECKING:
    from analyzer.reports.charts.scene import Scene

ROW_PX = 24
_BAR = 0.5  # of a row
_UNDERLINE = 0.38  # below the middle of the row: how long the wait was asked to last
_ABOVE = -0.42  # above it: Syncs


def figure(scene: Scene) -> dict[str, Any]:
    """Data and layout. `customdata` is the row in `scene.waits`, `.endings` or `.syncs`; `meta` says in which."""
    return {
        "data": [*_rails(scene), *_asked(scene), *_bars(scene), *_syncs(scene), *_endings(scene)],
        "layout": _layout(scene),
    }


def _rails(scene: Scene) -> list[dict[str, Any]]:
    """The life of each connection, under its waits."""
    rails = scene.rails.dropna(subset=["y"])
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "connection",
            "meta": {},
            "hoverinfo": "skip",
            "x": broken(rails["start_ms"], rails["end_ms"]),
            "y": broken(rails["y"], rails["y"]),
            "line": {"color": look.RAIL, "width": 2},
        }
    ]


def _asked(scene: Scene) -> list[dict[str, Any]]:
    """The interval that each wait was asked to last: a thin line under it, with a tick where the wait was due.

    Not for waits that brought a change: the next one begins at once, and its bar would stand where the first was due.
    """
    waits = scene.waits[scene.waits["due_ms"].notna() & (scene.waits["outcome"] != "changed")]
    y = waits["y"] + _UNDERLINE
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "asked for",
            "meta": {"mark": "asked"},
            "hoverinfo": "skip",
            "zorder": 1,
            "x": broken(waits["start_ms"], waits["due_ms"]),
            "y": broken(y, y),
            "line": {"color": look.FAINT, "width": 1.5},
        },
        {
            "type": "scatter",
            "mode": "markers",
            "name": "due",
            "meta": {"mark": "asked"},
            "hoverinfo": "skip",
            "zorder": 1,
            "x": waits["due_ms"].to_numpy(),
            "y": y.to_numpy(),
            "marker": {"symbol": "line-ns", "size": 7, "line": {"color": look.MUTED, "width": 1.5}},
        },
    ]


def _bars(scene: Scene) -> list[dict[str, Any]]:
    traces: list[dict[str, Any]] = []
    for outcome in look.OUTCOMES:
        waits = scene.waits[scene.waits["outcome"] == outcome.key]
        if len(waits):
            traces.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "name": outcome.word,
                    "meta": {"table": "waits", "outcome": outcome.key},
                    "base": waits["start_ms"].to_numpy(),
                    "x": (waits["end_ms"] - waits["start_ms"]).to_numpy(),
                    "y": waits["y"].to_numpy(),
                    "width": _BAR,
                    "customdata": waits.index.to_numpy(),
                    "marker": look.bar_marker(outcome),
                    "hoverinfo": "none",
                    "zorder": 1,
                }
            )
    return traces


def _endings(scene: Scene) -> list[dict[str, Any]]:
    """How connections ended: a symbol for each mechanism, in the colour of death where a wait was cut."""
    traces = []
    for mechanism, (symbol, words) in look.ENDINGS.items():
        for premature in (False, True):
            ends = scene.endings[(scene.endings["mechanism"] == mechanism) & (scene.endings["premature"] == premature)]
            if len(ends):
                color = look.OUTCOME["died"].light if premature else look.MUTED
                traces.append(
                    {
                        "type": "scatter",
                        "mode": "markers",
                        "name": words,
                        "hoverinfo": "none",
                        "zorder": 2,
                        "meta": {"table": "endings", "mark": mechanism, **({"outcome": "died"} if premature else {})},
                        "x": ends["time_ms"].to_numpy(),
                        "y": ends["y"].to_numpy(),
                        "customdata": ends.index.to_numpy(),
                        "marker": {
                            "symbol": symbol,
                            "size": 12 if premature else 9,
                            "color": color,
                            "line": {"color": color, "width": 2},
                        },
                    }
                )
    return traces


def _syncs(scene: Scene) -> list[dict[str, Any]]:
    if not len(scene.syncs):
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "Sync",
            "meta": {"table": "syncs", "mark": "sync"},
            "hoverinfo": "none",
            "zorder": 2,
            "x": scene.syncs["time_ms"].to_numpy(),
            "y": (scene.syncs["y"] + _ABOVE).to_numpy(),
            "customdata": scene.syncs.index.to_numpy(),
            "marker": {
                "symbol": "triangle-down",
                "size": 8,
                "color": look.MUTED,
                "line": {"color": look.PAPER, "width": 0.5},
            },
        }
    ]


def _layout(scene: Scene) -> dict[str, Any]:
    headings = []
    for lane in scene.lanes:
        waits = counted(lane.waits, "wait") if lane.waits else "no wait"
        counts = f"{of_all(lane.died, lane.waits)} died" if lane.died else waits
        headings.append(look.heading(f"{plain(lane.label, 32)}   {counts}", lane.top + 0.45))
    separators = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "yref": "y",
            "y0": lane.top - 0.1,
            "y1": lane.top - 0.1,
            "line": {"color": look.GRID, "width": 1},
            "layer": "below",
        }
        for lane in scene.lanes[1:]
    ]
    margin = look.MARGIN
    height = round(scene.height * ROW_PX) + margin["t"] + margin["b"]
    return look.layout(
        height,
        barmode="overlay",
        bargap=0,
        annotations=headings,
        shapes=separators,
        xaxis=look.time_axis(scene.span),
        yaxis=look.axis(
            range=[scene.height, -0.1], autorange=False, fixedrange=True, showgrid=False, showticklabels=False
        ),
    )


def broken(starts: Any, ends: Any) -> Any:
    """start, end, nothing, start, end, nothing ...: separate lines in one trace."""
    import numpy as np

    points = np.full(3 * len(starts), np.nan)
    points[0::3] = starts
    points[1::3] = ends
    return points
