"""The Call-Back URI: `httpu://host:port[/path]`, where notifications go (MSDN aa143117; the port is mandatory)."""

import re
from functools import lru_cache
from typing import Final, NamedTuple

MAX_URI_CHARS: Final = 2048

_URI: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.\-]*)://(?P<host>\[[0-9a-f:.%]+\]|[^/:\[\]\s@]+)(?::(?P<port>\d{1,5}))?(?P<path>/\S*)?",
    re.IGNORECASE,
)


class CallBack(NamedTuple):
    """A Call-Back URI taken apart."""

    scheme: str  # lower case: "httpu"
    host: str  # lower case, an IPv6 address without brackets
    port: int | None  # None: not given, or not possible
    path: str  # as sent; "" when there is none


@lru_cache(maxsize=4096)
def parse_call_back(text: str) -> CallBack | None:
    """None when it is no such URI."""
    if len(text) > MAX_URI_CHARS:
        return None
    match = _URI.fullmatch(text.strip(" \t<>"))
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else 0
    return CallBack(
        match["scheme"].lower(),
        match["host"].strip("[]").lower(),
        port if 0 < port < 65536 else None,
        match["path"] or "",
    )
