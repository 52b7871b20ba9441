"""The page's HTML, part by part: verdict, key, cards of the charts. All text passes `text`, which escapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from analyzer.findings.words import counted, plain
from analyzer.reports.charts import look
from analyzer.reports.charts.deliveries import steps

if TYPE_CHECKING:
    from analyzer.findings.verdict import Verdict
    from analyzer.reports.charts.deliveries import Deliveries
    from analyzer.reports.charts.scene import Scene

SENTENCE = 2000  # characters of a sentence of the verdict

_SEVERITY = {
    "ok": ("✓", "Healthy"),
    "info": ("i", "Information"),
    "warning": ("!", "Warning"),
    "error": ("✕", "Error"),
}
_IN_TABLES = " The tables below say it too."
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


def header(verdict: Verdict, title: str, facts: Sequence[tuple[str, str]]) -> str:
    """The answer, why, what to do, what it cost, what was not seen: the words of the terminal. `facts`: label and
    value, for who reads no sentence.
    """
    sign, word = _SEVERITY[verdict.severity]
    theme = '<button type="button" id="theme" title="Light or dark">◐<span class="sr"> Light or dark</span></button>'
    mark = f'<span class="sign" role="img" aria-label="{word}">{sign}</span>'
    return "".join(
        [
            f'<header class="verdict {verdict.severity}">\n',
            f'<div class="top"><p class="file">{text(title, 160)}</p>{theme}</div>\n',
            f"<h1>{mark}{text(verdict.headline, 400)}</h1>\n",
            _facts(facts),
            *(f'<p class="reason">{text(reason, SENTENCE)}</p>\n' for reason in verdict.reasons),
            _list(verdict.advice, "advice", "What to do"),
            *(f'<p class="cost">{text(line, SENTENCE)}</p>\n' for line in verdict.cost),
            _list(verdict.unseen, "unseen", "What was not seen"),
            "</header>\n",
        ]
    )


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    pairs = "".join(f"<div><dt>{text(label)}</dt><dd>{text(value)}</dd></div>" for label, value in facts)
    return f'<dl class="facts">{pairs}</dl>\n' if pairs else ""


def key(scene: Scene) -> str:
    """The legend of all charts, its entries switches; and the buttons for time. Nothing when nothing is drawn."""
    if not scene.lanes:
        return ""
    present = set(scene.all_waits["outcome"])
    switches = [
        _switch(outcome.key, swatch(outcome.key, outcome.pattern), outcome.word, outcome.meaning)
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


def swatch(name: str, pattern: str) -> str:
    """A bar in small: the outcome or the colour of that name, with its pattern."""
    return (
        f'<svg class="swatch {name}" viewBox="0 0 18 12" width="18" height="12" aria-hidden="true">'
        f'<rect x=".75" y=".75" width="16.5" height="10.5" rx="2"/>{_SWATCHES.get(pattern, "")}</svg>'
    )


def push_cards(scene: Scene, figures: Mapping[str, Any], deliveries: Deliveries | None) -> list[str]:
    """A card for each picture of waits and of what woke them, in the order in which a reader asks."""
    if not figures:
        empty = "No push wait and no Sync was seen: there is nothing to draw."
        return [f'<section class="card wide"><p class="empty">{empty}</p></section>\n']
    cards = []
    if "lanes" in figures:
        cards.append(_lanes_card(scene))
    if "rest" in figures:
        spoken = f"Histogram of {counted(len(scene.rest), 'wait')}."
        caption = "How many began in each stretch of time."
        cards.append(_card("rest", "All waits without a bar of their own", caption, spoken, wide=True))
    of_waits = []
    if "idle" in figures:
        of_waits.append(_idle_card(scene, figures["idle"]))
    if "asked" in figures:
        of_waits.append(_asked_card(scene))
    if deliveries and deliveries.servers:  # then the verdict speaks of them
        of_waits.insert(0, _deliveries_card(deliveries, figures["deliveries"]))
    return cards + of_waits


def cost_cards(figures: Mapping[str, Any], deliveries: Deliveries | None) -> list[str]:
    """A card for each picture of what changes and folders cost."""
    cards = []
    if deliveries and not deliveries.servers:
        cards.append(_deliveries_card(deliveries, figures["deliveries"]))
    if "folders" in figures:
        bars = (("rail", "", "down, decoded"), ("ink", "", "down, on the wire"), ("muted", "/", "up, decoded"))
        caption = "On the wire: compressed, but with headers and encryption, for small messages more than decoded."
        after = _note(figures["folders"])
        spoken = f"Bytes of each folder.{_IN_TABLES}"
        cards.append(_card("folders", "What did each folder cost?", caption, spoken, legend=bars, after=after))
    if "syncs" in figures:
        caption = "Each Sync, up and down together, decoded."
        caption += " Choose a folder to see its Syncs." if "folders" in figures else ""
        cards.append(_card("syncs", "When was it paid?", caption, "Bytes of each Sync over time."))
    return cards


def footer(verdict: Verdict) -> str:
    steps = f"<p>To be surer:</p>{_list(verdict.next_steps, 'steps', 'To be surer')}" if verdict.next_steps else ""
    saved = f"<p>{text(verdict.saved, SENTENCE)}</p>\n" if verdict.saved else ""
    return f"<footer><p>Read: {text(verdict.read, SENTENCE)}</p>\n{saved}{steps}</footer>\n"


def _lanes_card(scene: Scene) -> str:
    waits, devices = counted(len(scene.all_waits), "wait"), counted(len(scene.lanes), "device")
    if not len(scene.all_waits):
        heading = "When did devices synchronise?"
        caption = "None of them waited. A thin line is the life of a connection. "
    else:
        died = bool((scene.all_waits["outcome"] == "died").any())
        heading = "When did waits live and die?" if died else "When did devices wait?"
        caption = (
            "One bar a wait, on the line of its connection. The thin line under it is the time it was asked to last. "
        )
    caption += "Choose a mark to see its frames. Times are UTC."
    spoken = f"Timeline of {waits} on {devices}.{_IN_TABLES}"
    return _card("lanes", heading, caption, spoken, wide=True, after=_left_out(scene))


def _idle_card(scene: Scene, figure: Mapping[str, Any]) -> str:
    died = bool((scene.all_waits["outcome"] == "died").any())
    caption = "Each answered or cut wait at the idle time that it tested."
    if died:
        caption += " The shaded band holds the timer; one with a percentage is narrowed by what is likely."
    if bool((scene.waits["mechanism"].astype(object) == "silent").any()):
        caption += " A triangle ◂ went silent: the path had died at some time before."
    heading = "At what idle did they die?" if died else "How long were they idle and lived?"
    return _card(
        "idle",
        heading,
        caption,
        f"Idle times that lived and died, for each path.{_IN_TABLES}",
        after=_note(figure),
    )


def _asked_card(scene: Scene) -> str:
    caption = "The line is what was asked for, a mark is how long a wait was held."
    unknown = int(scene.waits["requested_s"].isna().sum())
    if unknown == len(scene.waits):
        caption = "What was asked for is not known. A mark is how long a wait was held."
    elif unknown:
        caption += f" No line: {counted(unknown, 'wait')} whose interval is not known."
    spoken = "Requested and held seconds over time."
    return _card("asked", "What did the phone ask for, and what did it get?", caption, spoken, tools=_picker(scene))


def _deliveries_card(deliveries: Deliveries, figure: Mapping[str, Any]) -> str:
    heading = "How long did a notification take?" if deliveries.servers else "How long did a change take to the device?"
    caption = deliveries.counts
    if not deliveries.servers:
        caption += " Counted from the Ping's answer: what came before is not in the capture."
    if bool((deliveries.rows["bad"] & (deliveries.rows["outcome"] != "late")).any()):
        caption += " ✕ woke nobody."
    if bool((deliveries.rows["outcome"].eq("lost") & deliveries.rows["poll_frame"].notna()).any()):
        caption += " What was lost is counted from the POLL that brought it to light; how long before is not known."
    return _card(
        "deliveries",
        heading,
        caption,
        "; ".join(deliveries.rows["heading"]),
        wide=True,
        legend=steps(deliveries),
        after=_note(figure),
    )


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


def _card(
    name: str,
    heading: str,
    caption: str,
    spoken: str,
    *,
    wide: bool = False,
    tools: str = "",
    legend: Sequence[tuple[str, str, str]] = (),
    after: str = "",
) -> str:
    """`spoken`: the picture for who cannot see it. `legend`: swatch, pattern and words of colours that are its own."""
    signs = "".join(f"<li>{swatch(sign, pattern)} {text(words)}</li>" for sign, pattern, words in legend)
    signs = f'<ul class="legend" aria-label="Legend">{signs}</ul>' if signs else ""
    return (
        f'<section class="card{" wide" if wide else ""}" aria-labelledby="h-{name}">'
        f'<div class="head"><h2 id="h-{name}">{heading}</h2>{tools}</div>'
        f'<p class="caption">{text(caption, SENTENCE)}</p>{signs}'
        f'<div class="plot" id="{name}" role="img" aria-label="{text(spoken, SENTENCE)}"></div>'
        f"{after}</section>\n"
    )


def _note(figure: Mapping[str, Any]) -> str:
    left_out = figure["layout"]["meta"]["left_out"]
    return f'<p class="caption">{text(left_out)}</p>' if left_out else ""


def _list(lines: Sequence[str], name: str, label: str) -> str:
    items = "".join(f"<li>{text(line, SENTENCE)}</li>" for line in lines)
    return f'<ul class="{name}" aria-label="{label}">{items}</ul>\n' if lines else ""


def _switch(name: str, sign: str, words: str, meaning: str = "") -> str:
    title = f' title="{escape(meaning)}"' if meaning else ""
    kind = "switch" if meaning else "switch mark"
    return f'<button type="button" class="{kind}" aria-pressed="true" data-key="{name}"{title}>{sign}{words}</button>'


def _glyph(sign: str) -> str:
    return f'<span class="glyph" aria-hidden="true">{sign}</span>'
