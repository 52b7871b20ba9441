"""At what idle did waits die: each tested idle time of a path, what survived above what did not, the timer between.

One band a path (a client network and a server), because each has a timer of its own, with the interval that
`idle_timeouts` gives for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analyzer.findings import timers
from analyzer.findings.words import of_all, plain
from analyzer.reports.charts import look

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.reports.charts.scene import Scene

MAX_PATHS = 4
MAX_POINTS = 4000  # above, waits are counted in bins
BINS = 60
ROW_PX = 42
MIN_HEIGHT = 250  # as high as its neighbour
_LARGEST_PX = 15  # the mark of the fullest bin
_HEADING = 0.95  # rows that the two lines of a path's heading take
_LIVED = ("lived", "changed")


def figure(scene: Scene, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """`customdata` is the row in `scene.waits`, or how many waits a bin holds. `meta.left_out`: paths not shown."""
    exact = len(scene.all_waits) == len(scene.waits) <= MAX_POINTS
    waits = scene.waits if exact else scene.all_waits
    waits = waits[waits["x_s"].notna() & waits["outcome"].isin([*_LIVED, "died"])]
    known = timers.of_paths(tables["idle_timeouts"])
    waits = waits.assign(path=waits["path"].astype(object).fillna("?"), died=waits["outcome"] == "died")
    order = waits.groupby("path", sort=False).agg(died=("died", "sum"), waits=("died", "size"))
    order = order.sort_values(["died", "waits"], ascending=False, kind="stable")
    shown = [str(path) for path in order.index[:MAX_PATHS]]
    highest = float(waits["x_s"].max()) if len(waits) else 60.0
    highest = max([highest, *(known[path].high_s or 0 for path in shown if path in known)])

    rows = _HEADING + (2 if order["died"].any() else 1)  # of one path: what lived, and what died if anything did
    place = {path: number * rows for number, path in enumerate(shown)}
    waits = waits[waits["path"].isin(shown)]
    traces = _points(waits, place) if exact else _bins(waits, place, highest)
    headings: list[dict[str, Any]] = []
    bands: list[dict[str, Any]] = []
    ticks: dict[float, str] = {}
    for path in shown:
        top = place[path]
        timer = known.get(path, timers.UNKNOWN)
        headings.append(look.heading(timer.heading, top + 0.25))
        headings.append(look.heading(plain(path), top + 0.6, look.SUBHEADING_FONT))
        if timer.high_s is not None:
            bands.append(
                {
                    "type": "rect",
                    "x0": timer.low_s or 0,
                    "x1": timer.high_s,
                    "y0": top + _HEADING,
                    "y1": top + rows - 0.05,
                    "layer": "below",
                    "fillcolor": look.BAND,
                    "line": {"color": look.OUTCOME["died"].light, "width": 1, "dash": "dot"},
                }
            )
        ticks[top + _row("lived")] = "lived"
        if rows > 2:
            ticks[top + _row("died")] = "died"
    left_out = f"{of_all(len(shown), len(order))} paths are shown: those with most deaths, then with most waits."
    left_out = left_out if len(order) > len(shown) else ""
    height = max(MIN_HEIGHT, round(len(shown) * rows * ROW_PX) + look.MARGIN["t"] + look.MARGIN["b"])
    return {
        "data": traces,
        "layout": look.layout(
            height,
            annotations=headings,
            shapes=bands,
            meta={"left_out": left_out},
            xaxis=look.axis(range=[-0.02 * highest, 1.04 * highest], autorange=False, ticksuffix=" s", nticks=8),
            yaxis=look.axis(
                range=[max(1, len(shown)) * rows, 0],
                autorange=False,
                fixedrange=True,
                showgrid=False,
                tickvals=list(ticks),
                ticktext=list(ticks.values()),
            ),
        ),
    }


def _points(waits: pd.DataFrame, place: dict[str, float]) -> list[dict[str, Any]]:
    """A mark a wait, spread in height so that equal ones stay visible."""
    traces = []
    for outcome, silent, rows in _groups(waits):
        spread = [((number * 0.618) % 1 - 0.5) * 0.7 for number in range(len(rows))]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": outcome.word,
                "hoverinfo": "none",
                "meta": {"table": "waits", "outcome": outcome.key},
                "x": rows["x_s"].to_numpy(),
                "y": (rows["path"].map(place) + _row(outcome.key) + spread).to_numpy(),
                "customdata": rows.index.to_numpy(),
                "marker": {
                    "symbol": _symbol(outcome, silent),
                    "size": 8,
                    "color": outcome.light,
                    "opacity": 0.85,
                    "line": {"color": look.PAPER, "width": 0.5},
                },
            }
        )
    return traces


def _bins(waits: pd.DataFrame, place: dict[str, float], highest: float) -> list[dict[str, Any]]:
    """A mark a bin, its area the number of waits."""
    import numpy as np

    step = highest / BINS
    traces: list[dict[str, Any]] = []
    largest = 1
    for outcome, silent, rows in _groups(waits):
        number = np.minimum((rows["x_s"].to_numpy() / step).astype(int), BINS - 1)
        counts = rows.assign(bin=number).groupby(["path", "bin"], sort=True).size()
        largest = max(largest, int(counts.max()))
        paths = counts.index.get_level_values(0)
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": outcome.word,
                "hoverinfo": "none",
                "meta": {"outcome": outcome.key, "bin_s": step},
                "x": (counts.index.get_level_values(1).to_numpy() + 0.5) * step,
                "y": np.array(
                    [place[path] + _row(outcome.key) + (0.22 if outcome.key == "changed" else 0) for path in paths]
                ),
                "customdata": counts.to_numpy(),
                "marker": {
                    "symbol": _symbol(outcome, silent),
                    "size": counts.to_numpy(),
                    "sizemode": "area",
                    "sizemin": 3,
                    "color": outcome.light,
                    "opacity": 0.75,
                    "line": {"color": look.PAPER, "width": 0.5},
                },
            }
        )
    for trace in traces:
        trace["marker"]["sizeref"] = 2 * largest / _LARGEST_PX**2
    return traces


def _groups(waits: pd.DataFrame) -> list[tuple[look.Outcome, bool, pd.DataFrame]]:
    """(outcome, silent death, its waits): a silent death shows only that the timer ran out before."""
    quiet = (waits["mechanism"].astype(object) == "silent") & (waits["outcome"] == "died")
    groups = [
        (look.OUTCOME[key], silent, waits[(waits["outcome"] == key) & (quiet == silent)])
        for key in (*_LIVED, "died")
        for silent in (False, True)
    ]
    return [group for group in groups if len(group[2])]


def _row(outcome: str) -> float:
    """The middle of its row, from the top of the path's band."""
    return _HEADING + (1.5 if outcome == "died" else 0.5)


def _symbol(outcome: look.Outcome, silent: bool) -> str:
    return "triangle-left" if silent else outcome.symbol
