"""What the pictures show: which devices, waits, endings and Syncs of the tables are drawn, and what is left out.

A page has to open in seconds, whatever the capture holds. The devices with most deaths come first, then those with most
waits; within the limits below everything is drawn. What is not drawn is counted in `Scene.left_out` in words, and all
waits that are not drawn are in `Scene.rest`, for a histogram. Nothing is computed here but places on the picture.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analyzer.findings.case import Case
from analyzer.findings.words import counted, plain
from analyzer.reports.charts import look

if TYPE_CHECKING:
    import pandas as pd

MAX_DEVICES = 40
MAX_BARS = 8000  # a browser draws them in about two seconds
MAX_ROWS = 6  # connections of one device drawn side by side; more than that share the last row
MAX_MARKS = 3000  # endings, and as many Syncs
HEADING = 0.9  # rows that a lane's heading takes

_CONNECTION_COLUMNS = (
    "connection_id",
    "capture",
    "start",
    "end",
    "client_ip",
    "server_ip",
    "first_frame",
    "last_frame",
    "display_filter",
)
_SYNC_SIZES = (
    "adds",
    "changes",
    "deletes",
    "upload_bytes",
    "download_bytes",
    "upload_wire_bytes",
    "download_wire_bytes",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One device on the timeline."""

    session: str
    label: str
    waits: int
    died: int
    top: float  # of its heading, in rows from the top of the picture
    rows: int  # sub-lanes, so that connections at the same time do not hide each other


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that is drawn. Times are float milliseconds since 1970, as plotly's date axes take them."""

    span: tuple[float, float]
    lanes: tuple[Lane, ...]
    height: float  # of all lanes, in rows
    waits: pd.DataFrame  # drawn: see `_waits`; columns y, start_ms, end_ms, due_ms, outcome, lane and what hovers
    rails: pd.DataFrame  # the lives of the drawn connections: y, start_ms, end_ms
    endings: pd.DataFrame  # y, time_ms, mechanism, premature, ...
    syncs: pd.DataFrame  # one row a Sync transaction: y, time_ms, bytes, ...
    rest: pd.DataFrame  # waits that are not drawn: start_ms, held_s, outcome
    all_waits: pd.DataFrame  # every wait of the capture: drawn or not
    left_out: tuple[str, ...]  # in words


def build(tables: Mapping[str, pd.DataFrame]) -> Scene:
    """Choose and place."""
    import pandas as pd

    connections = tables["connections"][list(_CONNECTION_COLUMNS)].drop_duplicates("connection_id")
    case = Case(tables)
    waits = _waits(case)
    left_out: list[str] = []

    deaths = pd.DataFrame({"session": waits["session"], "died": waits["outcome"] == "died"})
    order = deaths.groupby("session", sort=False).agg(died=("died", "sum"), waits=("died", "size"))
    order = order.sort_values(["died", "waits"], ascending=False, kind="stable")
    syncs = _syncs(tables)
    devices = [str(session) for session in order.index[:MAX_DEVICES]]
    if not devices:  # no waits at all: the devices that synchronised have the lanes
        devices = [str(session) for session in syncs["session"].value_counts().index[:MAX_DEVICES]]

    names = _names(case, waits, syncs, devices)
    drawn = _within_room(waits, devices, names, left_out)
    if len(order) > len(devices):
        left_out.insert(0, _rest_words(len(devices), order.iloc[len(devices) :]))
    rest = waits.loc[~waits.index.isin(drawn.index), ["start_ms", "held_s", "outcome"]]
    syncs = syncs[syncs["session"].isin(devices)]
    if len(syncs) > MAX_MARKS:
        left_out.append(f"Of {len(syncs):,} Syncs of these devices the {MAX_MARKS:,} largest are drawn.")
        syncs = syncs.nlargest(MAX_MARKS, "bytes").sort_values("time_ms", kind="stable")

    owner = _owners(tables, drawn, syncs, devices)
    lives = _lives(connections, owner, drawn)
    lanes, row_of = _place(lives, devices, order, names)
    endings = _endings(tables, owner)
    if len(endings) > MAX_MARKS:
        left_out.append(f"Of {len(endings):,} connection ends {MAX_MARKS:,} are drawn: those during a wait first.")
        endings = endings.sort_values("premature", ascending=False, kind="stable").iloc[:MAX_MARKS]

    place = pd.Series(row_of, dtype="float64")
    number = {session: position for position, session in enumerate(devices)}
    frames = []
    for frame in (drawn, endings, syncs):
        placed = frame.assign(
            y=frame["connection_id"].map(place).astype("float64"),
            lane=frame["session"].map(number),
            device=[names.get(session, session) for session in frame["session"]],
        )
        frames.append(_of_connection(placed, connections).reset_index(drop=True))
    drawn, endings, syncs = frames
    lives = lives.assign(y=lives["connection_id"].map(place).astype("float64"))
    return Scene(
        span=_span(tables, waits, lives, syncs),
        lanes=lanes,
        height=lanes[-1].top + 1.1 + lanes[-1].rows if lanes else 1.0,
        waits=drawn,
        rails=lives,
        endings=endings,
        syncs=syncs,
        rest=rest,
        all_waits=waits,
        left_out=tuple(left_out),
    )


def _waits(case: Case) -> pd.DataFrame:
    """Every wait, its fate as the verdict counts it."""
    waits = case.waits
    outcome = waits["fate"].astype(object).map({**look.OUTCOME_OF_FATE, "lived": None})
    outcome = outcome.where(
        outcome.notna(), (waits["outcome"].astype(object) == "changes").map({True: "changed", False: "lived"})
    )
    numbers = ("requested_s", "held_s", "idle_s", "x_s", "ping_status", "http_status", "request_frame", "end_frame")
    waits = waits.assign(**{name: _number(waits[name]) for name in numbers})
    waits = waits.assign(
        outcome=outcome, start_ms=look.milliseconds(waits["start"]), end_ms=look.milliseconds(waits["end"])
    )
    waits = waits[waits["start_ms"].notna()]
    who = waits["who"].astype(object)
    return waits.assign(
        session=who.where(waits["who"].notna(), "?").astype(str),
        end_ms=waits["end_ms"].fillna(waits["start_ms"] + 1000 * waits["held_s"]).fillna(waits["start_ms"]),
        due_ms=waits["start_ms"] + 1000 * waits["requested_s"],
    ).reset_index(drop=True)


def _within_room(
    waits: pd.DataFrame, devices: list[str], names: Mapping[str, str], left_out: list[str]
) -> pd.DataFrame:
    """The waits that get a bar of their own: all, or a fair share of `MAX_BARS` for each device."""
    import pandas as pd

    groups = {str(name): rows for name, rows in waits[waits["session"].isin(devices)].groupby("session", sort=False)}
    if not groups:
        return waits.iloc[:0]
    room = MAX_BARS
    kept = []
    smallest_first = sorted(groups, key=lambda session: len(groups[session]))  # they leave room for the others
    for place, session in enumerate(smallest_first):
        rows = groups[session]
        share = room // (len(groups) - place)
        if len(rows) > share:
            rows, words = _thinned(rows, share)
            left_out.append(f"{names.get(session, session)}: {words}.")
        room -= len(rows)
        kept.append(rows)
    return pd.concat(kept).sort_values("start_ms", kind="stable")


def _thinned(rows: pd.DataFrame, share: int) -> tuple[pd.DataFrame, str]:
    """As many of a device's waits as there is room for, deaths first, the others evenly spread; and that in words."""
    import pandas as pd

    died = rows[rows["outcome"] == "died"]
    others = rows[rows["outcome"] != "died"]
    if len(died) >= share:
        step = -(-len(died) // share)
        words = f"one in {step} of {len(died):,} deaths is drawn, and none of the {len(others):,} other waits"
        return died.iloc[::step], words
    step = -(-len(others) // (share - len(died)))
    deaths = f"all {counted(len(died), 'death')} and " if len(died) else ""
    words = f"{deaths}one in {step} of {counted(len(others), 'other wait')} drawn"
    return pd.concat([died, others.iloc[::step]]), words


def _rest_words(lanes: int, others: pd.DataFrame) -> str:
    waits, died = counted(int(others["waits"].sum()), "wait"), int(others["died"].sum())
    return (
        f"{lanes} devices have a lane: those with most deaths, then with most waits. The other {len(others):,}, with "
        f"{waits} ({died:,} died), are counted below."
    )


def _endings(tables: Mapping[str, pd.DataFrame], owner: pd.Series[Any]) -> pd.DataFrame:
    """The ends of the drawn connections."""
    ends = tables["teardowns"]
    ends = ends[ends["connection_id"].isin(owner.index) & ends["mechanism"].isin(list(look.ENDINGS))]
    return ends.assign(
        time_ms=look.milliseconds(ends["time"]),
        premature=ends["premature"].fillna(False).astype(bool),
        idle_s=_number(ends["idle_s"]),
        age_s=_number(ends["age_s"]),
        mark_frame=_number(ends["first_frame"]),
        session=ends["connection_id"].map(owner),
    )


def _syncs(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row for each Sync: the collections in it added up, their names listed."""
    import pandas as pd

    rows = tables["sync_sizes"]
    rows = rows.assign(**{name: _number(rows[name]) for name in (*_SYNC_SIZES, "request_frame", "response_frame")})
    rows = rows.assign(
        folder=rows["folder_name"]
        .astype(object)
        .where(rows["folder_name"].notna(), rows["collection_id"].astype(object))
        .fillna("?"),
        time_ms=look.milliseconds(rows["time"]),
        session=_key(rows["session_id"]).fillna("?"),
    )
    by_sync = rows.groupby("transaction_id", sort=False, observed=True)
    syncs = by_sync[["session", "time_ms", "request_frame", "response_frame"]].first()
    syncs[list(_SYNC_SIZES)] = by_sync[list(_SYNC_SIZES)].sum(min_count=1)
    several = by_sync.size() > 1
    syncs["folder"] = by_sync["folder"].first()
    if several.any():
        lists = rows[rows["transaction_id"].isin(several.index[several])].groupby("transaction_id", observed=True)[
            "folder"
        ]
        syncs["folder"] = lists.agg(
            lambda folders: ", ".join(dict.fromkeys(plain(str(f), 40) for f in folders))
        ).combine_first(syncs["folder"])
    syncs = syncs.reset_index().assign(bytes=lambda s: s["download_bytes"].fillna(0) + s["upload_bytes"].fillna(0))
    carried = tables["transactions"][["transaction_id", "connection_id"]].drop_duplicates("transaction_id")
    syncs = (
        syncs.merge(carried, on="transaction_id", how="left")
        if len(syncs)
        else syncs.assign(connection_id=pd.Series(dtype="Int64"))
    )
    return syncs[syncs["time_ms"].notna()]


def _owners(
    tables: Mapping[str, pd.DataFrame], drawn: pd.DataFrame, syncs: pd.DataFrame, devices: list[str]
) -> pd.Series[Any]:
    """connection_id → session for every connection that a drawn device used."""
    import pandas as pd

    used = tables["transactions"][["connection_id", "session_id"]].drop_duplicates()
    used = used.assign(session=_key(used["session_id"]))
    used = used[used["session"].isin(devices)]
    columns = ["connection_id", "session"]
    pairs = pd.concat([drawn[columns], syncs[columns], used[columns]]).dropna().drop_duplicates("connection_id")
    return pairs.set_index("connection_id")["session"]


def _lives(connections: pd.DataFrame, owner: pd.Series[Any], drawn: pd.DataFrame) -> pd.DataFrame:
    """When each drawn connection began and ended, its waits included."""
    known = connections[connections["connection_id"].isin(owner.index)]
    lives = known.assign(start_ms=look.milliseconds(known["start"]), end_ms=look.milliseconds(known["end"]))[
        ["connection_id", "start_ms", "end_ms"]
    ]
    extent = (
        drawn.groupby("connection_id", sort=False).agg(first=("start_ms", "min"), last=("end_ms", "max")).reset_index()
    )
    lives = lives.merge(extent, on="connection_id", how="outer")
    lives = lives.assign(
        start_ms=lives[["start_ms", "first"]].min(axis=1),
        end_ms=lives[["end_ms", "last"]].max(axis=1),
        session=lives["connection_id"].map(owner),
    )
    return lives[lives["start_ms"].notna()].sort_values("start_ms", kind="stable")


def _place(
    lives: pd.DataFrame, devices: list[str], order: pd.DataFrame, names: Mapping[str, str]
) -> tuple[tuple[Lane, ...], dict[Any, float]]:
    """Give each device a lane, and each of its connections the first row of it that is free when it begins."""
    groups = {str(name): rows for name, rows in lives.groupby("session", sort=False)}
    counts = {str(name): (int(waits), int(died)) for name, waits, died in order[["waits", "died"]].itertuples()}
    lanes = []
    row_of: dict[Any, float] = {}
    top = 0.0
    for session in devices:
        busy: list[tuple[float, int]] = []  # (free again at, row)
        free: list[int] = []
        opened = 0
        group = groups.get(session, lives.iloc[:0])
        for connection, start, end in zip(group["connection_id"], group["start_ms"], group["end_ms"], strict=True):
            while busy and busy[0][0] <= start:
                heapq.heappush(free, heapq.heappop(busy)[1])
            if free:
                row = heapq.heappop(free)
            else:
                row, opened = opened, opened + 1
            heapq.heappush(busy, (end, row))
            row_of[connection] = top + HEADING + min(row, MAX_ROWS - 1) + 0.5
        rows = max(1, min(opened, MAX_ROWS))
        waits, died = counts.get(session, (0, 0))
        lanes.append(Lane(session=session, label=names[session], waits=waits, died=died, top=top, rows=rows))
        top += rows + HEADING + 0.3
    return tuple(lanes), row_of


def _of_connection(frame: pd.DataFrame, connections: pd.DataFrame) -> pd.DataFrame:
    """The same rows with what their connection says about where to look."""
    wanted = ["connection_id", "first_frame", "last_frame", "display_filter", "capture", "client_ip", "server_ip"]
    merged = frame.drop(columns=wanted[1:], errors="ignore").merge(connections[wanted], on="connection_id", how="left")
    return merged.assign(first_frame=_number(merged["first_frame"]), last_frame=_number(merged["last_frame"]))


def _names(case: Case, waits: pd.DataFrame, syncs: pd.DataFrame, devices: list[str]) -> dict[str, str]:
    """What the verdict calls the drawn devices."""
    who = dict(zip(waits["session"], waits["who"].astype(object), strict=True))
    who.update((session, int(session)) for session in map(str, syncs["session"].unique()) if session.isdigit())
    return {session: plain(str(case.device(who.get(session))), 80) for session in devices}


def _span(
    tables: Mapping[str, pd.DataFrame], waits: pd.DataFrame, lives: pd.DataFrame, syncs: pd.DataFrame
) -> tuple[float, float]:
    """From the first to the last thing drawn (else of the capture), with a little air."""
    import pandas as pd

    captures = tables["captures"]
    starts = pd.concat([waits["start_ms"], lives["start_ms"], syncs["time_ms"]])
    ends = pd.concat([waits["end_ms"], lives["end_ms"], syncs["time_ms"]])
    if not starts.notna().any():
        starts, ends = look.milliseconds(captures["start"]), look.milliseconds(captures["end"])
    first, last = starts.min(), ends.max()
    if pd.isna(first) or pd.isna(last):
        return 0.0, 3_600_000.0
    air = max((last - first) * 0.02, 1000.0)
    return float(first - air), float(last + air)


def _number(column: pd.Series[Any]) -> pd.Series[Any]:
    """Numbers of any dtype → float64, null as NaN."""
    import pandas as pd

    return pd.to_numeric(column, errors="coerce").astype("float64")


def _key(column: pd.Series[Any]) -> pd.Series[Any]:
    """Row numbers of another table → text ("3"), None where there is none."""
    names = column.astype("Int64").astype("string").astype(object)
    return names.where(column.notna(), None)
