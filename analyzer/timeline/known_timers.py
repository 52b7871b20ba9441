"""Documented default idle timers of things that stand between a device and its server.

Only defaults that a vendor's own documentation or two independent sources give; a default is a hint and no proof, since
every one of them can be changed. From the project's notes on the network and on attribution.
"""

from typing import NamedTuple


class KnownTimer(NamedTuple):
    """A default, and how the product behaves when it strikes."""

    name: str
    timer_s: float
    behaviours: frozenset[str]  # of idle_timeouts.behaviour; what it is known to do
    source: str


_PROXY = frozenset(("proxy_error", "fin"))
_BOX = frozenset(("reset", "silent"))
_RESET = frozenset(("reset",))

KNOWN_TIMERS: tuple[KnownTimer, ...] = (
    KnownTimer("nginx proxy_read_timeout", 60.0, _PROXY, "nginx documentation"),
    KnownTimer("AWS Application or Classic Load Balancer", 60.0, _PROXY, "AWS documentation"),
    KnownTimer("Azure AD Application Proxy (default)", 85.0, _PROXY, "komodocloud"),
    KnownTimer("Azure AD Application Proxy (long)", 180.0, _PROXY, "komodocloud"),
    KnownTimer("Windows Web Application Proxy InactiveTransactionsTimeoutSec", 300.0, _PROXY, "migration-blog.com"),
    KnownTimer("F5 BIG-IP TCP profile", 300.0, _RESET, "F5 AS3 schema"),
    KnownTimer("AWS Network or Gateway Load Balancer", 350.0, _BOX, "AWS documentation"),
    KnownTimer("Fortinet FortiGate session-ttl", 3600.0, _BOX, "Fortinet documentation"),
    KnownTimer("Palo Alto Networks TCP session", 3600.0, _BOX, "Palo Alto Networks documentation"),
    KnownTimer("Cisco ASA, PIX or FTD connection", 3600.0, _BOX, "Cisco documentation"),
)


def candidates(low_s: float | None, high_s: float | None, behaviour: str | None) -> list[dict[str, object]]:
    """The known timers in (low_s, high_s] that behave so; none when the interval is open."""
    if low_s is None or high_s is None or behaviour is None:
        return []
    return [
        {"name": t.name, "timer_s": t.timer_s, "source": t.source}
        for t in KNOWN_TIMERS
        if low_s < t.timer_s <= high_s and behaviour in t.behaviours
    ]
