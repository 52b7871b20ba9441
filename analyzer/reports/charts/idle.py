"""At what idle did waits die: every tested idle time of a path, what survived above what did not, and the timer between them.

One band a path (a client network and a server), because each has a timer of its own. The interval comes from `idle_timeouts`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analyzer.findings.words import of_all, plain, span, spans
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
    """`customdata` is the row in `scene.waits`, or the number of waits in the bin. `meta.left_out`: paths without a band."""
    exact = len(scene.all_waits) == len(scene.waits) <= MAX_POINTS
    waits = scene.waits if exact else scene.all_waits
    waits = waits[waits["x_s"].notna() & waits["outcome"].isin([*_LIVED, "died"])]
    waits = waits.assign(path=_paths(waits))
    order = waits.assign(died=waits["outcome"] == "died").groupby("path", sort=False)["died"].agg(died="sum", waits="size")
    order = order.sort_values(["died", "waits"], ascending=False, kind="stable")
    shown = list(order.index[:MAX_PATHS])
    timers = _timers(tables)
    highest = max([float(waits["x_s"].max()) if len(waits) else 60.0, *(high for path in shown for high in timers.get(path, ())[1:2] if high)])

    rows = _HEADING + (2 if order["died"].any() else 1)  # of one path: its heading, what lived, and what died if any did
    place = {path: number * rows for number, path in enumerate(shown)}
    waits = waits[waits["path"].isin(shown)]
    traces = (_points if exact else _bins)(waits, place, highest)
    headings, bands, ticks = [], [], {}
    for path in shown:
        top = place[path]
        low, high = timers.get(path, (None, None))
        for text, y, font in ((_timer_words(low, high), 0.25, look.HEADING_FONT), (_path_words(path), 0.6, look.SUBHEADING_FONT)):
            headings.append({
                "x": 0, "xref": "paper", "xanchor": "left", "y": top + y, "yref": "y", "yanchor": "middle", "showarrow": False,
                "align": "left", "text": look.plotly_text(text), "font": font,
            })  # fmt: skip
        if high is not None:
            bands.append({
                "type": "rect", "x0": low or 0, "x1": high, "y0": top + _HEADING, "y1": top + rows - 0.05, "layer": "below",
                "fillcolor": look.BAND, "line": {"color": look.OUTCOME["died"].light, "width": 1, "dash": "dot"},
            })  # fmt: skip
        ticks[top + _row("lived")] = "lived"
        if rows > 2:
            ticks[top + _row("died")] = "died"
    height = max(MIN_HEIGHT, round(len(shown) * rows * ROW_PX) + look.MARGIN["t"] + look.MARGIN["b"])
    return {"data": traces, "layout": look.layout(
        height, annotations=headings, shapes=bands,
        meta={"left_out": f"{of_all(len(shown), len(order))} paths shown: those with most deaths." if len(order) > len(shown) else ""},
        xaxis=look.axis(range=[-0.02 * highest, 1.04 * highest], autorange=False, ticksuffix=" s", nticks=8),
        yaxis=look.axis(
            range=[max(1, len(shown)) * rows, 0], autorange=False, fixedrange=True, showgrid=False,
            tickvals=list(ticks), ticktext=list(ticks.values()), ticks="",
        ),
    )}  # fmt: skip


def _points(waits: pd.DataFrame, place: dict[str, float], highest: float) -> list[dict[str, Any]]:
    """A mark a wait, spread in height so that equal ones stay visible."""
    traces = []
    for outcome, silent, rows in _groups(waits):
        spread = [((number * 0.618) % 1 - 0.5) * 0.7 for number in range(len(rows))]
        traces.append({
            "type": "scatter", "mode": "markers", "name": outcome.word, "hoverinfo": "none", "meta": {"table": "waits", "outcome": outcome.key},
            "x": rows["x_s"].to_numpy(), "y": (rows["path"].map(place) + _row(outcome.key) + spread).to_numpy(), "customdata": rows.index.to_numpy(),
            "marker": {"symbol": _symbol(outcome, silent), "size": 8, "color": outcome.light, "opacity": 0.85, "line": {"color": look.PAPER, "width": 0.5}},
        })  # fmt: skip
    return traces


def _bins(waits: pd.DataFrame, place: dict[str, float], highest: float) -> list[dict[str, Any]]:
    """A mark a bin, its area the number of waits."""
    import numpy as np

    step = highest / BINS
    traces = []
    largest = 1
    for outcome, silent, rows in _groups(waits):
        number = np.minimum((rows["x_s"].to_numpy() / step).astype(int), BINS - 1)
        counts = rows.assign(bin=number).groupby(["path", "bin"], sort=True).size()
        largest = max(largest, int(counts.max()))
        paths = counts.index.get_level_values(0)
        traces.append({
            "type": "scatter", "mode": "markers", "name": outcome.word, "hoverinfo": "none", "meta": {"outcome": outcome.key, "bin_s": step},
            "x": (counts.index.get_level_values(1).to_numpy() + 0.5) * step,
            "y": np.array([place[path] + _row(outcome.key) + (0.22 if outcome.key == "changed" else 0) for path in paths]),
            "customdata": counts.to_numpy(),
            "marker": {
                "symbol": _symbol(outcome, silent), "size": counts.to_numpy(), "sizemode": "area", "sizemin": 3, "color": outcome.light,
                "opacity": 0.75, "line": {"color": look.PAPER, "width": 0.5},
            },
        })  # fmt: skip
    for trace in traces:
        trace["marker"]["sizeref"] = 2 * largest / _LARGEST_PX**2
    return traces


def _groups(waits: pd.DataFrame) -> list[tuple[look.Outcome, bool, pd.DataFrame]]:
    """(outcome, silent death, its waits): a silent death shows only that the timer ran out before."""
    quiet = (waits["mechanism"].astype(object) == "silent") & (waits["outcome"] == "died")
    groups = [(look.OUTCOME[key], silent, waits[(waits["outcome"] == key) & (quiet == silent)]) for key in (*_LIVED, "died") for silent in (False, True)]
    return [group for group in groups if len(group[2])]


def _row(outcome: str) -> float:
    """The middle of its row, from the top of the path's band."""
    return _HEADING + (1.5 if outcome == "died" else 0.5)


def _symbol(outcome: look.Outcome, silent: bool) -> str:
    return "triangle-left" if silent else outcome.symbol


def _paths(waits: pd.DataFrame) -> list[tuple[str, str]]:
    """(client network, server address) of each wait: /24 for IPv4, /64 for IPv6, as in `idle_timeouts`."""
    network = {address: _network(address) for address in waits["client_ip"].astype(object).unique()}
    return [(network[client], str(server)) for client, server in zip(waits["client_ip"].astype(object), waits["server_ip"].astype(object), strict=True)]


def _network(address: object) -> str:
    try:
        ip = ipaddress.ip_address(str(address))
    except ValueError:
        return "?"
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 64), strict=False))


def _timers(tables: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], tuple[float | None, float | None]]:
    """(client network, server address) → the interval that holds the timer; an open end is None."""
    rows = tables["idle_timeouts"]
    timers = {}
    for path, server, low, high in zip(*(rows[name].astype(object) for name in ("path", "server_ip", "low_s", "high_s")), strict=True):
        network = next((word for word in str(path).replace(",", " ").split() if "/" in word), str(path))
        timers[network, str(server)] = (None if low != low else low, None if high != high else high)
    return timers


def _timer_words(low: float | None, high: float | None) -> str:
    if high is None:
        return f"no timer up to {span(low)}" if low is not None else "timer not known"
    return f"timer {spans(low, high)}" if low is not None else f"timer at most {span(high)}"


def _path_words(path: tuple[str, str]) -> str:
    return f"{plain(path[0], 24)} → {plain(path[1], 24)}"
