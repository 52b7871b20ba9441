"""What the pictures have in common: colour, pattern and word of each outcome, symbols, sizes, safe text.

Colours are Okabe and Ito's, told apart by colour-blind readers; the dark page has lighter ones of the same hue. Each is
doubled by a pattern (bars) or a symbol (marks), so that nothing is said by colour alone.

The script recolours a figure for the dark page by replacing each light colour with its dark twin: every colour used
in a figure must be a key of `DARK`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

INK = "#1f2933"
MUTED = "#5f6b7a"
FAINT = "#b3bcc8"
GRID = "#e4e8ee"
RAIL = "#c9d1dc"
PAPER = "#ffffff"
BAND = "#fbe3d3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one kind of wait is drawn and named, everywhere on the page."""

    key: str
    word: str  # as in the legend
    meaning: str  # one sentence
    light: str
    dark: str
    pattern: str  # plotly's bar pattern; "" is solid
    symbol: str  # plotly's marker symbol


OUTCOMES = (
    Outcome(
        key="died",
        word="died",
        meaning="The wait was cut off before it was answered.",
        light="#d55e00",
        dark="#ff8534",
        pattern="/",
        symbol="x",
    ),
    Outcome(
        key="lived",
        word="lived",
        meaning="The wait lasted as long as it was asked to: nothing had changed.",
        light="#0072b2",
        dark="#4ea8e0",
        pattern="",
        symbol="circle",
    ),
    Outcome(
        key="changed",
        word="brought a change",
        meaning="The server answered because something had arrived.",
        light="#009e73",
        dark="#2fc99d",
        pattern=".",
        symbol="triangle-up",
    ),
    Outcome(
        key="replaced",
        word="ended by the device",
        meaning="The device itself gave the wait up, to ask for something else.",
        light="#b8629a",
        dark="#e79bc8",
        pattern="\\",
        symbol="square",
    ),
    Outcome(
        key="error",
        word="answered with an error",
        meaning="The server answered with an error.",
        light="#c98a00",
        dark="#f2bc3d",
        pattern="x",
        symbol="diamond",
    ),
    Outcome(
        key="unknown",
        word="fate unknown",
        meaning="The capture does not show how the wait ended.",
        light="#8a94a3",
        dark="#98a2b1",
        pattern="-",
        symbol="circle-open",
    ),
)
OUTCOME = {outcome.key: outcome for outcome in OUTCOMES}

# the fate of a wait in `findings.case` → the outcome drawn; what lived is told apart by what its answer brought
OUTCOME_OF_FATE = {"died": "died", "own": "replaced", "error": "error", "unknown": "unknown"}

# teardowns.mechanism → (plotly symbol, words). The end of the capture ends no connection and is not drawn.
ENDINGS = {
    "silent": ("circle-open", "went silent"),
    "rst": ("x-thin", "reset (RST)"),
    "fin": ("line-ns", "closed (FIN)"),
    "tls_close": ("square-open", "closed (TLS close_notify)"),
    "http_error": ("diamond-open", "HTTP error"),
}

# light colour → dark colour, for everything that a figure paints
DARK = {
    INK: "#e6eaf0",
    MUTED: "#9aa5b4",
    FAINT: "#59636f",
    GRID: "#2a313a",
    RAIL: "#46505c",
    PAPER: "#171b21",
    BAND: "#4a2b17",
    **{outcome.light: outcome.dark for outcome in OUTCOMES},
}

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
HEADING_FONT = {"size": 12, "color": INK, "weight": 600}
SUBHEADING_FONT = {"size": 11, "color": MUTED}
MARGIN = {"l": 56, "r": 18, "t": 8, "b": 34, "pad": 0}  # the same for all time charts: their axes line up


def plotly_text(text: str) -> str:
    """Escaped for plotly, which reads a subset of HTML in every text that it draws."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def axis(**more: Any) -> dict[str, Any]:
    """The common style of an axis."""
    return {
        "gridcolor": GRID,
        "zeroline": False,
        "linecolor": FAINT,
        "tickcolor": FAINT,
        "automargin": False,
        "ticks": "",
        "tickfont": {"size": 11, "color": MUTED},
        **more,
    }


def time_axis(span: tuple[float, float], **more: Any) -> dict[str, Any]:
    """A UTC time axis over `span` (milliseconds since 1970)."""
    return axis(
        type="date",
        range=list(span),
        autorange=False,
        hoverformat="%Y-%m-%d %H:%M:%S.%L",
        nticks=8,
        tickangle=0,
        tickformatstops=[
            {"dtickrange": [None, 1000], "value": "%H:%M:%S.%L"},
            {"dtickrange": [1000, 60_000], "value": "%H:%M:%S\n%b %-d, %Y"},
            {"dtickrange": [60_000, 86_400_000], "value": "%H:%M\n%b %-d, %Y"},
            {"dtickrange": [86_400_000, None], "value": "%b %-d\n%Y"},
        ],
        **more,
    )


def layout(height: int, **more: Any) -> dict[str, Any]:
    """The common layout: transparent, so that the page's own colours show through."""
    return {
        "height": height,
        "margin": dict(MARGIN),
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": INK},
        "showlegend": False,
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "uirevision": "keep",
        "template": "none",
        "dragmode": "zoom",
        **more,
    }


def bar_marker(outcome: Outcome) -> dict[str, Any]:
    """A bar in the outcome's colour and pattern."""
    hollow = outcome.key == "unknown"
    return {
        "color": PAPER if hollow else outcome.light,
        "line": {"color": outcome.light, "width": 1},
        "pattern": {
            "shape": outcome.pattern,
            "size": 6,
            "solidity": 0.28,
            "fgcolor": outcome.light if hollow else PAPER,
            "fillmode": "overlay",
        },
    }


def plain_marker(color: str, pattern: str = "") -> dict[str, Any]:
    """A bar that stands for no outcome."""
    return {
        "color": color,
        "line": {"width": 0},
        "pattern": {"shape": pattern, "size": 4, "solidity": 0.4, "fgcolor": PAPER, "fillmode": "overlay"},
    }


def heading(text: str, y: float, font: dict[str, Any] = HEADING_FONT) -> dict[str, Any]:
    """A line of text inside the picture, from its left edge, so that long names need no margin."""
    return {
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": y,
        "yref": "y",
        "yanchor": "middle",
        "showarrow": False,
        "align": "left",
        "text": plotly_text(text),
        "font": font,
    }


def numbers(column: pd.Series[Any]) -> list[float | None]:
    """A column of numbers, None where there is none."""
    return [None if math.isnan(value) else value for value in column.astype("float64").tolist()]


def milliseconds(times: pd.Series[Any]) -> pd.Series[Any]:
    """Times → float milliseconds since 1970, NaN where there is none."""
    import pandas as pd

    return (pd.to_datetime(times, utc=True) - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(milliseconds=1)


def known(value: object) -> bool:
    """Whether a cell of a table holds something."""
    return value is not None and not (isinstance(value, float) and math.isnan(value))
