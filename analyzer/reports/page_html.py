"""The page's HTML, part by part: verdict, key, cards of the charts, tables. All text passes `text`, which escapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from analyzer.findings.words import counted, plain, size, span
from analyzer.reports.charts import details, look

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.findings.verdict import Verdict
    from analyzer.reports.charts.scene import Scene

MAX_DEATH_ROWS = 50
MAX_DEVICE_ROWS = 50
MAX_FOLDER_ROWS = 100
SENTENCE = 2000  # characters of a sentence of the verdict

_SEVERITY = {
    "ok": ("✓", "Healthy"),
    "info": ("i", "Information"),
    "warning": ("!", "Warning"),
    "error": ("✕", "Error"),
}
_GLYPHS = {"silent": "○", "rst": "✕", "fin": "|", "tls_close": "□", "http_error": "◇"}
_SWATCHES = {  # the patterns of `look.OUTCOMES` on a field of 18 by 12
    "/": '<path d="M-2 12 12 -2M6 16 20 2"/>',
    "\\": '<path d="M4 -2 18 12M-4 2 10 16"/>',
    "x": '<path d="M0 0 14 12M14 0 0 12"/>',
    ".": '<path d="M4 4h.1M10 4h.1M7 8h.1" stroke-linecap="round"/>',
    "-": '<path d="M2 6H16"/>',
}
_ZOOM = (("earlier", "‹", "Earlier"), ("closer", "+", "Zoom in"), ("wider", "−", "Zoom out"), ("later", "›", "Later"))

PANEL = """\
<aside id="panel" role="region" aria-label="The chosen mark" aria-live="polite" hidden>
<div class="head"><h2 id="panel-title"></h2><button type="button" id="close" aria-label="Close">✕</button></div>
<dl id="panel-fields"></dl><ul id="panel-evidence"></ul>
<p class="label">Wireshark filter</p><code id="panel-filter" class="filter"></code>
<div class="tools"><button type="button" id="panel-copy">Copy filter</button>
<button type="button" id="panel-zoom">Zoom to it</button></div>
</aside>
<div id="tip" aria-hidden="true" hidden></div>
"""


def text(value: object, limit: int = 200) -> str:
    """Any text as HTML: no markup, no control characters, not endless."""
    return escape(plain(str(value), limit))


def header(verdict: Verdict, title: str) -> str:
    """The answer, why, what to do, what it cost, what was not seen: the words of the terminal."""
    sign, word = _SEVERITY[verdict.severity]
    theme = '<button type="button" id="theme" title="Light or dark">◐<span class="sr"> Light or dark</span></button>'
    mark = f'<span class="sign" role="img" aria-label="{word}">{sign}</span>'
    return "".join(
        [
            f'<header class="verdict {verdict.severity}">\n',
            f'<div class="top"><p class="file">{text(title, 160)}</p>{theme}</div>\n',
            f"<h1>{mark}{text(verdict.headline, 400)}</h1>\n",
            *(f'<p class="reason">{text(reason, SENTENCE)}</p>\n' for reason in verdict.reasons),
            _list(verdict.advice, "advice", "What to do"),
            *(f'<p class="cost">{text(line, SENTENCE)}</p>\n' for line in verdict.cost),
            _list(verdict.unseen, "unseen", "What was not seen"),
            "</header>\n",
        ]
    )


def key(scene: Scene) -> str:
    """The legend of all charts, its entries switches; and the buttons for time. Nothing when nothing is drawn."""
    if not scene.lanes:
        return ""
    present = set(scene.all_waits["outcome"])
    switches = [
        _switch(outcome.key, swatch(outcome), outcome.word, outcome.meaning)
        for outcome in look.OUTCOMES
        if outcome.key in present
    ]
    if scene.waits["due_ms"].notna().any():
        switches.append(_switch("asked", _glyph("▁╷"), "asked for, due"))
    if len(scene.syncs):
        switches.append(_switch("sync", _glyph("▼"), "Sync"))
    seen = set(scene.endings["mechanism"])
    switches += [_switch(how, _glyph(_GLYPHS[how]), words) for how, (_, words) in look.ENDINGS.items() if how in seen]
    zoom = "".join(
        f'<button type="button" id="{name}" title="{words}" aria-label="{words}">{sign}</button>'
        for name, sign, words in _ZOOM
    )
    return (
        '<div class="key"><div class="switches" role="group" aria-label="What is shown, in all charts">'
        f'{"".join(switches)}</div>\n<div class="zoom" role="group" aria-label="Time shown, in all charts">{zoom}'
        '<button type="button" id="reset">Reset</button></div></div>\n'
    )


def swatch(outcome: look.Outcome) -> str:
    """The bar of an outcome in small, with its pattern."""
    return (
        f'<svg class="swatch {outcome.key}" viewBox="0 0 18 12" width="18" height="12" aria-hidden="true">'
        f'<rect x=".75" y=".75" width="16.5" height="10.5" rx="2"/>{_SWATCHES.get(outcome.pattern, "")}</svg>'
    )


def charts(scene: Scene, figures: Mapping[str, Any]) -> str:
    """A card for each picture, in the order in which a reader asks."""
    if not scene.lanes:
        empty = "No push wait and no Sync was seen: there is nothing to draw."
        return f'<main><section class="card wide"><p class="empty">{empty}</p></section></main>\n'
    waits = len(scene.all_waits)
    caption = "One bar a wait, on the line of its connection. The thin line under it is the time it was asked to last. "
    spoken = f"Timeline of {counted(waits, 'wait')} on {counted(len(scene.lanes), 'device')}."
    cards = [
        _card(
            "lanes",
            "When did waits live and die?",
            caption + "Times are UTC.",
            spoken,
            wide=True,
            after=_left_out(scene),
        )
    ]
    if "rest" in figures:
        spoken = f"Histogram of {counted(len(scene.rest), 'wait')}."
        caption = "How many began in each stretch of time."
        cards.append(_card("rest", "All waits without a bar of their own", caption, spoken, wide=True))
    if "idle" in figures:
        cards.append(_idle_card(scene, figures["idle"]))
    if "asked" in figures:
        heading = "What did the phone ask for, and what did it get?"
        caption = "The line is what was asked for, a mark is how long a wait was held."
        cards.append(_card("asked", heading, caption, "Requested and held seconds over time.", tools=_picker(scene)))
    if "folders" in figures:
        caption = "Wide bar: decoded. Thin bar inside: what of it went over the wire. Hatched below: up."
        after = _note(figures["folders"])
        cards.append(_card("folders", "What did each folder cost?", caption, "Bytes of each folder.", after=after))
    if "syncs" in figures:
        caption = "Each Sync, up and down together, decoded."
        caption += " Choose a folder to see its Syncs." if "folders" in figures else ""
        cards.append(_card("syncs", "When was it paid?", caption, "Bytes of each Sync over time."))
    return f"<main>{''.join(cards)}</main>\n"


def tables(scene: Scene, drawn: pd.DataFrame, verdict: Verdict) -> str:
    """The same in text: the devices and folders of the verdict, and each wait that died. `drawn`: see `details`."""
    parts = []
    if verdict.devices:
        heads = ("device", "#push waits", "asked → lived", "#died", "ended by", "timer")
        rows = [
            (
                text(device.device),
                f"{device.waits:,}",
                f"{_span(device.asked_s)} → {_span(device.lived_s)}",
                f"{device.died:,}",
                text(device.ended_by) + _small(device.grade),
                text(device.timer),
            )
            for device in verdict.devices[:MAX_DEVICE_ROWS]
        ]
        parts.append(_table("Devices", heads, rows, len(verdict.devices)))
    parts.append(_deaths(scene, drawn))
    if verdict.folders:
        several = len({folder.session_id for folder in verdict.folders}) > 1
        heads = ("folder", "#syncs", "#items", "#down (wire → decoded)", "#up", "#largest")
        rows = [
            (
                text(folder.folder) + _small(folder.device if several else ""),
                f"{folder.syncs:,}",
                f"{folder.items:,}" if folder.items is not None else "?",
                f"{_size(folder.down_wire_bytes)} → {_size(folder.down_bytes)}",
                _size(folder.up_bytes),
                _size(folder.largest_bytes) + (_small(f"frame {folder.largest_frame}") if folder.largest_frame else ""),
            )
            for folder in verdict.folders[:MAX_FOLDER_ROWS]
        ]
        parts.append(_table("Folders", heads, rows, len(verdict.folders)))
    return f'<div class="tables">{"".join(parts)}</div>\n'


def footer(verdict: Verdict) -> str:
    steps = f"<p>To be surer:</p>{_list(verdict.next_steps, 'steps', 'To be surer')}" if verdict.next_steps else ""
    saved = f"<p>{text(verdict.saved, SENTENCE)}</p>\n" if verdict.saved else ""
    return f"<footer><p>Read: {text(verdict.read, SENTENCE)}</p>\n{saved}{steps}</footer>\n"


def _idle_card(scene: Scene, figure: Mapping[str, Any]) -> str:
    died = bool((scene.all_waits["outcome"] == "died").any())
    caption = "Each answered or cut wait at the idle time that it tested."
    if died:
        caption += " The shaded band holds the timer."
    if bool((scene.waits["mechanism"].astype(object) == "silent").any()):
        caption += " A triangle ◂ went silent: the path had died at some time before."
    heading = "At what idle did they die?" if died else "How long were they idle and lived?"
    return _card("idle", heading, caption, "Idle times that lived and died, for each path.", after=_note(figure))


def _picker(scene: Scene) -> str:
    if len(scene.lanes) < 2:
        return ""
    options = "".join(
        f'<option value="{number}">{text(lane.label)}</option>' for number, lane in enumerate(scene.lanes)
    )
    return f'<label>Device <select id="device"><option value="">All devices</option>{options}</select></label>'


def _left_out(scene: Scene) -> str:
    """What is not drawn, and how to see it."""
    if not scene.left_out:
        return ""
    command = "<code>directpush analyze CAPTURE --device ID --html report.html</code>"
    notes = _list(scene.left_out, "notes", "Left out")
    return f'<div class="left-out">{notes}<p>To see one device alone: {command}</p></div>'


def _deaths(scene: Scene, drawn: pd.DataFrame) -> str:
    """Each wait that was cut, with its frames and its filter; its time is a button that shows it in the timeline."""
    total = int((scene.all_waits["outcome"] == "died").sum())
    if not total:
        return ""
    died = drawn[drawn["outcome"] == "died"].head(MAX_DEATH_ROWS)
    names = ["start_ms", "device", "requested_s", "held_s", "how", "by", "frame", "last", "filter"]
    rows = []
    for wait, start, device, asked, held, how, by, frame, last, connection in died[names].itertuples():
        found = details.wireshark_filter(connection, frame, last)
        rows.append(
            (
                f'<button type="button" class="link" data-wait="{wait}">{details.utc(start)[:19]}</button>',
                text(device),
                f"{_span(asked)} → {_span(held)}",
                text(how if isinstance(how, str) else "unknown") + (f", by {text(by)}" if isinstance(by, str) else ""),
                details.frame_range(frame, last),
                f'<code class="filter">{text(found, 400)}</code> '
                '<button type="button" class="copy" aria-label="Copy the filter">Copy</button>',
            )
        )
    heads = ("start (UTC)", "device", "asked → held", "how", "#frames", "Wireshark filter")
    return _table("Waits that died", heads, rows, total)


def _card(
    name: str, heading: str, caption: str, spoken: str, *, wide: bool = False, tools: str = "", after: str = ""
) -> str:
    return (
        f'<section class="card{" wide" if wide else ""}" aria-labelledby="h-{name}">'
        f'<div class="head"><h2 id="h-{name}">{heading}</h2>{tools}</div><p class="caption">{caption}</p>'
        f'<div class="plot" id="{name}" role="img" aria-label="{escape(spoken)} The tables below say it too."></div>'
        f"{after}</section>\n"
    )


def _note(figure: Mapping[str, Any]) -> str:
    left_out = figure["layout"]["meta"]["left_out"]
    return f'<p class="caption">{text(left_out)}</p>' if left_out else ""


def _table(heading: str, heads: Sequence[str], rows: Sequence[Sequence[str]], total: int) -> str:
    """A table; a heading that begins with # is of a column of numbers. Cells are HTML already."""
    kinds = [' class="number"' if head.startswith("#") else "" for head in heads]
    head = "".join(
        f'<th scope="col"{kind}>{text(h.removeprefix("#"))}</th>' for h, kind in zip(heads, kinds, strict=True)
    )
    body = "".join(
        f"<tr>{''.join(f'<td{kind}>{cell}</td>' for cell, kind in zip(row, kinds, strict=True))}</tr>\n" for row in rows
    )
    more = ""
    if total > len(rows):
        command = "<code>directpush analyze CAPTURE --tables DIR</code>"
        more = f'<p class="caption">{len(rows):,} of {total:,} are listed. All of them: {command}</p>'
    return (
        f'<section class="card wide"><h2>{heading}</h2>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{heading}"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}</tbody></table></div>{more}</section>\n"
    )


def _list(lines: Sequence[str], name: str, label: str) -> str:
    items = "".join(f"<li>{text(line, SENTENCE)}</li>" for line in lines)
    return f'<ul class="{name}" aria-label="{label}">{items}</ul>\n' if lines else ""


def _switch(name: str, sign: str, words: str, meaning: str = "") -> str:
    title = f' title="{escape(meaning)}"' if meaning else ""
    kind = "switch" if meaning else "switch mark"
    return f'<button type="button" class="{kind}" aria-pressed="true" data-key="{name}"{title}>{sign}{words}</button>'


def _glyph(sign: str) -> str:
    return f'<span class="glyph" aria-hidden="true">{sign}</span>'


def _small(words: str) -> str:
    return f" <small>{text(words)}</small>" if words else ""


def _span(seconds: float | None) -> str:
    return span(seconds) if seconds is not None and look.known(seconds) else "?"


def _size(count: float | None) -> str:
    return size(count) if count is not None else "?"
