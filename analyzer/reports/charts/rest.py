"""All that has no bar of its own: how many waits began in each stretch of time, by outcome. Nothing is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzer.reports.charts import look

if TYPE_CHECKING:
    from analyzer.reports.charts.scene import Scene

HEIGHT = 190
BINS = 120


def figure(scene: Scene) -> dict[str, Any]:
    """Stacked bars; each is one stretch of time and one outcome."""
    import numpy as np

    edges = np.linspace(*scene.span, BINS + 1)
    step = edges[1] - edges[0]
    traces = []
    for outcome in look.OUTCOMES:
        starts = scene.rest.loc[scene.rest["outcome"] == outcome.key, "start_ms"].to_numpy()
        if len(starts):
            counts = np.histogram(starts, bins=edges)[0]
            traces.append(
                {
                    "type": "bar",
                    "name": outcome.word,
                    "meta": {"outcome": outcome.key, "unit": "waits began"},
                    "x": edges[:-1] + step / 2,
                    "y": counts,
                    "width": step,
                    "marker": look.bar_marker(outcome),
                    "hoverinfo": "none",
                }
            )
    return {
        "data": traces,
        "layout": look.layout(
            HEIGHT,
            barmode="stack",
            bargap=0,
            xaxis=look.time_axis(scene.span),
            yaxis=look.axis(fixedrange=True, rangemode="tozero", nticks=5, tickformat="~s"),
        ),
    }
