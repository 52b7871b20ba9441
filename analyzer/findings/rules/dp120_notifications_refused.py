"""Notifications between the servers are refused.

What it means
    The mailbox server sent a NOTIFY datagram (UDP, port 2883 unless it was changed) to tell the front-end of a change,
    and somebody answered with an ICMP error that quotes it: it was not delivered. "Administratively prohibited" is a
    filter's word; "port unreachable" comes from the front-end itself, where nothing listens on the port.

Why it hurts
    The front-end never learns that there is new mail, so it lets the device wait until its interval is over. Push then
    works only as fast as the heartbeat: mail comes minutes late, and nothing in the devices' own traffic shows why.

What to do
    Let the datagrams pass from each mailbox server to each front-end, on every filter between them and on the
    servers' own firewalls. Where nothing listens: look for events 3015 and 3024 on the front-end; 3015 says that
    another program holds the port.

When it is wrong
    A front-end that is just starting refuses for a moment. An ICMP error can be forged; it would have to quote the
    datagram, though.

References
    RFC 792 and RFC 1812 5.2.7.1 (destination unreachable); Exchange team blog 2006-04-03 (Direct Push between front-end
    and back-end); events 3015 and 3024 of Server ActiveSync.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.findings import Finding, notified
from analyzer.findings.about import only
from analyzer.findings.case import Case
from analyzer.findings.words import framed

CODE = "DP120"
TITLE = "Notifications between the servers are refused"

_KINDS = {
    "prohibited": "ICMP administratively prohibited",
    "port_unreachable": "ICMP port unreachable",
    "host_unreachable": "ICMP host unreachable",
    "net_unreachable": "ICMP network unreachable",
    "unreachable": "ICMP destination unreachable",
    "time_exceeded": "ICMP time exceeded: they go in circles",
    "too_big": "ICMP packet too big",
}


def check(case: Case) -> Iterator[Finding]:
    for way in notified.ways(case, "blocked", by=("refused_by", "refusal")):
        refused_by, kind = str(way.rows["refused_by"][0]), str(way.rows["refusal"][0])
        detail = [
            f"{way.share('notification')} from {way.between}: the datagram was answered with an ICMP error that quotes "
            f"it, see {framed(way.frames)}.",
            "The front-end then knows of no change and lets the device wait.",
            way.later() or "What the devices did then is not in the capture.",
        ]
        itself = refused_by == way.destination
        yield Finding(
            code=CODE,
            severity="error" if way.most else "warning",
            title=f"Notifications from {way.between} are refused by {refused_by} ({_KINDS.get(kind, kind)}).",
            detail=" ".join(detail),
            advice=_advice(way, refused_by, kind, itself),
            session_id=only(way.rows["session_id"]),
            start=min(way.rows["time"]),
            end=max(way.rows["time"]),
            confidence="proven",
            frames=way.frames,
            display_filter=way.display_filter,
        )


def _advice(way: notified.Way, refused_by: str, kind: str, itself: bool) -> str:
    port = "the notification port" if way.port is None else f"UDP port {way.port}"
    if kind == "port_unreachable":
        return (
            f"Nothing listens on {port} of {way.destination}: see whether ActiveSync runs there and whether its event "
            "log has 3015 (another program holds the port) or 3024."
        )
    if kind == "prohibited":
        where = "in its own firewall" if itself else f"on {refused_by}"
        return (
            f"Let {port} pass from {way.source} to {way.destination} {where}, and on every other filter between them."
        )
    return f"See why {refused_by} cannot deliver packets to {way.destination}; {port} must get through."
