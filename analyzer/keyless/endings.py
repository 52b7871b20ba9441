"""How an inferred wait that got no answer ended: the judgement of decrypted waits, and what may not be said without
keys.

That judgement asks for the interval, to tell a device that gave up on an overdue answer from one that wanted something
else. Here it is known only that waits of this device ran out after so long (`longest_s`), and a device that tries out
longer ones asks for more. So

- a device that closes before that time chose to;
- one that closes later, into a path that no longer carries anything, is a victim: nobody answered its close either;
- one that closes later while the server's side still answers may have done either: unknown.

A RST or FIN in the server's name needs no interval. Nothing that was inferred is proven.
"""

from __future__ import annotations

from analyzer.timeline import endings
from analyzer.timeline.columns import NS, seconds
from analyzer.timeline.endings import Pending, Surroundings
from analyzer.timeline.evidence import Ending, first_close, server_packet_after
from analyzer.timeline.reading import TORN_DOWN, UNKNOWN
from dissectors.events import CLIENT

SLACK_S = 1.0  # servers may answer so much before the interval is over


def with_inferred_wait(pending: Pending, longest_s: float | None, around: Surroundings) -> Ending:
    """The end of a connection on which an inferred wait was pending."""
    wait, c = pending.wait, pending.connection
    close = None if c is None else first_close(c)
    due_s = longest_s
    held_s = 0.0
    if c is None or close is None or close.side != CLIENT:
        due_s = None
    else:
        held_s = seconds(close.time_ns, wait.start_ns)
        # Nobody answers a RST, or a FIN that the client follows up with one.
        torn = close.how == "rst" or any(0 <= r.time_ns - close.time_ns < NS for r in c.resets if r.side == CLIENT)
        alive = torn or server_packet_after(c, close.time_ns) is not None
        if longest_s is not None and held_s >= longest_s - SLACK_S and alive:
            due_s = None
    ending = endings.with_wait(pending, due_s, around)
    for item in ending.evidence:
        if item["kind"] == "gave_up":
            item["detail"] = (
                f"the client gave up after {held_s:.1f} s, and its close was not answered either; its waits that ran "
                f"out lasted {longest_s or 0.0:.1f} s at most"
            )
        elif item["kind"] == "closed_before_due":
            item["detail"] = (
                f"the client closed after {held_s:.1f} s; its waits ran out after up to {longest_s or 0.0:.1f} s"
            )
    if ending.premature is None and ending.outcome == TORN_DOWN:  # the device may have chosen that
        ending.outcome = UNKNOWN
    ending.says("inferred", "that it was waiting for push is inferred from sizes and times", wait.request_frame)
    if ending.grade == "proven":
        ending.grade = "likely"
    return ending
