"""How long did a change take: a row each, from the notification over the Ping's answer to the end of the Sync.

Without the servers' side the rows begin at the Ping's answer. What did not arrive, or came late, goes first into the
few rows that there is room for; all others are counted.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from analyzer.findings.about import address_filter
from analyzer.findings.case import Case
from analyzer.findings.words import counted, listed, of_all, plain, short
from analyzer.reports.charts import look

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS: Final = 12
ROW_PX: Final = 40
_LINK = ("connection_id", "display_filter", "capture")
_NUMBERS = ("notify_to_ping_s", "ping_to_sync_s", "sync_done_s", "total_s", "reaction_s")
_FRAMES = ("notification_frame", "refusal_frame", "poll_frame")

# deliveries.outcome → (words, whether the notification did not do its work)
OUTCOMES: Final[dict[str, tuple[str, bool]]] = {
    "delivered": ("delivered", False),
    "late": ("late", True),
    "missed": ("woke nobody", True),
    "lost": ("lost", True),
    "blocked": ("refused", True),
    "unmatched": ("fits no wait", True),
}
UNJUDGED: Final = "cannot be judged"

# (column of `Deliveries.rows`, key of its swatch, colour, pattern, words)
STEPS: Final = (
    ("to_ping", "ink", look.INK, "", "notification → Ping's answer"),
    ("to_sync", "muted", look.MUTED, "/", "→ device asks for it"),
    ("in_vain", "died", look.OUTCOME["died"].light, "/", "not asked for yet"),
    ("to_end", "rail", look.RAIL, "", "→ device has it (Sync)"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """What is drawn of the table `deliveries`."""

    rows: pd.DataFrame  # in order of time: the columns of `details.FIELDS["deliveries"]` and the steps
    servers: bool  # the servers' side is in the capture
    counts: str  # 3 changes: 1 delivered, 2 lost
    left_out: str  # in words


def choose(tables: Mapping[str, pd.DataFrame]) -> Deliveries | None:
    """The rows that are drawn; None where there is nothing to draw."""
    table = tables["deliveries"]
    outcome = table["outcome"].astype(object).where(table["outcome"].notna(), None)
    numbers = {name: table[name].astype("float64") for name in (*_NUMBERS, *_FRAMES)}
    bad = outcome.map(lambda name: name in OUTCOMES and OUTCOMES[name][1]).astype(bool)
    shown = table.assign(**numbers, outcome=outcome, bad=bad)
    shown = shown[bad | numbers["total_s"].notna()]
    if not len(shown):
        return None
    first = shown.sort_values(["bad", "total_s"], ascending=False, kind="stable").head(MAX_ROWS)
    drawn = first.sort_values("time", kind="stable").reset_index(drop=True)
    parts = [
        f"{int((outcome == name).sum()):,} {words}" for name, (words, _) in OUTCOMES.items() if name in set(outcome)
    ]
    if unjudged := int(outcome.isna().sum()):
        parts.append(f"{unjudged:,} {UNJUDGED}")
    left_out = ""
    if len(table) > len(drawn):
        left_out = (
            f"{of_all(len(drawn), len(table))} are shown: what did not arrive or came late, then what took longest."
        )
    return Deliveries(
        rows=_told(drawn, tables),
        servers=bool(table["source_ip"].notna().any()),
        counts=f"{counted(len(table), 'change')}: {listed(parts, len(parts))}.",
        left_out=left_out,
    )


def steps(deliveries: Deliveries) -> list[tuple[str, str, str]]:
    """(swatch, pattern, words) of the steps that occur."""
    return [
        (swatch, pattern, words) for name, swatch, _, pattern, words in STEPS if deliveries.rows[name].notna().any()
    ]


def figure(deliveries: Deliveries) -> dict[str, Any]:
    """`customdata` is the row in `deliveries.rows`."""
    rows = deliveries.rows
    traces: list[dict[str, Any]] = []
    base = rows["total_s"].fillna(0.0) * 0.0
    for name, _, color, pattern, words in STEPS:
        took = rows[name]
        some = took.notna()
        if some.any():
            traces.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "name": words,
                    "meta": {"table": "deliveries"},
                    "hoverinfo": "none",
                    "base": base[some].to_numpy(),
                    "x": took[some].to_numpy(),
                    "y": (rows.index[some] + 0.66).to_numpy(),
                    "width": 0.36,
                    "customdata": rows.index[some].to_numpy(),
                    "marker": look.plain_marker(color, pattern),
                }
            )
        base = base + took.fillna(0.0)
    bad = rows[rows["bad"] & (rows["outcome"] != "late")]
    if len(bad):
        color = look.OUTCOME["died"].light
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": "did not arrive",
                "meta": {"table": "deliveries"},
                "hoverinfo": "none",
                "cliponaxis": False,
                "x": [0.0] * len(bad),
                "y": (bad.index + 0.66).to_numpy(),
                "customdata": bad.index.to_numpy(),
                "marker": {"symbol": "x", "size": 12, "color": color, "line": {"color": look.PAPER, "width": 1}},
            }
        )
    longest = float(base.max()) or 1.0
    return {
        "data": traces,
        "layout": look.layout(
            len(rows) * ROW_PX + look.MARGIN["t"] + look.MARGIN["b"],
            barmode="overlay",
            annotations=[look.heading(words, row + 0.25) for row, words in enumerate(rows["heading"])],
            meta={"left_out": deliveries.left_out},
            margin={**look.MARGIN, "l": 18},
            xaxis=look.axis(range=[0, 1.02 * longest], fixedrange=True, ticksuffix=" s", nticks=7, tickangle=0),
            yaxis=look.axis(
                range=[len(rows), -0.1], autorange=False, fixedrange=True, showgrid=False, showticklabels=False
            ),
        ),
    }


def _told(drawn: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The rows with all that a mark says: times, frames, filter, title."""
    case = Case(tables)
    sync = _of(
        tables["transactions"],
        "transaction_id",
        drawn["transaction_id"],
        ("connection_id", "request_frame", "response_frame"),
    )
    wait = _of(tables["heartbeats"], "heartbeat_id", drawn["heartbeat_id"], ("connection_id", "response_frame"))
    link = _of(tables["connections"], "connection_id", sync["connection_id"].fillna(wait["connection_id"]), _LINK[1:])
    frames = drawn[list(_FRAMES)].assign(
        woken=wait["response_frame"].where(drawn["notify_to_ping_s"].notna()),
        asked=sync["request_frame"],
        got=sync["response_frame"],
    )
    frames = frames.astype("float64")
    records = drawn.to_dict("records")
    return drawn.assign(
        device=[plain(str(case.device(_who(session))), 60) for session in drawn["session_id"]],
        **_lengths(drawn),
        time_ms=look.milliseconds(drawn["time"]),
        end_ms=look.milliseconds(drawn["time"]) + 1000 * drawn["total_s"].fillna(0.0),
        words=[_words(row) for row in records],
        frame=frames.min(axis=1),
        last=frames.max(axis=1),
        file=link["capture"].to_numpy(),
        filter=_objects(
            [_filter(row, connection) for row, connection in zip(records, link["display_filter"], strict=True)]
        ),
    ).pipe(_headed)


def _lengths(rows: pd.DataFrame) -> dict[str, pd.Series[Any]]:
    """How long each step took: what passed before the device asked is in vain where the notification did not do its
    work. What a POLL brought to light is counted from there, as its answer woke the device.
    """
    took = rows["total_s"] - rows["sync_done_s"].fillna(0.0) - rows["notify_to_ping_s"].fillna(0.0)
    until_asked = rows["ping_to_sync_s"].fillna(took)
    vain = rows["bad"] & rows["poll_frame"].isna()
    return {
        "to_ping": rows["notify_to_ping_s"],
        "to_sync": until_asked.where(~vain),
        "in_vain": until_asked.where(vain),
        "to_end": rows["sync_done_s"],
    }


def _headed(rows: pd.DataFrame) -> pd.DataFrame:
    from analyzer.reports.charts.details import utc

    title = rows["words"].str[:1].str.upper() + rows["words"].str[1:]
    when = [utc(ms)[11:19] for ms in rows["time_ms"]]
    heading = [  # the name last: it may be cut off where there is little room
        f"{at}  {words}   {plain(device, 24)}"
        for at, device, words in zip(when, rows["device"], rows["words"], strict=True)
    ]
    return rows.assign(title=title, heading=heading, evidence=None)


def _words(row: Mapping[Hashable, Any]) -> str:
    """What became of it, in a few words."""
    total = short(row["total_s"]) if look.known(row["total_s"]) else None
    match row["outcome"]:
        case None:
            return f"took {total}"
        case "delivered":
            return f"delivered in {total}" if total else "delivered"
        case "lost" if total and look.known(row["poll_frame"]):
            return f"lost; {total} after a POLL"
        case "blocked" if look.known(row["refused_by"]):
            said = f"refused by {plain(str(row['refused_by']), 45)}"
        case outcome:
            said = OUTCOMES[str(outcome)][0]
    return f"{said}; took {total}" if total else f"{said}; not fetched"


def _filter(row: Mapping[Hashable, Any], connection: object) -> str | None:
    """Shows the datagrams between the servers, with the ICMP errors that quote them, and the device's connection."""
    parts = [f"({connection})"] if look.known(connection) else []
    ends = [row["source_ip"], row["destination_ip"]]
    if all(map(look.known, ends)):
        port = f" && udp.port == {row['destination_port']}" if look.known(row["destination_port"]) else ""
        parts.insert(0, f"({' && '.join(map(address_filter, map(str, ends)))}{port})")
    return " || ".join(parts) or None


def _of(table: pd.DataFrame, key: str, wanted: pd.Series[Any], names: tuple[str, ...]) -> pd.DataFrame:
    """The row of another table that each number names; absent ones are null."""
    found = table.loc[table[key].isin(wanted.dropna()), [key, *names]].drop_duplicates(key).set_index(key)
    return found.reindex(wanted.astype("Int64")).reset_index(drop=True)


def _objects(values: list[str | None]) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series(values, dtype=object)


def _who(session: Any) -> object:
    import pandas as pd

    return "unknown device" if pd.isna(session) else int(session)
