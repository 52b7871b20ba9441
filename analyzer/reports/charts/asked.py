"""What did the phone ask for, and what did it get: the requested interval as a line, each wait's held time as a mark.

The line runs while the device waits and no further: between its waits nothing was asked for, and of a wait whose
interval the capture does not show nothing is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzer.reports.charts import look
from analyzer.reports.charts.lanes import broken

if TYPE_CHECKING:
    from analyzer.reports.charts.scene import Scene

HEIGHT = 250


def figure(scene: Scene) -> dict[str, Any]:
    """`meta.lane` is the device of a line; the marks are filtered by the script, which knows each wait's device."""
    waits = scene.waits
    traces: list[dict[str, Any]] = []
    for number, lane in enumerate(scene.lanes):
        asked = waits[(waits["lane"] == number) & waits["requested_s"].notna()]
        if len(asked):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "name": look.plotly_text(lane.label),
                    "meta": {"lane": number},
                    "hoverinfo": "skip",
                    "x": broken(asked["start_ms"], asked["end_ms"]),
                    "y": broken(asked["requested_s"], asked["requested_s"]),
                    "line": {"color": look.MUTED, "width": 1.5},
                }
            )
    for outcome in reversed(look.OUTCOMES):
        held = waits[(waits["outcome"] == outcome.key) & waits["held_s"].notna()]
        if len(held):
            traces.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": outcome.word,
                    "hoverinfo": "none",
                    "meta": {"table": "waits", "outcome": outcome.key},
                    "x": held["start_ms"].to_numpy(),
                    "y": held["held_s"].to_numpy(),
                    "cliponaxis": False,  # a mark at zero is drawn whole
                    "customdata": held.index.to_numpy(),
                    "marker": {
                        "symbol": outcome.symbol,
                        "size": 8,
                        "color": outcome.light,
                        "line": {"color": look.PAPER, "width": 0.5},
                    },
                }
            )
    return {
        "data": traces,
        "layout": look.layout(
            HEIGHT,
            xaxis=look.time_axis(scene.span),
            yaxis=look.axis(rangemode="tozero", fixedrange=True, ticksuffix=" s", nticks=6),
        ),
    }
