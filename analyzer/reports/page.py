"""One HTML page that tells the verdict and lets people look: offline, plotly.js inside, nothing loaded from anywhere.

Everything in a capture is written by strangers. Three doors lead into the page, each with its own lock: HTML text goes through
`html.escape`; data for the script goes through `_json`, which leaves no `<` that could end the script element, and the script
writes it with `textContent` only; text that plotly draws goes through `look.plotly_text`. Behind them stands a content
security policy that allows the page's own scripts and styles by their hash and nothing else.

Nothing is computed here: numbers come from the tables and the verdict. What is drawn and what is not: `charts.scene`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Any

from analyzer.findings.words import counted, plain, size, span
from analyzer.reports.charts import asked, details, folders, idle, lanes, look, rest, scene, syncs

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

    from analyzer.findings.verdict import Verdict

MAX_DEATH_ROWS = 50
MAX_DEVICE_ROWS = 50
MAX_FOLDER_ROWS = 100
NAME = 80  # characters of a name in a table cell

_SEVERITY = {"ok": ("✓", "Healthy"), "info": ("i", "Information"), "warning": ("!", "Warning"), "error": ("✕", "Error")}


def timeline_figure(tables: Mapping[str, pd.DataFrame]) -> go.Figure:
    """The lanes of waits as a plotly figure of its own, for a notebook: legend and hover text included."""
    import plotly.graph_objects as go

    picture = scene.build(tables)
    figure = lanes.figure(picture)
    rows = details.frames_of(picture, len(tables["captures"]) > 1)
    texts = {table: details.hover_texts(table, frame) for table, frame in rows.items()}
    for trace in figure["data"]:
        trace.pop("hoverinfo", None)
        if table := trace["meta"].get("table"):
            trace["hovertext"] = [texts[table][row] for row in trace["customdata"]]
            trace["hoverinfo"] = "text"
        else:
            trace["hoverinfo"] = "skip"
    above = 30 + 18 * len(picture.left_out)
    notes = "<br>".join(look.plotly_text(plain(note, 200)) for note in picture.left_out)
    figure["layout"].update(
        showlegend=True,
        legend={"orientation": "h", "y": 0, "yref": "container", "yanchor": "bottom"},
        paper_bgcolor=look.PAPER,
        plot_bgcolor=look.PAPER,
        height=figure["layout"]["height"] + above + 70,
        margin={**look.MARGIN, "t": above, "b": 90},
    )
    if notes:
        figure["layout"]["title"] = {
            "text": notes,
            "font": {"size": 12},
            "x": 0,
            "xref": "paper",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 8},
        }
    return go.Figure(figure)


def render_page(tables: Mapping[str, pd.DataFrame], verdict: Verdict, *, title: str) -> str:
    """The whole page. `title` names what was analysed, a file name as a rule."""
    import plotly.offline

    picture = scene.build(tables)
    rows = details.frames_of(picture, len(tables["captures"]) > 1)
    figures = {"lanes": lanes.figure(picture), "asked": asked.figure(picture), "idle": idle.figure(picture, tables)}
    if len(picture.rest):
        figures["rest"] = rest.figure(picture)
    if verdict.folders:
        figures["folders"] = folders.figure(verdict.folders)
    if len(picture.syncs):
        figures["syncs"] = syncs.figure(picture)
    marks = {table: details.columns(table, frame) for table, frame in rows.items()}
    marks["folders"] = details.columns("folders", _folder_frame(verdict))
    data = {
        "figures": {name: _plotly(figure) for name, figure in figures.items()},
        "marks": marks,
        "span": picture.span,
        "dark": look.DARK,
        "words": {outcome.key: outcome.word for outcome in look.OUTCOMES},
        "lanes": [lane.label for lane in picture.lanes],
    }

    package = resources.files("analyzer.reports")
    style = package.joinpath("page_style.css").read_text("utf-8") + _outcome_colors()
    script = package.joinpath("page_script.js").read_text("utf-8")
    library = plotly.offline.get_plotlyjs()
    plotly_style = "/* plotly adds its rules here */"
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hash(library)} {_hash(script)}",
            f"style-src {_hash(style)} {_hash(plotly_style)}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return "".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n',
            f"<title>{_text(verdict.headline)}</title>\n",
            f'<style>{style}</style>\n<style id="plotly.js-style-global">{plotly_style}</style>\n</head>\n<body>\n',
            _header(verdict, title),
            _key(picture),
            _charts(picture, figures),
            _tables(picture, rows["waits"], verdict),
            _footer(verdict),
            _PANEL,
            _styles_not_needed(library),
            f'<script type="application/json" id="data">{_json(data)}</script>\n',
            f"<script>{library}</script>\n<script>{script}</script>\n</body>\n</html>\n",
        ]
    )


def _header(verdict: Verdict, title: str) -> str:
    sign, word = _SEVERITY[verdict.severity]
    parts = [
        f'<header class="verdict {verdict.severity}">\n<div class="top"><p class="file">{_text(title, 160)}</p>'
        '<button type="button" id="theme" title="Light or dark">◐<span class="sr"> Light or dark</span></button></div>\n',
        f'<h1><span class="sign" role="img" aria-label="{word}">{sign}</span>{_text(verdict.headline, 400)}</h1>\n',
        *(f'<p class="reason">{_text(reason, 1000)}</p>\n' for reason in verdict.reasons),
    ]
    if verdict.advice:
        parts.append(
            '<ul class="advice" aria-label="What to do">'
            + "".join(f"<li>{_text(line, 1000)}</li>" for line in verdict.advice)
            + "</ul>\n"
        )
    parts.extend(f'<p class="cost">{_text(line, 1000)}</p>\n' for line in verdict.cost)
    if verdict.unseen:
        parts.append(
            '<ul class="unseen" aria-label="What was not seen">'
            + "".join(f"<li>{_text(line, 1000)}</li>" for line in verdict.unseen)
            + "</ul>\n"
        )
    return "".join([*parts, "</header>\n"])


def _key(picture: scene.Scene) -> str:
    """The legend of all charts, its entries switches; and the buttons for time."""
    if not picture.lanes:
        return ""
    present = set(picture.all_waits["outcome"])
    buttons = [
        f'<button type="button" class="switch" aria-pressed="true" data-key="{o.key}" title="{escape(o.meaning)}">{_swatch(o)}{o.word}</button>'
        for o in look.OUTCOMES
        if o.key in present
    ]
    marks = [("asked", "▁╷", "asked for, due")] if len(picture.waits) and picture.waits["due_ms"].notna().any() else []
    marks += [("sync", "▼", "Sync")] if len(picture.syncs) else []
    seen = set(picture.endings["mechanism"])
    signs = {"silent": "○", "rst": "✕", "fin": "|", "tls_close": "□", "http_error": "◇"}
    marks += [
        (mechanism, signs[mechanism], words) for mechanism, (_, words) in look.ENDINGS.items() if mechanism in seen
    ]
    buttons += [
        f'<button type="button" class="switch mark" aria-pressed="true" data-key="{key}"><span class="glyph" aria-hidden="true">{sign}</span>{words}</button>'
        for key, sign, words in marks
    ]
    zoom = "".join(
        f'<button type="button" id="{name}" title="{words}" aria-label="{words}">{sign}</button>'
        for name, sign, words in (
            ("earlier", "‹", "Earlier"),
            ("closer", "+", "Zoom in"),
            ("wider", "−", "Zoom out"),
            ("later", "›", "Later"),
        )
    )
    return (
        f'<div class="key"><div class="switches" role="group" aria-label="What is shown, in all charts">{"".join(buttons)}</div>'
        f'<div class="zoom" role="group" aria-label="Time shown, in all charts">{zoom}<button type="button" id="reset">Reset</button></div></div>\n'
    )


def _swatch(outcome: look.Outcome) -> str:
    """The bar of an outcome in small, with its pattern."""
    lines = {
        "/": '<path d="M-2 12 12 -2M6 16 20 2"/>',
        "\\": '<path d="M4 -2 18 12M-4 2 10 16"/>',
        "x": '<path d="M0 0 14 12M14 0 0 12"/>',
        ".": '<path d="M4 4h.1M10 4h.1M7 8h.1" stroke-linecap="round"/>',
        "-": '<path d="M2 6H16"/>',
    }.get(outcome.pattern, "")
    return f'<svg class="swatch {outcome.key}" viewBox="0 0 18 12" width="18" height="12" aria-hidden="true"><rect x=".75" y=".75" width="16.5" height="10.5" rx="2"/>{lines}</svg>'


def _charts(picture: scene.Scene, figures: Mapping[str, Any]) -> str:
    notes = "".join(f"<li>{_text(note, 300)}</li>" for note in picture.left_out)
    if notes:
        notes = f'<div class="left-out"><ul>{notes}</ul><p>To see one device alone and whole: <code>directpush analyze CAPTURE --device ID --html report.html</code></p></div>'
    if not picture.lanes:
        empty = "No push wait and no Sync was seen: there is nothing to draw. What the file holds is said above."
        return f'<main><section class="card wide"><h2>When did waits live and die?</h2><p class="empty">{empty}</p></section></main>\n'
    waits = len(picture.all_waits)
    options = "".join(
        f'<option value="{number}">{_text(lane.label)}</option>' for number, lane in enumerate(picture.lanes)
    )
    picker = (
        f'<label>Device <select id="device"><option value="">All devices</option>{options}</select></label>'
        if len(picture.lanes) > 1
        else ""
    )
    cards = [
        _card(
            "lanes",
            "When did waits live and die?",
            "A bar a wait, on the line of its connection. The thin line under it is the time it was asked to last. Times are UTC.",
            f"Timeline of {counted(waits, 'wait')} on {counted(len(picture.lanes), 'device')}.",
            "wide",
            extra=notes,
        ),
    ]
    if "rest" in figures:
        cards.append(
            _card(
                "rest",
                "All waits without a bar of their own",
                "How many began in each stretch of time.",
                f"Histogram of {counted(len(picture.rest), 'wait')}.",
                "wide",
            )
        )
    if waits:
        died = bool((picture.all_waits["outcome"] == "died").any())
        silent = bool((picture.waits["mechanism"].astype(object) == "silent").any())
        heading = "At what idle did they die?" if died else "How long were they idle and lived?"
        caption = "Each answered or cut wait at the idle time that it tested."
        caption += " The shaded band holds the timer." if died else ""
        caption += " A triangle ◂ went silent: the path had died at some time before." if silent else ""
        note = figures["idle"]["layout"]["meta"]["left_out"]
        cards.append(_card("idle", heading, caption, "Idle times that lived and died, for each path.", note=note))
        cards.append(
            _card(
                "asked",
                "What did the phone ask for, and what did it get?",
                "The line is what was asked for, a mark is how long a wait was held.",
                "Requested and held seconds over time.",
                tools=picker,
            )
        )
    if "folders" in figures:
        cards.append(
            _card(
                "folders",
                "What did each folder cost?",
                "Pale: decoded. Dark: what of it went over the wire. Hatched below: up.",
                "Bytes of each folder.",
                note=figures["folders"]["layout"]["meta"]["left_out"],
            )
        )
    if "syncs" in figures:
        cards.append(
            _card(
                "syncs",
                "When was it paid?",
                "Each Sync, up and down together, decoded. Choose a folder to see its Syncs.",
                "Bytes of each Sync over time.",
            )
        )
    return f"<main>{''.join(cards)}</main>\n"


def _card(
    name: str,
    heading: str,
    caption: str,
    spoken: str,
    width: str = "",
    *,
    extra: str = "",
    note: str = "",
    tools: str = "",
) -> str:
    note = f'<p class="caption">{_text(note)}</p>' if note else ""
    return (
        f'<section class="card {width}" aria-labelledby="h-{name}"><div class="head"><h2 id="h-{name}">{heading}</h2>{tools}</div><p class="caption">{caption}</p>'
        f'<div class="plot" id="{name}" role="img" aria-label="{escape(spoken)} The tables below say the same in text."></div>{note}{extra}</section>\n'
    )


def _tables(picture: scene.Scene, drawn: pd.DataFrame, verdict: Verdict) -> str:
    parts = []
    if verdict.devices:
        cells = [
            [
                _text(d.device, NAME),
                f"{d.waits:,}",
                f"{_span(d.asked_s)} → {_span(d.lived_s)}",
                f"{d.died:,}",
                _text(d.ended_by, NAME) + (f" <small>{_text(d.grade)}</small>" if d.grade else ""),
                _text(d.timer, NAME),
            ]
            for d in verdict.devices[:MAX_DEVICE_ROWS]
        ]
        parts.append(
            _table(
                "Devices",
                ["device", "#push waits", "asked → lived", "#died", "ended by", "timer"],
                cells,
                len(verdict.devices),
            )
        )
    if len(picture.all_waits):
        parts.append(_deaths(picture, drawn))
    if verdict.folders:
        cells = [
            [
                _text(f.folder, NAME) + f" <small>{_text(f.device, NAME)}</small>",
                f"{f.syncs:,}",
                _count(f.items),
                f"{_size(f.down_wire_bytes)} → {_size(f.down_bytes)}",
                _size(f.up_bytes),
                _size(f.largest_bytes)
                + (f" <small>frame {f.largest_frame}</small>" if f.largest_frame is not None else ""),
            ]
            for f in verdict.folders[:MAX_FOLDER_ROWS]
        ]
        heads = ["folder", "#syncs", "#items", "#down (wire → decoded)", "#up", "#largest"]
        parts.append(_table("Folders", heads, cells, len(verdict.folders)))
    return f'<div class="tables">{"".join(parts)}</div>\n'


def _deaths(picture: scene.Scene, drawn: pd.DataFrame) -> str:
    """The text alternative of the timeline: each wait that was cut, with its frames and its filter."""
    died = drawn[drawn["outcome"] == "died"]
    total = int((picture.all_waits["outcome"] == "died").sum())
    if not total:
        return ""
    cells = []
    for row in died.head(MAX_DEATH_ROWS).itertuples():
        when = datetime.fromtimestamp(row.start_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        shown = details.wireshark_filter(row.filter, row.frame, row.last)
        frames = f"{row.frame:.0f}" if row.frame == row.frame else ""
        frames += f"-{row.last:.0f}" if row.last == row.last and row.last != row.frame else ""
        cells.append(
            [
                f'<button type="button" class="link" data-wait="{row.Index}">{when}</button>',
                _text(row.device, NAME),
                f"{_span(row.requested_s)} → {_span(row.held_s)}",
                f"{_text(row.how or 'unknown')}, by {_text(row.by or 'unknown')}",
                frames,
                f'<code class="filter">{_text(shown, 400)}</code> <button type="button" class="copy" aria-label="Copy the filter">Copy</button>',
            ]
        )
    return _table(
        "Waits that died", ["start (UTC)", "device", "asked → held", "how", "#frames", "Wireshark filter"], cells, total
    )


def _table(heading: str, heads: list[str], rows: list[list[str]], total: int) -> str:
    """A table; a heading that begins with # is of a column of numbers. Cells are HTML already."""
    classes = [' class="number"' if head.startswith("#") else "" for head in heads]
    head = "".join(f"<th scope=col{c}>{escape(h.removeprefix('#'))}</th>" for h, c in zip(heads, classes, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{c}>{cell}</td>" for cell, c in zip(row, classes, strict=True)) + "</tr>\n"
        for row in rows
    )
    more = (
        f'<p class="caption">{len(rows):,} of {total:,} are listed. All of them: <code>directpush analyze CAPTURE --tables DIR</code></p>'
        if total > len(rows)
        else ""
    )
    return f'<section class="card wide"><h2>{heading}</h2><div class="scroll" tabindex="0" role="region" aria-label="{heading}"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>{more}</section>\n'


def _footer(verdict: Verdict) -> str:
    steps = "".join(f"<li>{_text(step, 400)}</li>" for step in verdict.next_steps)
    return f"<footer><p>Read: {_text(verdict.read, 600)}</p>{f'<p>To be surer:</p><ul>{steps}</ul>' if steps else ''}</footer>\n"


_PANEL = (
    '<aside id="panel" role="region" aria-label="The chosen mark" aria-live="polite" hidden><div class="head"><h2 id="panel-title"></h2>'
    '<button type="button" id="close" aria-label="Close">✕</button></div><dl id="panel-fields"></dl><ul id="panel-evidence"></ul>'
    '<p class="label">Wireshark filter</p><code id="panel-filter" class="filter"></code><div class="tools"><button type="button" id="panel-copy">Copy filter</button>'
    '<button type="button" id="panel-zoom">Zoom to it</button></div></aside>\n<div id="tip" aria-hidden="true" hidden></div>\n'
)


def _folder_frame(verdict: Verdict) -> pd.DataFrame:
    import pandas as pd

    columns = ("device", "folder_class", "syncs", "items", "down_bytes", "down_wire_bytes", "up_bytes", "largest_bytes")
    rows = [{name: getattr(folder, name) for name in columns} for folder in verdict.folders]
    frame = pd.DataFrame(rows, columns=list(columns))
    numbers = [name for name in columns if name not in ("device", "folder_class")]
    frame[numbers] = frame[numbers].astype("float64")
    times = [folder.largest_time_ns / 1e6 if folder.largest_time_ns is not None else None for folder in verdict.folders]
    frames = pd.Series([folder.largest_frame for folder in verdict.folders], dtype="float64")
    return frame.assign(
        title=[folder.folder for folder in verdict.folders],
        time_ms=pd.Series(times, dtype="float64"),
        frame=frames,
        last=frames,
    )


def _plotly(figure: dict[str, Any]) -> Any:
    """Checked by plotly, its arrays packed as it packs them."""
    import plotly.graph_objects as go
    import plotly.io

    return json.loads(plotly.io.to_json(go.Figure(figure), validate=False, engine="json"))


def _outcome_colors() -> str:
    """The swatches' colours, from the same list as the charts'."""
    light = "".join(f".{o.key}{{--swatch:{o.light}}}" for o in look.OUTCOMES)
    dark = "".join(f":root[data-theme=dark] .{o.key}{{--swatch:{o.dark}}}" for o in look.OUTCOMES)
    system = "".join(f":root:not([data-theme=light]) .{o.key}{{--swatch:{o.dark}}}" for o in look.OUTCOMES)
    return f"{light}{dark}@media (prefers-color-scheme:dark){{{system}}}\n"


def _styles_not_needed(library: str) -> str:
    """plotly.js brings the style sheet of its maps along unless an element of that id is there. There are no maps here, and
    the policy would refuse the sheet and say so on the console.
    """
    ids = re.findall(r'document\.getElementById\("([0-9a-f]{40,})"\)', library)
    return "".join(f'<template id="{name}"></template>' for name in dict.fromkeys(ids))


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(value: Any) -> str:
    """JSON that stays inside its script element, whatever names it holds."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _text(value: object, limit: int = 200) -> str:
    return escape(plain(str(value), limit))


def _span(seconds: float | None) -> str:
    return span(seconds) if seconds is not None and seconds == seconds else "?"


def _size(count: float | None) -> str:
    return size(count) if count is not None else "?"


def _count(number: int | None) -> str:
    return f"{number:,}" if number is not None else "?"
