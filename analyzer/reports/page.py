"""One HTML page that tells the verdict and lets people look: offline, plotly.js inside, nothing loaded from anywhere.

Everything in a capture is written by strangers. Three doors lead into the page, each with its own lock:

    HTML                  through `page_html.text`, which escapes
    data for the script   through `_json`, which leaves no `<` to end the script element; written by `textContent` only
    what plotly draws     through `look.plotly_text`, as plotly reads a subset of HTML

Behind them stands a content security policy: the page's own scripts and styles by their hash, and nothing else.

Nothing is computed here: numbers come from the tables and the verdict. What is drawn and what is not: `charts.scene`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

from analyzer.findings.words import plain
from analyzer.reports import page_html, page_tables
from analyzer.reports.charts import asked, deliveries, details, folders, idle, lanes, look, rest, scene, syncs

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from analyzer.findings.verdict import Verdict

_PLOTLY_STYLE = "/* plotly.js adds its rules here */"  # an inline style of its own would be refused by the policy


def timeline_figure(tables: Mapping[str, pd.DataFrame]) -> go.Figure:
    """The lanes of waits as a plotly figure of its own, for a notebook: with legend and hover text."""
    import plotly.graph_objects as go

    picture = scene.build(tables)
    figure = lanes.figure(picture)
    rows = details.frames_of(picture, len(tables["captures"]) > 1)
    texts = {table: details.hover_texts(table, frame) for table, frame in rows.items()}
    for trace in figure["data"]:
        if table := trace["meta"].get("table"):
            trace["hovertext"] = [texts[table][row] for row in trace["customdata"]]
            trace["hoverinfo"] = "text"
    above = 12 + 18 * len(picture.left_out)
    layout = figure["layout"]
    layout.update(
        showlegend=True,
        legend={"orientation": "h", "x": 0, "y": 0, "yref": "container", "yanchor": "bottom"},
        paper_bgcolor=look.PAPER,
        plot_bgcolor=look.PAPER,
        height=layout["height"] + above + 60,
        margin={**look.MARGIN, "t": above, "b": look.MARGIN["b"] + 60},
    )
    if picture.left_out:
        notes = "<br>".join(look.plotly_text(plain(note, 200)) for note in picture.left_out)
        place = {"x": 0, "xref": "paper", "y": 1, "yref": "container", "yanchor": "top", "pad": {"t": 8}}
        layout["title"] = {"text": notes, "font": {"size": 12}, **place}
    return go.Figure(figure)


def render_page(tables: Mapping[str, pd.DataFrame], verdict: Verdict, *, title: str) -> str:
    """The whole page. `title` names what was analysed, a file name as a rule."""
    import plotly.offline

    picture = scene.build(tables)
    rows = details.frames_of(picture, len(tables["captures"]) > 1)
    delivered = deliveries.choose(tables)
    figures = _figures(picture, tables, verdict, delivered)
    marks = {table: details.columns(table, frame) for table, frame in rows.items()}
    marks["folders"] = details.columns("folders", details.folder_frame(verdict.folders))
    if delivered:
        marks["deliveries"] = details.columns("deliveries", delivered.rows)
    data = {
        "figures": {name: _checked(figure) for name, figure in figures.items()},
        "marks": marks,
        "span": picture.span,
        "lanes": len(picture.lanes),
        "dark": look.DARK,
        "words": {outcome.key: outcome.word for outcome in look.OUTCOMES},
    }
    parts = [
        *page_html.push_cards(picture, figures, delivered),
        page_tables.of_push(picture, rows["waits"], verdict, tables["findings"]),
        *page_html.cost_cards(figures, delivered),
        page_tables.of_folders(verdict.folders),
    ]
    package = resources.files("analyzer.reports")
    style = package.joinpath("page_style.css").read_text("utf-8") + _swatch_colors()
    script = package.joinpath("page_script.js").read_text("utf-8")
    library = plotly.offline.get_plotlyjs()
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy([library, script], [style, _PLOTLY_STYLE])}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{page_html.text(verdict.headline)}</title>
<style>{style}</style>
<style id="plotly.js-style-global">{_PLOTLY_STYLE}</style>
</head>
<body>
{page_html.header(verdict, title, page_tables.facts(verdict.devices))}
{page_html.key(picture)}
<main>
{"".join(parts)}</main>
{page_html.footer(verdict)}
{page_html.PANEL}
{_styles_not_needed(library)}
<script type="application/json" id="data">{_json(data)}</script>
<script>{library}</script>
<script>{script}</script>
</body>
</html>
"""


def _figures(
    picture: scene.Scene,
    tables: Mapping[str, pd.DataFrame],
    verdict: Verdict,
    delivered: deliveries.Deliveries | None,
) -> dict[str, dict[str, Any]]:
    """The pictures that have something to show, by the id of their place in the page."""
    figures = {}
    if picture.lanes:
        figures["lanes"] = lanes.figure(picture)
    if len(picture.rest):
        figures["rest"] = rest.figure(picture)
    if len(picture.waits):
        if picture.all_waits["x_s"].notna().any():  # on HTTP/2 other requests keep the connection awake
            figures["idle"] = idle.figure(picture, tables)
        figures["asked"] = asked.figure(picture)
    if delivered:
        figures["deliveries"] = deliveries.figure(delivered)
    if picture.lanes and verdict.folders:
        figures["folders"] = folders.figure(verdict.folders)
    if len(picture.syncs):
        figures["syncs"] = syncs.figure(picture)
    return figures


def _checked(figure: dict[str, Any]) -> Any:
    """The figure as plotly writes it: its names and values checked, its arrays packed."""
    import plotly.graph_objects as go
    import plotly.io

    return json.loads(plotly.io.to_json(go.Figure(figure), validate=False, engine="json"))


def _policy(scripts: list[str], styles: list[str]) -> str:
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(map(_hash, scripts))}",
            f"style-src {' '.join(map(_hash, styles))}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _styles_not_needed(library: str) -> str:
    """plotly.js brings the style sheet of its maps along unless an element of that id is there. There are no maps here,
    and the policy would refuse the sheet and say so on the console.
    """
    ids = re.findall(r'document\.getElementById\("([0-9a-f]{40,})"\)', library)
    return "".join(f'<template id="{name}"></template>' for name in dict.fromkeys(ids))


def _swatch_colors() -> str:
    """The colours of the legends, from the same lists as the charts'."""
    colors = {outcome.key: outcome.light for outcome in look.OUTCOMES}
    colors |= {"ink": look.INK, "muted": look.MUTED, "rail": look.RAIL}
    light = "".join(f".{name}{{--swatch:{color}}}" for name, color in colors.items())
    dark = {name: look.DARK[color] for name, color in colors.items()}
    chosen = "".join(f":root[data-theme=dark] .{name}{{--swatch:{color}}}" for name, color in dark.items())
    system = "".join(f":root:not([data-theme=light]) .{name}{{--swatch:{color}}}" for name, color in dark.items())
    return f"{light}{chosen}@media (prefers-color-scheme:dark){{{system}}}\n"


def _json(value: Any) -> str:
    """JSON that stays inside its script element, whatever names it holds."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
