"""Numbers and names as a person says them: one wording for verdict, terminal, page and findings."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # Unicode categories that move the cursor, hide or turn text

NAME_LIMIT = 48  # characters of a name from the capture that a sentence or a table cell carries


def span(seconds: float) -> str:
    """4.2 s, 298 s, 48 min, 2 h 41 min."""
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    if seconds < 999.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def short(seconds: float) -> str:
    """31 ms, 4.2 s, 6 min: a span that may be less than a second."""
    return f"{seconds * 1000:.0f} ms" if seconds < 0.9995 else span(seconds)


def spans(low: float, high: float) -> str:
    """298-302 s: two spans that share their unit."""
    first, last = span(low), span(high)
    if first == last:
        return last
    if first.split(" ", 1)[1] == last.split(" ", 1)[1]:
        first = first.split(" ", 1)[0]
        return f"{first}-{last}"
    return f"{first} to {last}"


def bounds(low: float | None, high: float | None) -> str:
    """298-302 s, > 480 s, < 62 s: what is known of an idle timer; a lower end above the upper one is none."""
    if high is None:
        return "-" if low is None else f"> {span(low)}"
    if low is None:
        return f"< {span(high)}"
    return spans(low, high) if low <= high else "no single timer"


def certainty(confidence: float | None) -> str:
    """at least 90 % sure, or nothing."""
    return f"at least {int(confidence * 100)} % sure" if confidence else ""


def size(count: float) -> str:
    """512 B, 38 KB, 1.9 MB: powers of 1000."""
    if count < 1000:
        return f"{count:.0f} B"
    for unit in ("KB", "MB", "GB"):
        count /= 1000
        if count < 999.5:
            return f"{count:.0f} {unit}" if count >= 9.95 else f"{count:.1f}".removesuffix(".0") + f" {unit}"
    return f"{count / 1000:.1f} TB"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """1 wait, 84 waits, 1,204 waits."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def of_all(number: int, total: int, noun: str = "") -> str:
    """31 of 84 waits; all 84 waits; the only wait. Without a noun: 31 of 84; all 84; the only one."""
    if number == total == 1:
        return f"the only {noun or 'one'}"
    everything = counted(total, noun) if noun else f"{total:,}"
    return f"all {everything}" if number == total else f"{number:,} of {everything}"


def listed(items: Iterable[object], limit: int = 3) -> str:
    """a, b and 4 more."""
    texts = [str(item) for item in items]
    if len(texts) > limit:
        return f"{', '.join(texts[:limit])} and {len(texts) - limit:,} more"
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def framed(frames: Sequence[int]) -> str:
    """frame 1812; frames 1812 and 1840; frames 1, 2, 3 and 4 more."""
    return f"{'frame' if len(frames) == 1 else 'frames'} {listed(frames)}" if frames else ""


def plain(text: str, limit: int = NAME_LIMIT) -> str:
    """A name from the capture, safe inside a sentence: one line, no control or direction marks, not too long."""
    if not (text.isascii() and text.isprintable()):
        text = "".join("\ufffd" if unicodedata.category(char) in _STEERING else char for char in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def no_device(asked: Iterable[str], seen: Iterable[str]) -> tuple[str, str]:
    """What to say when nothing fits the devices asked for, and what there is instead."""
    there = listed(map(plain, seen), 5)
    return (
        f"no device {listed(map(plain, asked))} in these captures",
        f"there are: {there}" if there else "no device was seen at all",
    )
