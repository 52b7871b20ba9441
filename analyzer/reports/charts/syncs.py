"""When did folders cost how much: each Sync's decoded bytes over time, on a logarithmic scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzer.reports.charts import look

if TYPE_CHECKING:
    from analyzer.reports.charts.scene import Scene

HEIGHT = 300


def figure(scene: Scene) -> dict[str, Any]:
    """`customdata` is the row in `scene.syncs`. A Sync without a byte stands at one byte: the scale has no zero."""
    syncs = scene.syncs
    traces = (
        [
            {
                "type": "scatter",
                "mode": "markers",
                "name": "Sync",
                "hoverinfo": "none",
                "meta": {"table": "syncs", "mark": "sync"},
                "x": syncs["time_ms"].to_numpy(),
                "y": syncs["bytes"].clip(lower=1).to_numpy(),
                "customdata": syncs.index.to_numpy(),
                "marker": {
                    "symbol": "triangle-down",
                    "size": 9,
                    "color": look.MUTED,
                    "line": {"color": look.PAPER, "width": 0.5},
                },
            }
        ]
        if len(syncs)
        else []
    )
    ticks = {
        1: "1 B",
        10: "10 B",
        100: "100 B",
        1e3: "1 KB",
        1e4: "10 KB",
        1e5: "100 KB",
        1e6: "1 MB",
        1e7: "10 MB",
        1e8: "100 MB",
        1e9: "1 GB",
    }
    return {
        "data": traces,
        "layout": look.layout(
            HEIGHT,
            xaxis=look.time_axis(scene.span),
            yaxis=look.axis(type="log", fixedrange=True, tickvals=list(ticks), ticktext=list(ticks.values())),
        ),
    }
