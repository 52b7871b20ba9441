"""What a mark says when it is pointed at or chosen: one list of fields a table, the same for every picture.

The page gets the numbers as columns and writes the words in its script; a figure by itself has no script, so its text
is made here, from the same lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from analyzer.findings.words import framed, plain, short, size
from analyzer.reports.charts import look

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.findings.overview import FolderRow
    from analyzer.reports.charts.scene import Scene

_EVIDENCE_LINES = 6
_JUDGEMENT = ("ended_by", "cause", "evidence_grade")
_FOLDER_COLUMNS = [
    *("device", "folder", "folder_class", "syncs", "items", "down_bytes", "down_wire_bytes", "up_bytes"),
    *("largest_bytes", "largest_time_ns", "largest_frame"),
]
_ALSO = (  # columns that the script needs beside the fields
    *("title", "frame", "last", "filter", "evidence"),
    *("outcome", "lane", "start_ms", "end_ms", "time_ms", "held_s"),
)

# (label, column, how to write it); the script knows the same kinds
FIELDS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "waits": (
        ("Device", "device", "text"),
        ("Started", "start_ms", "time"),
        ("Ended", "end_ms", "time"),
        ("Asked for", "requested_s", "s"),
        ("Held", "held_s", "s"),
        ("Idle before the end", "idle_s", "s"),
        ("How it ended", "how", "text"),
        ("Ended by", "by", "text"),
        ("Frames", "frame", "frames"),
        ("Capture", "file", "text"),
    ),
    "endings": (
        ("Device", "device", "text"),
        ("When", "time_ms", "time"),
        ("How it ended", "how", "text"),
        ("Ended by", "by", "text"),
        ("Idle before", "idle_s", "s"),
        ("Age of the connection", "age_s", "s"),
        ("Frames", "frame", "frames"),
        ("Capture", "file", "text"),
    ),
    "syncs": (
        ("Device", "device", "text"),
        ("When", "time_ms", "time"),
        ("Folders", "folder", "text"),
        ("Items", "items", "text"),
        ("Down, decoded", "download_bytes", "bytes"),
        ("Down, on the wire", "download_wire_bytes", "bytes"),
        ("Up, decoded", "upload_bytes", "bytes"),
        ("Up, on the wire", "upload_wire_bytes", "bytes"),
        ("Frames", "frame", "frames"),
        ("Capture", "file", "text"),
    ),
    "deliveries": (
        ("Device", "device", "text"),
        ("When", "time_ms", "time"),
        ("Notification → Ping's answer", "notify_to_ping_s", "short"),
        ("Ping's answer → Sync", "ping_to_sync_s", "short"),
        ("Sync", "sync_done_s", "short"),
        ("Altogether", "total_s", "short"),
        ("Front-end's next request", "reaction_s", "short"),
        ("From", "source_ip", "text"),
        ("To", "destination_ip", "text"),
        ("Refused by", "refused_by", "text"),
        ("Frames", "frame", "frames"),
        ("Capture", "file", "text"),
    ),
    "folders": (
        ("Device", "device", "text"),
        ("Kind", "folder_class", "text"),
        ("Syncs", "syncs", "int"),
        ("Items", "items", "int"),
        ("Down, decoded", "down_bytes", "bytes"),
        ("Down, on the wire", "down_wire_bytes", "bytes"),
        ("Up, decoded", "up_bytes", "bytes"),
        ("Largest answer", "largest_bytes", "bytes"),
        ("at", "time_ms", "time"),
        ("Frames", "frame", "frames"),
    ),
}


def frames_of(scene: Scene, several_files: bool) -> dict[str, pd.DataFrame]:
    """The drawn rows of each table with what the fields name: frame and last (a range), filter, title, evidence ..."""
    made = {}
    for name, frame in (("waits", scene.waits), ("endings", scene.endings), ("syncs", scene.syncs)):
        rows = frame.assign(file=frame["capture"] if several_files else None)
        if name == "syncs":
            rows = rows.assign(frame=rows["request_frame"].fillna(rows["response_frame"]), last=rows["response_frame"])
            rows = rows.assign(title="Sync", items=_items(rows), evidence=None)
        elif name == "endings":
            rows = rows.assign(
                frame=rows["mark_frame"].fillna(rows["last_frame"]),
                last=rows["last_frame"],
                how=_how(rows),
                by=_by(rows),
            )
            cut = rows["premature"].map({True: "A wait was cut", False: "Connection ended"})
            rows = rows.assign(title=cut, evidence=_evidence(rows))
        else:
            rows = rows.assign(
                frame=rows["request_frame"].fillna(rows["first_frame"]),
                how=_how(rows),
                by=_by(rows),
                evidence=_evidence(rows),
            )
            end = rows["end_frame"].fillna(rows["last_frame"].where(rows["outcome"] == "died"))
            rows = rows.assign(last=end, title=["Wait " + look.OUTCOME[key].word for key in rows["outcome"]])
        rows = rows.assign(last=rows["last"].where(rows["last"] >= rows["frame"], rows["frame"]))
        made[name] = rows.assign(filter=rows["display_filter"])
    return made


def folder_frame(folders: Sequence[FolderRow]) -> pd.DataFrame:
    """The verdict's folders with what the fields name."""
    import pandas as pd

    frame = pd.DataFrame([folder._asdict() for folder in folders], columns=_FOLDER_COLUMNS)
    for name in _FOLDER_COLUMNS[3:]:
        frame[name] = pd.to_numeric(frame[name]).astype("float64")
    number = frame["largest_frame"]
    return frame.assign(title=frame["folder"], time_ms=frame["largest_time_ns"] / 1e6, frame=number, last=number)


def columns(table: str, rows: pd.DataFrame) -> dict[str, Any]:
    """The columns of a table for the script: numbers as they are, texts as codes into their distinct values."""
    import pandas as pd

    packed: dict[str, Any] = {}
    for name in dict.fromkeys([*(column for _, column, _ in FIELDS[table]), *_ALSO]):
        if name not in rows:
            continue
        column = rows[name]
        if name == "evidence":
            packed[name] = list(column)
        elif pd.api.types.is_numeric_dtype(column):
            packed[name] = [round(n, 3) if n is not None and n % 1 else n and int(n) for n in look.numbers(column)]
        else:
            codes, values = pd.factorize(column.astype(object))
            packed[name] = {"codes": codes.tolist(), "values": [plain(str(value), 300) for value in values]}
    return {"count": len(rows), "fields": FIELDS[table], "columns": packed}


def hover_texts(table: str, rows: pd.DataFrame) -> list[str]:
    """The same in plotly's text language, one text a row."""
    texts = []
    for row in ({str(name): value for name, value in record.items()} for record in rows.to_dict("records")):
        lines = [row["title"]]
        for label, column, kind in FIELDS[table]:
            if look.known(row.get(column)) and row[column] != "":
                lines.append(f"{label}: {_written(row[column], kind, row)}")
        lines.append(plain(wireshark_filter(row["filter"], row["frame"], row["last"]), 160))
        texts.append("<br>".join(map(look.plotly_text, lines)))
    return texts


def wireshark_filter(connection: object, first: float, last: float) -> str:
    """The display filter that shows these frames of this connection."""
    parts = [f"({connection})"] if isinstance(connection, str) and connection else []
    if look.known(first):
        parts.append(f"frame.number >= {first:.0f} && frame.number <= {last:.0f}")
    return " && ".join(parts)


def frame_range(first: float, last: float) -> str:
    """1812, 1812-1840, or nothing."""
    if not look.known(first):
        return ""
    return f"{first:.0f}" if first == last else f"{first:.0f}-{last:.0f}"


def utc(ms: float) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"


def _written(value: Any, kind: str, row: dict[str, Any]) -> str:
    match kind:
        case "time":
            return utc(value)
        case "s":
            return f"{value:,.1f} s"
        case "short":
            return short(value)
        case "bytes":
            return size(value)
        case "frames":
            return frame_range(value, row["last"])
        case _:
            return plain(str(value), 120)


def _how(rows: pd.DataFrame) -> pd.Series[Any]:
    return rows["mechanism"].astype(object).map({name: words for name, (_, words) in look.ENDINGS.items()})


def _by(rows: pd.DataFrame) -> pd.Series[Any]:
    """Who ended it, why, and how sure that is."""
    words: list[str | None] = []
    for by, cause, grade in zip(*(rows[name].astype(object) for name in _JUDGEMENT), strict=True):
        if not isinstance(by, str):
            words.append(None)
            continue
        why = f", {cause.replace('_', ' ')}" if isinstance(cause, str) and cause != "unknown" else ""
        sure = f" ({grade})" if isinstance(grade, str) and grade != "unknown" else ""
        words.append(by.replace("_", " ") + why + sure)
    return _objects(words, rows)


def _items(rows: pd.DataFrame) -> pd.Series[Any]:
    """3 added, 1 deleted."""
    words: list[str | None] = []
    for numbers in zip(rows["adds"], rows["changes"], rows["deletes"], strict=True):
        parts = [f"{n:,.0f} {verb}" for n, verb in zip(numbers, ("added", "changed", "deleted"), strict=True) if n > 0]
        words.append(", ".join(parts) or ("none" if 0 in numbers else None))
    return _objects(words, rows)


def _evidence(rows: pd.DataFrame) -> pd.Series[Any]:
    """What the judgement rests on, a line each."""
    lists: list[list[str] | None] = []
    for evidence in rows["evidence"]:
        if not isinstance(evidence, list | tuple) or not evidence:
            lists.append(None)
            continue
        lines = []
        for item in evidence[:_EVIDENCE_LINES]:
            frames = framed([int(frame) for frame in item.get("frames") or []])
            lines.append(plain(str(item.get("detail", "")), 240) + (f" ({frames})" if frames else ""))
        lists.append(lines)
    return _objects(lists, rows)


def _objects(values: Sequence[object], rows: pd.DataFrame) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series(list(values), index=rows.index, dtype=object)
