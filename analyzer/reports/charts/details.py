"""What a mark says when it is pointed at or chosen: one list of fields a table, the same for every picture.

The page gets the numbers as columns and writes the words in its script; the figure of `timeline_figure` has no script, so
its text is made here, from the same lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analyzer.findings.words import plain, size
from analyzer.reports.charts import look

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.reports.charts.scene import Scene

_EVIDENCE_LINES = 6

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
    """The drawn rows of each table with what the fields name: frame and last (its range), filter, title, evidence, ..."""
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


def columns(table: str, rows: pd.DataFrame) -> dict[str, Any]:
    """The columns of a table for the script: numbers as they are, texts as codes into their distinct values."""
    import pandas as pd

    wanted = dict.fromkeys(
        [column for _, column, _ in FIELDS[table]]
        + ["title", "frame", "last", "filter", "evidence", "outcome", "lane", "start_ms", "time_ms", "end_ms", "held_s"]
    )
    packed: dict[str, Any] = {}
    for name in wanted:
        if name not in rows:
            continue
        column = rows[name]
        if name == "evidence":
            packed[name] = list(column)
        elif pd.api.types.is_numeric_dtype(column):
            packed[name] = [
                None if value != value else int(value) if value == int(value) else round(value, 3)
                for value in column.astype("float64").tolist()
            ]
        else:
            codes, values = pd.factorize(column.astype(object))
            packed[name] = {"codes": codes.tolist(), "values": [plain(str(value), 300) for value in values]}
    return {"count": len(rows), "fields": FIELDS[table], "columns": packed}


def hover_texts(table: str, rows: pd.DataFrame) -> list[str]:
    """The same in plotly's text language, one text a row."""
    from datetime import UTC, datetime

    def written(value: Any, kind: str, row: dict[str, Any]) -> str:
        if value is None or value != value or value == "":
            return ""
        if kind == "time":
            return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"
        if kind == "s":
            return f"{value:,.1f} s"
        if kind == "bytes":
            return size(value)
        if kind == "frames":
            last = row["last"]
            return f"{value:.0f}" if last != last or last == value else f"{value:.0f}-{last:.0f}"
        return plain(str(value), 120)

    texts = []
    for row in rows.to_dict("records"):
        lines = [f"<b>{look.plotly_text(row['title'])}</b>"]
        for label, column, kind in FIELDS[table]:
            text = written(row.get(column), kind, row)
            if text:
                lines.append(f"{label}: {look.plotly_text(text)}")
        filter_text = wireshark_filter(row["filter"], row["frame"], row["last"])
        lines.append(look.plotly_text(plain(filter_text, 160)))
        texts.append("<br>".join(lines))
    return texts


def wireshark_filter(connection: object, first: float, last: float) -> str:
    """The display filter that shows these frames of this connection."""
    parts = [f"({connection})"] if isinstance(connection, str) and connection else []
    if first == first:
        end = last if last == last else first
        parts.append(f"frame.number >= {first:.0f} && frame.number <= {end:.0f}")
    return " && ".join(parts)


def _how(rows: pd.DataFrame) -> list[str | None]:
    return [look.ENDINGS[m][1] if m in look.ENDINGS else None for m in rows["mechanism"].astype(object)]


def _by(rows: pd.DataFrame) -> list[str | None]:
    """Who ended it, why, and how sure that is."""
    words = []
    for by, cause, grade in zip(
        *(rows[name].astype(object) for name in ("ended_by", "cause", "evidence_grade")), strict=True
    ):
        if not isinstance(by, str):
            words.append(None)
            continue
        why = f", {cause.replace('_', ' ')}" if isinstance(cause, str) and cause != "unknown" else ""
        sure = f" ({grade})" if isinstance(grade, str) and grade != "unknown" else ""
        words.append(by.replace("_", " ") + why + sure)
    return words


def _items(rows: pd.DataFrame) -> list[str | None]:
    """ "3 added, 1 deleted"."""
    words = []
    for numbers in zip(rows["adds"], rows["changes"], rows["deletes"], strict=True):
        parts = [
            f"{number:,.0f} {verb}"
            for number, verb in zip(numbers, ("added", "changed", "deleted"), strict=True)
            if number > 0
        ]
        words.append(", ".join(parts) or ("none" if any(number == 0 for number in numbers) else None))
    return words


def _evidence(rows: pd.DataFrame) -> list[list[str] | None]:
    """What the judgement rests on, a line each."""
    lists = []
    for evidence in rows["evidence"]:
        if not isinstance(evidence, (list, tuple)) or not evidence:
            lists.append(None)
            continue
        lines = []
        for item in evidence[:_EVIDENCE_LINES]:
            frames = [str(frame) for frame in item.get("frames") or []]
            where = f" (frame{'s' if len(frames) > 1 else ''} {', '.join(frames[:4])})" if frames else ""
            lines.append(plain(str(item.get("detail", "")), 240) + where)
        lists.append(lines)
    return lists
