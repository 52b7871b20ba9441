"""The name of a user, as the various protocols write it, brought down to what they share."""

import re

_COMMON_NAME = re.compile(r"(?:^|[/,])cn=([^/,]+)[^/]*$", re.IGNORECASE)


def bare(user: str | None) -> str | None:
    r"""`CORP\Anna`, `anna@corp.example`, `SMTP:anna@...`, `/o=Corp/.../cn=anna` → `anna`. None: there is no name."""
    if not user:
        return None
    text = user.strip().lower()
    common = _COMMON_NAME.search(text)
    if common:
        text = common[1]
    if text.startswith("smtp:"):
        text = text[5:]
    return text.rpartition("\\")[2].partition("@")[0] or None


def mailbox(path: str | None) -> str | None:
    """`/exchange/anna/Inbox/` → `anna`."""
    parts = (path or "").split("/", 3)
    return bare(parts[2]) if len(parts) > 2 else None
