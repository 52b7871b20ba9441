"""When did folders cost how much: each Sync's decoded bytes over time, on a logarithmic scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from analyzer.reports.charts import look

if TYPE_CHECKING:
    import pandas as pd

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
            yaxis=look.axis(
                type="log",
                range=_decades(syncs["bytes"]),
                autorange=False,
                fixedrange=True,
                tickvals=list(ticks),
                ticktext=list(ticks.values()),
            ),
        ),
    }


def _decades(sizes: pd.Series[Any]) -> list[float]:
    """The powers of ten between which all sizes lie: at least two of them, so that the scale can be read."""
    if not len(sizes):
        return [0.0, 3.0]
    low = math.floor(math.log10(max(1.0, sizes.min())))
    return [low - 0.1, max(low + 1, math.ceil(math.log10(max(1.0, sizes.max())))) + 0.1]
