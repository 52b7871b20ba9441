"""A finding about some waits: when, where, which frames and which filter show them, taken from the waits themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from analyzer.findings import Finding, SettledBy, Severity
from analyzer.findings.picked import Picked

FRAMES = 8  # so many are named; the filter shows the rest
CONNECTIONS = 5  # in a filter


def about(
    waits: Picked,
    *,
    code: str,
    severity: Severity,
    title: str,
    detail: str,
    advice: str | None,
    confidence: str | None = None,
    frames: tuple[int, ...] = (),
    settled_by: SettledBy | None = None,
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
        start=min(waits.known("start"), default=None),
        end=max(waits.known("end"), default=None),
        confidence=confidence or commonest(Counter(map(str, waits.known("evidence_grade")))),
        frames=frames or frames_of(waits),
        display_filter=one_filter(list(dict.fromkeys(waits.known("display_filter")))[:CONNECTIONS]),
        settled_by=settled_by,
    )


def frames_of(waits: Picked) -> tuple[int, ...]:
    """Frames that show how these waits ended: from the evidence of their teardowns, else where the waits end."""
    frames: list[int] = []
    for evidence in waits["evidence"]:
        for item in evidence if isinstance(evidence, list | tuple) else ():
            frames += [frame for frame in item.get("frames") or () if frame not in frames]
        if len(frames) >= FRAMES:
            break
    return tuple(sorted(frames[:FRAMES])) or tuple(waits.known("end_frame")[:FRAMES])


def one_filter(filters: Sequence[object]) -> str | None:
    """A display filter for all that these show."""
    if not filters:
        return None
    return str(filters[0]) if len(filters) == 1 else " || ".join(f"({one})" for one in filters)


def address_filter(ip: str) -> str:
    """ip.addr == 10.0.0.5, ipv6.addr == fd00::5."""
    return f"{'ipv6' if ':' in ip else 'ip'}.addr == {ip}"


def commonest(grades: Counter[str]) -> str:
    """The grade most have; of equally common ones the first in the alphabet."""
    return min(grades, key=lambda grade: (-grades[grade], grade), default="unknown")


def only(values: Iterable[Any]) -> Any:
    """The value that all have that have one, else None."""
    distinct = {value for value in values if value is not None}
    return distinct.pop() if len(distinct) == 1 else None
