"""Numbers in EAS messages, which are sent as decimal text."""

from typing import Protocol

_MAX_DIGITS = 10  # all numbers of EAS are unsigned 32-bit at most


class Notes(Protocol):
    """What remembers the odd things of a body."""

    def note(self, code: str, offset: int | None, detail: str) -> None: ...


def number(notes: Notes, raw: bytes | None, offset: int) -> int | None:
    """The number that an element holds; None and a note when its text is not one, None when it has no text."""
    if raw is None:
        return None
    digits = raw.strip()
    if digits.isdigit() and len(digits) <= _MAX_DIGITS:
        return int(digits)
    if digits:
        notes.note("eas_bad_number", offset, "an element that must hold a number holds something else")
    return None


def flag(raw: bytes | None) -> bool:
    """A boolean element: "0" is false; "1", and the empty tag, are true (MS-ASCMD 2.2.3.84)."""
    return raw is None or raw.strip() != b"0"
