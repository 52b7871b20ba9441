"""Numbers in EAS messages, which are sent as decimal text."""

from dissectors.eas.walk import Walk

_MAX_DIGITS = 10  # all numbers of EAS are unsigned 32-bit at most


def number(events: Walk, raw: bytes | None, offset: int) -> int | None:
    """The number that an element holds; None and a note when its text is not one, None when it has no text."""
    if raw is None:
        return None
    digits = raw.strip()
    if digits.isdigit() and len(digits) <= _MAX_DIGITS:
        return int(digits)
    if digits:
        events.note("eas_bad_number", offset, "an element that must hold a number holds something else")
    return None


def flag(raw: bytes | None) -> bool:
    """A boolean element: "0" is false; "1", and the empty tag, are true (MS-ASCMD 2.2.3.84)."""
    return raw is None or raw.strip() != b"0"
