"""A finding about some waits: when, where, which frames and which filter show them, taken from the waits themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from analyzer.findings import Finding, Severity

if TYPE_CHECKING:
    import pandas as pd

FRAMES = 8  # so many are named; the filter shows the rest
CONNECTIONS = 5  # in a filter


def about(
    waits: pd.DataFrame,
    *,
    code: str,
    severity: Severity,
    title: str,
    detail: str,
    advice: str | None,
    confidence: str | None = None,
    frames: tuple[int, ...] = (),
) -> Finding:
    """The finding; `confidence` and `frames` come from the ends of the waits when they are not given."""
    return Finding(
        code=code,
        severity=severity,
        title=title,
        detail=detail,
        advice=advice,
        session_id=only(waits["session_id"]),
        connection_id=only(waits["connection_id"]),
        start=nanoseconds(waits["start"].min()),
        end=nanoseconds(waits["end"].max()),
        confidence=confidence or grade_of(waits),
        frames=frames or frames_of(waits),
        display_filter=filter_of(waits),
    )


def frames_of(waits: pd.DataFrame) -> tuple[int, ...]:
    """Frames that show how these waits ended: from the evidence of their teardowns, else where the waits end."""
    frames: list[int] = []
    for evidence in waits["evidence"]:
        for item in evidence if isinstance(evidence, list | tuple) else ():
            frames += [frame for frame in item.get("frames") or () if frame not in frames]
        if len(frames) >= FRAMES:
            break
    return tuple(sorted(frames[:FRAMES])) or tuple(int(frame) for frame in waits["end_frame"].dropna()[:FRAMES])


def filter_of(waits: pd.DataFrame) -> str | None:
    """A Wireshark display filter that shows the connections of these waits."""
    return one_filter(list(dict.fromkeys(waits["display_filter"].dropna().astype(object)))[:CONNECTIONS])


def one_filter(filters: Sequence[object]) -> str | None:
    """A display filter for all that these show."""
    if not filters:
        return None
    return str(filters[0]) if len(filters) == 1 else " || ".join(f"({one})" for one in filters)


def grade_of(waits: pd.DataFrame) -> str:
    """How sure the ends of these waits are attributed: the grade most of them have."""
    return commonest(Counter(map(str, waits["evidence_grade"].dropna().astype(object))))


def commonest(grades: Counter[str]) -> str:
    """The grade most have; of equally common ones the first in the alphabet."""
    return min(grades, key=lambda grade: (-grades[grade], grade), default="unknown")


def only(column: pd.Series[Any]) -> Any:
    """The value that all rows share, else None."""
    values = column.dropna().astype(object).unique()
    return values[0] if len(values) == 1 else None


def nanoseconds(time: Any) -> int | None:
    """A pandas time as integer nanoseconds."""
    import pandas as pd

    return None if pd.isna(time) else int(time.as_unit("ns").value)
