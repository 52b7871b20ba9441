"""What is odd about a notification or a subscription: a note that travels with the message, as in `eas`."""

from typing import NamedTuple


class Oddity(NamedTuple):
    """One odd thing; the first of its kind in its message."""

    code: str  # snake_case, begins with "notify_" or "webdav_"
    detail: str  # in words; holds no secret and no personal text


# For whoever keeps them: no dissector counts across messages.
TOO_MANY_NOTIFICATIONS = Oddity("notify_limit", "further notifications were only counted")
TOO_MANY_REQUESTS = Oddity("webdav_limit", "further requests about subscriptions were only counted")
