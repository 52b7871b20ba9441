"""What is odd about an EAS message: a note that travels with the message until an engine makes it an `Anomaly`."""

from typing import NamedTuple


class Oddity(NamedTuple):
    """One odd thing in a body, a query or a message; the first of its kind there."""

    code: str  # snake_case, begins with "wbxml_" or "eas_"
    detail: str  # in words; holds no secret and no personal text
    offset: int | None = None  # in the decoded body
