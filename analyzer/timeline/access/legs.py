"""On which leg a request is: from a device to the server that it calls, or between that server and the mailbox server.

Exchange 2003 front-ends speak WebDAV to the mailbox server, below /Exchange (KB817379: that virtual directory or one
that stands in for it); later ones hand whole requests on below /Microsoft-Server-ActiveSync/Proxy.
"""

from dissectors.events import Request

FRONT, BACK = "front", "back"

_METHODS = frozenset(
    ("SUBSCRIBE", "UNSUBSCRIBE", "POLL", "BPROPPATCH", "BPROPFIND", "BMOVE", "BCOPY", "BDELETE", "X-MS-ENUMATTS")
)
_PROXY = "/microsoft-server-activesync/proxy"
_FRONT = ("/microsoft-server-activesync", "/autodiscover/")
_BACK = ("/exchange/", "/exchange-oma/", "/exadmin/")


def leg_of(request: Request) -> str | None:
    """`front`, `back`, or None for what is neither."""
    return leg(request.method, request.target.partition("?")[0])


def leg(method: str | None, path: str | None) -> str | None:
    """The same, by method and path."""
    lower = (path or "").lower()
    if "://" in lower[:8]:
        lower = "/" + lower.partition("://")[2].partition("/")[2]
    if method in _METHODS or lower.startswith((_PROXY, *_BACK)):
        return BACK
    return FRONT if lower.startswith(_FRONT) else None
